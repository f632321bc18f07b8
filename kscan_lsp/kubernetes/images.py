"""Image references, taken apart as a container runtime does."""

from __future__ import annotations


def image_ref(text: str) -> dict[str, str]:
    """An image reference as a container runtime resolves it.

    `docker.io` and `library/` are filled in, `index.docker.io` is `docker.io`, and what stands before the
    first slash is a registry when it has a dot, a colon or an upper-case letter, or is `localhost`. A
    reference that no runtime would accept is taken apart as far as it goes. Rules: the reference package of
    CNCF Distribution.

    Returns: `registry`, `repository` (without the registry), `name` (both), and `tag` and `digest`, empty
        when absent.
    """
    rest, _, digest = text.strip().partition("@")
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
