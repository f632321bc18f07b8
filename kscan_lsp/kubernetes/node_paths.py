"""Which path of its node a volume opens: one place that knows, for all controls that ask about host paths.

A pod has a path of its node by a `hostPath` volume, or by a claim that leads to a PersistentVolume which is one: one
that the pod names, one of an ephemeral volume, or one that a StatefulSet makes for each of its pods. Paths are compared
as the node resolves them: `//`, `.` and `..` mean nothing, /var/run is a link to /run on every current node, and
`/proc/PID/root` leads to the root of the process, for the pids that people write (1, self) that of the node.

A `local` PersistentVolume is meant for disks and folders that hold nothing else. Where it is the root of the node, the
socket of a container runtime, a folder that the system owns, or a parent of one, it is a path of the node like any
other.

Sources: `VolumeSource`, `HostPathVolumeSource`, `LocalVolumeSource` and `EphemeralVolumeSource` in core/v1/types.go
and `StatefulSetSpec.VolumeClaimTemplates` in apps/v1/types.go of kubernetes/api; the names of claims:
graph/claims.py; /proc/PID/root: proc_pid_root(5); /var/run: Filesystem Hierarchy Standard 3.0, 5.13.
"""

from __future__ import annotations

from typing import Any, Final

from kscan_lsp.regex import regex

RUNTIME_SOCKETS: Final = (
    "/run/docker.sock", "/run/docker/containerd/containerd.sock", "/run/containerd/containerd.sock",
    "/run/crio/crio.sock", "/run/cri-dockerd.sock", "/run/dockershim.sock", "/run/podman/podman.sock",
    "/run/k3s/containerd/containerd.sock", "/run/k0s/containerd.sock", "/run/k0s/containerd/containerd.sock",
    "/var/run/docker.sock", "/var/snap/microk8s/common/run/containerd.sock",
)  # fmt: skip
"""Where container runtimes listen. /var/run/docker.sock is there for who mounts all of /var."""

_OF_THE_SYSTEM: Final = ("/boot", "/etc", "/proc", "/root", "/sys", "/usr", "/var/lib/kubelet", "/var/log")
"""Folders that belong to the node, with all that is in them: no disk for pods is there."""

_LINK_TO_ROOT: Final = regex(r"[0-9]+|self|thread-self")
_NO_PATH: Final = "a path"


def node_path(path: str) -> str:
    """A path as the node resolves it, without a slash at its end; empty for an empty one."""
    if not path:
        return ""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
        if (
            len(parts) == 3
            and parts[0] == "proc"
            and parts[2] == "root"
            and _LINK_TO_ROOT.fullmatch(parts[1])
        ):
            parts = []
        elif parts == ["var", "run"]:
            parts = ["run"]
    return "/" + "/".join(parts)


def runtime_sockets(path: str) -> list[str]:
    """The sockets of container runtimes that are at a path of a node, or inside it.

    Args:
        path: as `node_path` gives it.
    """
    inside = path if path == "/" else f"{path}/"
    return [socket for socket in RUNTIME_SOCKETS if path and f"{socket}/".startswith(inside)]


def node_paths(
    volume: dict[str, Any], found: list[Any] | None = None, owner: str = ""
) -> list[dict[str, Any]]:
    """The paths of its node that a volume opens.

    Args:
        volume: a volume of a pod, a template of claims of a StatefulSet, or a PersistentVolume.
        found: what `persistentVolumeClaims.persistentVolumes` leads to from the object that has it, as controls see it.
        owner: the name of that object.

    Returns:
        For each, `node` (as `node_path` gives it; empty where none is written) and `written`; what came by a claim has
        `how` it came, in words, and is a reference that `related` of a control takes: `ref`, `path`, `message`.
    """
    if volume.get("kind") == "PersistentVolume":
        return [_entry(path) for _, path in _declared(volume)]
    own = volume.get("hostPath")
    if isinstance(own, dict):
        return [_entry(own.get("path"))]
    opened: dict[str, dict[str, Any]] = {}
    for link in found or ():
        claim, ref = _claim_of(volume, link, owner), link["ref"]
        for field, path in _declared(link["object"]) if claim else ():
            how = f"claim '{claim}' leads to PersistentVolume '{ref['name']}'"
            place = {"ref": ref, "path": f"spec.{field}.path", "message": "the path of the node"}
            opened.setdefault(ref["name"], {**_entry(path), "how": how, **place})
    return [*opened.values()]


def _entry(path: object) -> dict[str, Any]:
    text = path if isinstance(path, str) else ""
    return {"node": node_path(text), "written": text or _NO_PATH, "how": ""}


def _declared(volume: object) -> list[tuple[str, object]]:
    """The field of a PersistentVolume that makes it a path of the node, and the path."""
    spec = volume.get("spec") if isinstance(volume, dict) else None
    for field in ("hostPath", "local"):
        source = spec.get(field) if isinstance(spec, dict) else None
        if isinstance(source, dict):
            path = source.get("path")
            if field == "hostPath" or (isinstance(path, str) and _is_of_the_system(node_path(path))):
                return [(field, path)]
    return []


def _is_of_the_system(path: str) -> bool:
    if not path:
        return False
    inside = path if path == "/" else f"{path}/"
    owned = any(folder.startswith(inside) or inside.startswith(f"{folder}/") for folder in _OF_THE_SYSTEM)
    return owned or bool(runtime_sockets(path))


def _claim_of(volume: dict[str, Any], link: dict[str, Any], owner: str) -> str:
    """The claim of a volume that led to a PersistentVolume; empty where none of it did."""
    passed: str = link["via"][0]["name"] if link["via"] else ""
    claim, metadata = volume.get("persistentVolumeClaim"), volume.get("metadata")
    if isinstance(claim, dict):
        is_of_it = claim.get("claimName") == passed
    elif isinstance(metadata, dict):
        start, _, ordinal = passed.rpartition("-")
        is_of_it = start == f"{metadata.get('name')}-{owner}" and ordinal.isdecimal()
    else:
        is_of_it = isinstance(volume.get("ephemeral"), dict) and passed == f"{owner}-{volume.get('name')}"
    return passed if is_of_it else ""
