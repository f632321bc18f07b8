"""Image references, taken apart as a container runtime does, and lists of registries and repositories.

An entry of such a list is the start of images' names, and ends where a part of a name ends: `gcr.io` is not
`gcr.io.example.com`. A `*` stands for a part of a host between two dots, or of a path between two slashes, or for some
of its characters. Left out on purpose: regular expressions, in which a dot means any character.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from kscan_lsp.kubernetes.schema import CONTAINER_LISTS
from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_NAME: Final = regex(r"[^\w.:/@*-]")
_IPV6: Final = regex(r"\[[0-9A-Fa-f:]+\](?=[:/]|$)")
_EMPTY_PART: Final = regex(r"^[./]|[./][./]|\.$|/\*?\.")
_DIGEST: Final = regex(
    r"(?:sha256|sha512|blake3):|[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32}"
)
"""The algorithms of the OCI image specification, and what else the reference package of CNCF Distribution takes."""

_ENDS: Final = frozenset("/:@")
"""Before these, a part of a name ends."""


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
    if found and _is_registry(first):
        registry, repository = first, remainder
    else:
        registry, repository = "docker.io", rest
    if registry == "index.docker.io":
        registry = "docker.io"
    if registry == "docker.io" and repository and "/" not in repository:
        repository = f"library/{repository}"
    name = f"{registry}/{repository}" if repository else ""
    return {"registry": registry, "repository": repository, "name": name, "tag": tag, "digest": digest}


def _is_registry(first: str) -> bool:
    return "." in first or ":" in first or first == "localhost" or first != first.lower()


def images_in(pod: object) -> list[str]:
    """The images that a pod's spec has, as it refers to them, each once; whatever else it may have there."""
    found: dict[str, None] = {}
    lists = [pod.get(name) for name in CONTAINER_LISTS] if isinstance(pod, dict) else []
    for items in lists:
        for container in items if isinstance(items, list) else ():
            image = container.get("image") if isinstance(container, dict) else None
            if isinstance(image, str):
                found[image] = None
    return list(found)


def listed(name: str, entries: Sequence[str]) -> bool:
    """Whether a list of registries and repositories has an image.

    Args:
        name: the image, as `registry/repository`; what follows, a tag or a digest, does not matter.
        entries: starts of names, with or without `*`. Without a registry they are of `docker.io`, as images are.
    """
    if not entries:
        return False
    starts, longest, patterns = _sorted(tuple(entries))
    for at, letter in enumerate(name[: longest + 1]):
        if letter in _ENDS and (name[:at] in starts or (letter == "/" and name[: at + 1] in starts)):
            return True
    return name in starts or any(_begins(name, pattern) for pattern in patterns)


@lru_cache(maxsize=64)
def _sorted(entries: tuple[str, ...]) -> tuple[frozenset[str], int, tuple[str, ...]]:
    """The entries of a list as they are and in full: those without a `*`, how long they are, and those with one."""
    written = {one for entry in entries if entry for one in (entry, _in_full(entry))}
    patterns = {one for one in written if "*" in one}
    starts = written - patterns
    return frozenset(starts), max(map(len, starts), default=0), tuple(patterns)


def _in_full(entry: str) -> str:
    first, slash, _ = entry.partition("/")
    if _is_registry(first) or "*" in first:
        return entry
    return f"docker.io/{entry}" if slash else f"docker.io/library/{entry}"


def _begins(name: str, entry: str) -> bool:
    """Whether a name begins with an entry that has a `*`."""
    asked, given = entry.removesuffix("/").split("/"), name.split("/")
    if len(given) < len(asked) + entry.endswith("/"):
        return False
    host = given[0] if ":" in asked[0] else given[0].partition(":")[0]
    labels, wanted = host.split("."), asked[0].split(".")
    if len(labels) != len(wanted) or not all(map(_alike, labels, wanted)):
        return False
    paths = [
        part if set(":@") & set(pattern) else re.split("[:@]", part, maxsplit=1)[0]
        for part, pattern in zip(given[1:], asked[1:], strict=False)
    ]
    return all(map(_alike, paths, asked[1:]))


def _alike(part: str, pattern: str) -> bool:
    """Whether a part of a name is what a pattern says, in which `*` stands for any characters, and alone for some."""
    first, *others = pattern.split("*")
    if not others:
        return part == pattern
    *middle, last = others
    if not part.startswith(first) or not part.endswith(last) or len(part) < max(1, len(first) + len(last)):
        return False
    at, end = len(first), len(part) - len(last)
    for piece in middle:
        found = part.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def entry_error(entry: str) -> str:
    """Why an entry of such a list can match no image, and what to write instead; empty where it can."""
    if not entry.strip():
        return "an empty entry matches no image; take it out"
    scheme, found, rest = entry.partition("://")
    if found:
        return f"'{entry}' matches no image, whose name has no '{scheme}://'; write '{rest.rstrip('/') or 'quay.io'}'"
    if entry != entry.strip():
        return f"'{entry}' matches no image, because of the space; write '{entry.strip()}'"
    if _NO_NAME.search(_IPV6.sub("", entry)) or _EMPTY_PART.search(entry):
        return (
            f"'{entry}' matches no image: an entry is the start of an image's name, no regular expression; "
            "'*' stands for a part of it, as in '*.example.com/team'"
        )
    return ""
