"""The images of an object as Kyverno takes them apart, by container: what `images` is in a rule.

Source: pkg/utils/api/image.go and pkg/utils/image/infos.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kscan_lsp.regex import regex

if TYPE_CHECKING:
    from kscan_lsp.paths import Path

DEFAULT_REGISTRY: Final = "docker.io"
LISTS: Final = ("initContainers", "containers", "ephemeralContainers")
_PODS: Final[dict[str, Path]] = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(
        ("DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"),
        ("spec", "template", "spec"),
    ),
}
_TAG: Final = regex(r"[\w][\w.-]{0,127}")
_DIGEST: Final = regex(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_PATH: Final = regex(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")


def image_of(text: str) -> dict[str, str] | None:
    """An image's name taken apart, with the registry and tag that it has by default; None for what is none."""
    first, slash, _ = text.partition("/")
    host = slash and (set(first) & {".", ":"} or first == "localhost" or first.lower() != first)
    registry, _, rest = (text if host else f"{DEFAULT_REGISTRY}/{text}").partition("/")
    named, at, digest = rest.partition("@")
    path, colon, tag = named.partition(":")
    if len(path) > 255 or not _PATH.fullmatch(path):
        return None
    if (colon and not _TAG.fullmatch(tag)) or (at and not _DIGEST.fullmatch(digest)):
        return None
    if not tag and not digest:
        tag = "latest"
    whole = f"{registry}/{path}"
    return {
        "registry": registry,
        "name": path.rpartition("/")[2],
        "path": path,
        **({"tag": tag} if tag else {}),
        **({"digest": digest} if digest else {}),
        "reference": f"{whole}@{digest}" if digest else f"{whole}:{tag}",
        "referenceWithTag": f"{whole}:{tag}",
    }


def text_of(image: dict[str, str]) -> str:
    """An image in full."""
    return image["reference"]


def pod_of(kind: str) -> Path | None:
    """Where an object of a kind has the spec of its pods; None for what runs none."""
    return _PODS.get(kind)


def images_of(kind: str, data: dict[str, Any]) -> tuple[dict[str, Any], dict[tuple[str, str], Path]]:
    """What `images` is for an object, and where each image stands.

    Args:
        kind: its kind.
        data: the object.

    Returns:
        By list of containers and name of the container, the image taken apart; and by the same two the path of it.
    """
    way = pod_of(kind)
    spec: Any = data
    for key in way or ():
        spec = spec.get(key) if isinstance(spec, dict) else None
    found: dict[str, Any] = {}
    places: dict[tuple[str, str], Path] = {}
    for name in LISTS if way is not None and isinstance(spec, dict) else ():
        listed = spec.get(name)
        for number, one in enumerate(listed if isinstance(listed, list) else ()):
            image = one.get("image") if isinstance(one, dict) else None
            called = one.get("name") if isinstance(one, dict) else None
            if (
                isinstance(image, str)
                and image.strip()
                and isinstance(called, str)
                and (info := image_of(image))
            ):
                path = (*(way or ()), name, number, "image")
                pointer = "/" + "/".join(map(str, path))
                found.setdefault(name, {})[called] = {**info, "jsonPointer": pointer}
                places[name, called] = path
    return found, places
