"""Paths of a node: read as the node resolves them, found behind claims, and told from disks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kscan_lsp.kubernetes.node_paths import RUNTIME_SOCKETS, node_path, node_paths, runtime_sockets


@pytest.mark.parametrize(("written", "path"), [
    ("", ""),
    ("/", "/"), ("//", "/"), ("/.", "/"), ("/..", "/"), ("/../..", "/"), ("/srv/..", "/"), ("/./srv/../", "/"),
    ("etc", "/etc"), ("/etc/", "/etc"), ("/etc//kubernetes/.", "/etc/kubernetes"), ("/srv/../etc", "/etc"),
    ("/proc/1/root", "/"), ("/proc/self/root/", "/"), ("/proc/thread-self/root", "/"), ("/proc/4711/root/etc", "/etc"),
    ("/proc/1/root/proc/1/root", "/"), ("/proc/1/root/..", "/"), ("//proc/./1//root/run", "/run"),
    ("/proc", "/proc"), ("/proc/1", "/proc/1"), ("/proc/1/rootfs", "/proc/1/rootfs"),
    ("/proc/sys/root", "/proc/sys/root"),
    ("/host/proc/1/root", "/host/proc/1/root"), ("/proc/1/root/../proc/x", "/proc/x"),
    ("/var/run", "/run"), ("/var/run/docker.sock", "/run/docker.sock"), ("/var/runner", "/var/runner"),
    ("/proc/1/root/var/run/x", "/run/x"), ("/srv/var/run", "/srv/var/run"),
])  # fmt: skip
def test_a_path_is_read_as_the_node_resolves_it(written: str, path: str) -> None:
    assert node_path(written) == path


@given(st.text(alphabet="/.aproc1rotun", max_size=40))
def test_a_path_that_was_read_stays_as_it_is(written: str) -> None:
    path = node_path(written)
    assert node_path(path) == path
    assert bool(path) == bool(written)
    assert path == "/" or not path or (path.startswith("/") and "//" not in path and not path.endswith("/"))


def test_a_folder_holds_the_sockets_that_are_in_it() -> None:
    for socket in RUNTIME_SOCKETS:
        assert socket in runtime_sockets(socket)
        assert socket in runtime_sockets(socket.rpartition("/")[0])
        assert runtime_sockets(f"{socket}x") == []
    assert runtime_sockets("/") == [*RUNTIME_SOCKETS]
    assert runtime_sockets("/ru") == runtime_sockets("") == runtime_sockets("/srv") == []


def declared(**spec: Any) -> dict[str, Any]:
    return {"kind": "PersistentVolume", "spec": spec}


@pytest.mark.parametrize(
    "path",
    ["/", "/run", "/var", "/var/run/docker.sock", "/etc", "/etc/ssl", "/usr/lib", "/var/lib", "/proc/1/root"],
)
def test_a_local_volume_of_what_the_system_owns_is_a_path_of_the_node(path: str) -> None:
    assert [one["node"] for one in node_paths(declared(local={"path": path}))] == [node_path(path)]


@pytest.mark.parametrize("path", ["/mnt/disks/a", "/srv", "/data", "/dev/sdb", "/opt/x", "/home/x", "/var/lib/data", "",
                                  "/etcetera"])  # fmt: skip
def test_a_local_volume_of_a_disk_is_none(path: str) -> None:
    assert node_paths(declared(local={"path": path})) == []
    assert [one["written"] for one in node_paths(declared(hostPath={"path": path}))] == [path or "a path"]


def link(claim: str, name: str = "v", **spec: Any) -> dict[str, Any]:
    return {"object": declared(**spec), "ref": {"name": name}, "via": [{"name": claim}]}


def test_claims_lead_to_what_they_led_to() -> None:
    found = [
        link("a", "1", hostPath={"path": "/srv"}),
        link("b", "2", hostPath={"path": "/etc"}),
        link("a", "3", nfs={"path": "/"}),
        link("a", "1", hostPath={"path": "/srv"}),
        {"object": declared(hostPath={"path": "/"}), "ref": {"name": "4"}, "via": []},
    ]
    (opened,) = node_paths({"name": "x", "persistentVolumeClaim": {"claimName": "a"}}, found, "web")
    assert opened == {
        "node": "/srv", "written": "/srv", "how": "claim 'a' leads to PersistentVolume '1'",
        "ref": {"name": "1"}, "path": "spec.hostPath.path", "message": "the path of the node",
    }  # fmt: skip


def test_claims_that_are_made_have_the_names_that_kubernetes_gives_them() -> None:
    found = [
        link(name, name, hostPath={"path": "/srv"})
        for name in ("data-db-0", "data-log-db-0", "web-scratch", "data-db-x")
    ]

    def names(volume: dict[str, Any], owner: str) -> list[str]:
        return [one["ref"]["name"] for one in node_paths(volume, found, owner)]

    assert names({"metadata": {"name": "data"}, "spec": {}}, "db") == ["data-db-0"]
    assert names({"metadata": {"name": "data-log"}, "spec": {}}, "db") == ["data-log-db-0"]
    assert names({"name": "scratch", "ephemeral": {}}, "web") == ["web-scratch"]
    assert names({"name": "scratch", "emptyDir": {}}, "web") == []


@pytest.mark.parametrize("odd", [None, 1, "a", [], {}, {"path": 1}, {"path": None}])
def test_nothing_in_a_volume_is_too_odd(odd: Any) -> None:
    for volume in ({"hostPath": odd}, {"persistentVolumeClaim": odd}, {"metadata": odd}, {"ephemeral": odd},
                   {"kind": "PersistentVolume", "spec": odd}, declared(hostPath=odd), declared(local=odd)):  # fmt: skip
        for one in node_paths(volume, [link("a", hostPath=odd), link("a", local=odd)], "a"):
            assert one["written"] == "a path"
