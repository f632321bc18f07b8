"""Image references, taken apart as a container runtime does."""

from __future__ import annotations

import re
from typing import Final

_DIGEST: Final = re.compile(
    r"(?:sha256|sha512|blake3):|[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32}"
)
"""The algorithms of the OCI image specification, and what else the reference package of CNCF Distribution takes."""


def begins_digest(text: str, at: int = 0) -> bool:
    """Whether a digest stands at an offset: `sha256:` and its number. What else follows an `@` is a host."""
    return _DIGEST.match(text, at) is not None


def image_ref(text: str) -> dict[str, str]:
    """An image reference as a container runtime resolves it.

    `docker.io` and `library/` are filled in, `index.docker.io` is `docker.io`, and what stands before the
    first slash is a registry when it has a dot, a colon or an upper-case letter, or is `localhost`. A
    reference that no runtime would accept is taken apart as far as it goes; a login in front of a host
    (`user:password@host/name`) is left out. Rules: the reference package of CNCF Distribution.

    Returns: `registry`, `repository` (without the registry), `name` (both), and `tag` and `digest`, empty
        when absent.
    """
    rest, _, digest = text.strip().partition("@")
    if digest and not begins_digest(digest):
        rest, _, digest = digest.partition("@")
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    tag = ""
    if colon >= 0:
        rest, tag = rest[:colon], rest[colon + 1 :]
    first, found, remainder = rest.partition("/")
    if found and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, repository = first, remainder
    else:
        registry, repository = "docker.io", rest
    if registry == "index.docker.io":
        registry = "docker.io"
    if registry == "docker.io" and repository and "/" not in repository:
        repository = f"library/{repository}"
    name = f"{registry}/{repository}" if repository else ""
    return {"registry": registry, "repository": repository, "name": name, "tag": tag, "digest": digest}
