"""Overlays built from files in memory, and where each part of what they build was written."""

from __future__ import annotations

import errno
import os
import textwrap
from pathlib import Path

import pytest
from support.kustomize import found

from kscan_lsp.files.encoding import Unreadable
from kscan_lsp.render.kustomize.building import Built, build
from kscan_lsp.render.kustomize.copying import folder_below, plain_files
from kscan_lsp.render.kustomize.files import FilesOfRevision
from kscan_lsp.render.kustomize.kustomization import KustomizationFault
from kscan_lsp.render.kustomize.maker import Kustomize, kustomize
from kscan_lsp.render.kustomize.overlay import Overlay, read_overlay
from kscan_lsp.render.kustomize.places import NOT_KNOWN, DocumentPlaces
from kscan_lsp.render.makers import RenderError
from kscan_lsp.text import Span
from kscan_lsp.yaml.document import split

MAKER = found()
TOP = os.path.realpath("/w") if os.name == "posix" else "C:\\w"

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web}
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      containers:
        - name: api
          image: nginx:1.0
          args: [--port, "80"]
          ports:
            - containerPort: 80
          envFrom:
            - configMapRef: {name: settings}
        - name: log
          image: busybox
"""
BASE = {"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": DEPLOYMENT}


def overlay(files: dict[str, str], folder: str = "prod") -> Overlay | KustomizationFault:
    """An overlay of files in memory, by their paths in a workspace."""
    raw = {os.path.join(TOP, *name.split("/")): text.encode() for name, text in files.items()}
    return read_overlay(os.path.join(TOP, folder), [TOP], FilesOfRevision(raw))


def built(files: dict[str, str], folder: str = "prod") -> tuple[Overlay, Built]:
    one = overlay({**BASE, **files}, folder)
    assert isinstance(one, Overlay), one
    return one, build(MAKER, one)


def name(path: str) -> str:
    return Path(path).relative_to(TOP).as_posix()


def places_of(
    files: dict[str, str], part: str, kind: str = "Deployment", *, beneath: bool = False
) -> tuple[str, str, str]:
    """The file that a part of what is built is from, what stands there, and why that is not sure."""
    one, result = built(files)
    every = {**BASE, **files}
    for number, text in enumerate(split(result.text)):
        if f"kind: {kind}\n" not in text or part not in text:
            continue
        places = DocumentPlaces(result, number, text, one.file, name)
        at = text.index(part)
        span = Span(at, at + len(part))
        below = places.beneath(span)
        location = below[0] if beneath and below else places.locate(span)
        assert location.span is not None
        return location.file, every[location.file][location.span.start : location.span.end], location.reason
    pytest.fail(f"{part} is not in {result.text}")


def patched(patch: str, **more: str) -> dict[str, str]:
    text = textwrap.dedent(patch)
    return {
        "prod/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n",
        "prod/p.yaml": text,
        **more,
    }


PRIVILEGED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: api
          securityContext:
            privileged: true
"""


def kustomized(text: str, **files: str) -> dict[str, str]:
    return {"prod/kustomization.yaml": "resources: [../base]\n" + textwrap.dedent(text), **files}


TARGETED = "resources: [../base]\npatches: [{path: p.yaml, target: {kind: Deployment}}]\n"
INLINE = """\
patches:
  - target: {kind: Deploy.*, name: w.b}
    patch: |-
      - op: add
        path: /spec/template/spec/hostPID
        value: true
      - op: add
        path: /spec/template/spec/containers/1/securityContext
        value: {privileged: true}
"""


@pytest.mark.parametrize(
    ("files", "part", "file", "written"),
    [
        (patched(PRIVILEGED), "privileged: true", "prod/p.yaml", "privileged: true"),
        (patched(PRIVILEGED), "securityContext", "prod/p.yaml", "securityContext"),
        (patched(PRIVILEGED), "image: busybox", "base/web.yaml", "image: busybox"),
        (patched(PRIVILEGED), "name: api", "base/web.yaml", "name: api"),
        (patched(PRIVILEGED), "containers", "base/web.yaml", "containers"),
        (patched(PRIVILEGED), "kind: Deployment", "base/web.yaml", "kind: Deployment"),
        (kustomized(INLINE), "hostPID: true", "prod/kustomization.yaml", "value: true"),
        (kustomized(INLINE), "privileged: true", "prod/kustomization.yaml", "privileged: true"),
        (
            patched("- {op: replace, path: /spec/replicas, value: 0}\n")
            | {"prod/kustomization.yaml": TARGETED},
            "replicas: 0",
            "prod/p.yaml",
            "value: 0",
        ),
        (
            kustomized("patchesStrategicMerge:\n- |-\n" + textwrap.indent(PRIVILEGED, "  ")),
            "privileged: true",
            "prod/kustomization.yaml",
            "privileged: true",
        ),
        (
            kustomized("images: [{name: nginx, newTag: '2.0'}]\n"),
            "image: nginx:2.0",
            "prod/kustomization.yaml",
            "newTag: '2.0'",
        ),
        (
            kustomized("images: [{name: nginx, digest: sha256:abc}]\n"),
            "image: nginx@sha256:abc",
            "prod/kustomization.yaml",
            "digest: sha256:abc",
        ),
        (
            kustomized("images: [{name: busybox, newName: mine/box}]\n"),
            "image: mine/box",
            "prod/kustomization.yaml",
            "newName: mine/box",
        ),
        (kustomized("replicas: [{name: web, count: 5}]\n"), "replicas: 5", "prod/kustomization.yaml", "count: 5"),
        (kustomized("namespace: shop\n"), "namespace: shop", "prod/kustomization.yaml", "namespace: shop"),
        (
            kustomized("labels: [{pairs: {team: pay}, includeTemplates: true}]\n"),
            "team: pay",
            "prod/kustomization.yaml",
            "team: pay",
        ),
        (kustomized("commonAnnotations: {a: b}\n"), "a: b", "prod/kustomization.yaml", "a: b"),
        (kustomized("namePrefix: p-\nnameSuffix: -s\n"), "name: p-web-s", "base/web.yaml", "name: web"),
        (kustomized("namePrefix: p-\n"), "replicas: 1", "base/web.yaml", "replicas: 1"),
        (
            {
                "prod/kustomization.yaml": "resources: [../base]\ncomponents: [../tls]\n",
                "tls/kustomization.yaml": (
                    "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: p.yaml}]\n"
                ),
                "tls/p.yaml": PRIVILEGED,
            },
            "privileged: true",
            "tls/p.yaml",
            "privileged: true",
        ),
        (
            kustomized(
                "replacements:\n- source: {kind: ConfigMap, name: settings, fieldPath: data.SIZE}\n"
                "  targets: [{select: {kind: Deployment}, fieldPaths: [spec.replicas]}]\n"
                "configMapGenerator: [{name: settings, literals: [SIZE=7]}]\n"
            ),
            "replicas: 7",
            "prod/kustomization.yaml",
            "SIZE=7",
        ),
    ],
)  # fmt: skip
def test_a_part_of_what_is_built_is_where_it_was_set(
    files: dict[str, str], part: str, file: str, written: str
) -> None:
    assert places_of(files, part) == (file, written, "")


@pytest.mark.parametrize(
    ("files", "part", "kind", "file", "written"),
    [
        (
            kustomized("secretGenerator:\n- name: db\n  literals:\n  - password=hunter2\n"),
            "password: aHVudGVyMg==", "Secret", "prod/kustomization.yaml", "password=hunter2",
        ),
        (
            kustomized("secretGenerator:\n- name: db\n  literals:\n  - password=hunter2\n"),
            "name: db", "Secret", "prod/kustomization.yaml", "name: db",
        ),
        (
            kustomized("configMapGenerator: [{name: c, envs: [a.env]}]\n", **{"prod/a.env": "# x\nTOKEN=abc\nN=3\n"}),
            "TOKEN: abc", "ConfigMap", "prod/a.env", "TOKEN=abc",
        ),
        (
            kustomized("configMapGenerator: [{name: c, envs: [a.env]}]\n", **{"prod/a.env": "# x\nTOKEN=abc\n"}),
            "name: c", "ConfigMap", "prod/a.env", "TOKEN=abc",
        ),
        (
            kustomized("configMapGenerator: [{name: c, files: [a.conf]}]\n", **{"prod/a.conf": "one\ntwo\n"}),
            "a.conf: |", "ConfigMap", "prod/kustomization.yaml", "a.conf",
        ),
    ],
)  # fmt: skip
def test_what_is_generated_is_where_its_value_stands(
    files: dict[str, str], part: str, kind: str, file: str, written: str
) -> None:
    assert places_of(files, part, kind) == (file, written, "")


def test_generated_objects_keep_their_names() -> None:
    _, result = built(kustomized("configMapGenerator: [{name: settings, literals: [a=b]}]\n"))
    assert "name: settings\n" in result.text.split("kind: ConfigMap")[1]
    assert "configMapRef:\n            name: settings\n" in result.text


@pytest.mark.parametrize(
    ("part", "written"), [("privileged: true", "name: api"), ("securityContext", "name: api")]
)
def test_the_base_is_told_with_a_patch(part: str, written: str) -> None:
    assert places_of(patched(PRIVILEGED), part, beneath=True) == ("base/web.yaml", written, "")
    changed = patched(PRIVILEGED.replace("securityContext:\n            privileged: true", "image: nginx:9"))
    assert places_of(changed, "image: nginx:9", beneath=True) == ("base/web.yaml", "image: nginx:1.0", "")


def test_what_a_plugin_sets_is_not_guessed() -> None:
    files = kustomized(
        "transformers: [t.yaml]\n",
        **{
            "prod/t.yaml": "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: t}\n"
            'target: {kind: Deployment}\npatch: \'[{"op": "add", "path": "/spec/paused", "value": true}]\'\n'
        },
    )
    file, _, reason = places_of(files, "paused: true")
    assert (file, reason) == ("base/web.yaml", NOT_KNOWN)


def test_a_folder_of_plugins_is_built() -> None:
    files = kustomized(
        "transformers: [../t]\n",
        **{
            "t/kustomization.yaml": "resources: [t.yaml]\n",
            "t/t.yaml": "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: t}\n"
            "imageTag: {name: nginx, newTag: '3'}\n",
        },
    )
    assert "image: nginx:3" in built(files)[1].text
    assert places_of(files, "image: busybox") == ("base/web.yaml", "image: busybox", "")


def test_a_namespace_by_which_a_patch_finds_its_object_has_no_mark() -> None:
    files = {
        "mid/kustomization.yaml": "resources: [../base]\nnamespace: shop\n",
        "prod/kustomization.yaml": "resources: [../mid]\nnamespace: shop\npatches: [{path: p.yaml}]\n",
        "prod/p.yaml": PRIVILEGED.replace("name: web", "name: web, namespace: shop"),
    }
    assert places_of(files, "privileged: true") == ("prod/p.yaml", "privileged: true", "")
    assert places_of(files, "namespace: shop") == ("prod/kustomization.yaml", "namespace: shop", "")


def test_texts_of_a_list_that_are_names_stand_where_the_list_does() -> None:
    files = kustomized("namePrefix: p-\nconfigMapGenerator: [{name: settings, literals: [a=b]}]\n")
    files["base/web.yaml"] = DEPLOYMENT.replace('"80"', "settings")
    assert places_of(files, "settings") == ("base/web.yaml", "settings", "")
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r}\nrules:\n"
    role += "- {apiGroups: [''], resources: [configmaps], verbs: [get], resourceNames: [settings]}\n"
    files |= {"base/kustomization.yaml": "resources: [web.yaml, role.yaml]\n", "base/role.yaml": role}
    assert places_of(files, "p-settings", "Role") == ("base/role.yaml", "settings", "")


def test_a_mark_that_makes_a_difference_is_left_out() -> None:
    """A condition on a value: with a mark it would not hold, and with none it does."""
    files = patched(
        "- {op: test, path: /spec/replicas, value: 1}\n- {op: replace, path: /spec/replicas, value: 2}\n"
    ) | {
        "prod/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml, target: {kind: Deployment}}]\n"
    }
    assert places_of(files, "image: busybox") == ("base/web.yaml", "image: busybox", "")
    _, result = built(files)
    assert "replicas: 2" in result.text


def test_what_has_marks_of_its_own_has_none_of_ours() -> None:
    files = patched(PRIVILEGED.replace("name: web", "name: web, annotations: {a: 'x.{3}.'}"))
    file, _, _ = places_of(files, "image: busybox")
    assert file == "base/web.yaml"
    _, result = built(files)
    assert "a: x.{3}." in result.text


@pytest.mark.parametrize(
    ("files", "line", "said"),
    [
        ({"prod/kustomization.yaml": "\nresources:\n- https://github.com/a/b?ref=1\n"}, 3, "nothing is fetched"),
        ({"prod/kustomization.yaml": "resources: [git@github.com:a/b]\n"}, 1, "nothing is fetched"),
        ({"prod/kustomization.yaml": "resources: [github.com/a/b]\n"}, 1, "nothing is fetched"),
        ({"prod/kustomization.yaml": "patches: [{path: 'HTTP://169.254.169.254/x'}]\n"}, 1, "nothing is fetched"),
        (
            {"prod/kustomization.yaml": "configMapGenerator: [{name: a, files: ['x=http://localhost/x']}]\n"},
            1,
            "nothing is fetched",
        ),
        ({"prod/kustomization.yaml": "resources: [../../etc]\n"}, 1, "outside of this workspace"),
        ({"prod/kustomization.yaml": "resources: [/etc/passwd]\n"}, 1, "outside of this workspace"),
        ({"prod/kustomization.yaml": "configMapGenerator: [{name: a, files: [../.git/config]}]\n",
          ".git/config": ""}, 1, "outside of this workspace"),
        ({"prod/kustomization.yaml": "resources: [gone.yaml]\n"}, 1, "there is no file or folder 'gone.yaml'"),
        ({"prod/kustomization.yaml": "Resources: [../base]\n"}, 1, "no field 'Resources'"),
        ({"prod/kustomization.yaml": "patches: [{Path: x}]\n"}, 1, "no field 'Path' in 'patches'"),
        ({"prod/kustomization.yaml": "resources: [../base]\nhelmCharts: [{name: x}]\n"}, 2, "that fetches them"),
        ({"prod/kustomization.yaml": "resources: [../a]\n", "a/kustomization.yaml": "resources: [../prod]\n"}, 1,
         "'../prod' leads back to this kustomization"),
        ({"prod/kustomization.yaml": "resources: [../a]\n", "a/x.yaml": ""}, 1, "has no kustomization"),
        ({"prod/kustomization.yaml": "a: &a [b\n"}, 1, ""),
        ({"prod/kustomization.yaml": "transformers: [t.yaml]\n",
          "prod/t.yaml": "apiVersion: builtin\nkind: PatchTransformer\npath: http://localhost/x\n"},
         1, "nothing is fetched"),
        ({"prod/kustomization.yaml": "transformers: [../t]\n", "t/kustomization.yaml": "resources: [t.yaml]\n",
          "t/t.yaml": "apiVersion: builtin\nkind: PatchTransformer\npath: http://localhost/x\n"},
         1, "plugins that are patched, or that read files"),
        ({"prod/kustomization.yaml": "transformers: [../t]\n", "t/kustomization.yaml": "namePrefix: a\n"},
         1, "plugins that are patched, or that read files"),
        ({"prod/x.yaml": ""}, 1, "there is not one kustomization here"),
    ],
)  # fmt: skip
def test_what_leads_out_of_the_workspace_is_refused_before_anything_runs(
    files: dict[str, str], line: int, said: str
) -> None:
    fault = overlay({**BASE, **files})
    assert isinstance(fault, KustomizationFault), fault
    assert said in fault.message
    assert fault.line == line


def test_links_out_of_the_workspace_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(DEPLOYMENT)
    work = tmp_path / "work"
    (work / "prod").mkdir(parents=True)
    (work / "prod/kustomization.yaml").write_text("resources: [a.yaml]\n")
    (work / "prod/a.yaml").symlink_to(tmp_path / "secret.yaml")
    fault = read_overlay(str(work / "prod"), [work])
    assert isinstance(fault, KustomizationFault)
    assert "outside of this workspace" in fault.message
    (work / "prod/a.yaml").unlink()
    (work / "b.yaml").write_text(DEPLOYMENT)
    (work / "prod/a.yaml").symlink_to(work / "b.yaml")
    one = read_overlay(str(work / "prod"), [work])
    assert isinstance(one, Overlay)
    assert "kind: Deployment" in build(MAKER, one).text


def test_plugins_that_are_programs_do_not_run(tmp_path: Path) -> None:
    script = tmp_path / "run"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    script.chmod(0o755)
    plugin = (
        "apiVersion: example.com/v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n"
        f"    config.kubernetes.io/function: |\n      exec:\n        path: {script}\n"
    )
    one = overlay({**BASE, **kustomized("transformers: [t.yaml]\n", **{"prod/t.yaml": plugin})})
    assert isinstance(one, Overlay)
    with pytest.raises(RenderError):
        build(MAKER, one)
    assert not (tmp_path / "ran").exists()


def test_variables_of_the_environment_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "hunter2hunter2")
    _, result = built(
        kustomized("configMapGenerator: [{name: c, envs: [a.env]}]\n", **{"prod/a.env": "SECRET_OF_MINE\n"})
    )
    assert "hunter2" not in result.text


def test_a_hostile_overlay_ends_within_limits() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    )
    files = {
        **BASE,
        "prod/kustomization.yaml": "resources: [bomb.yaml]\n",
        "prod/bomb.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
        + textwrap.indent(bomb, "  "),
    }
    one = overlay(files)
    assert isinstance(one, Overlay)
    with pytest.raises(RenderError):
        build(Kustomize(MAKER.path, seconds=5), one)


def test_too_many_objects_take_too_long() -> None:
    many = "---\n".join(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\n" for n in range(100_000)
    )
    one = overlay({"prod/kustomization.yaml": "resources: [a.yaml]\n", "prod/a.yaml": many})
    assert isinstance(one, Overlay)
    with pytest.raises(RenderError, match=r"it took more than 2 s to build"):
        Kustomize(MAKER.path, seconds=2).built(plain_files(one), folder_below(one))


def test_a_chain_without_end_and_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = {f"k{n}/kustomization.yaml": f"resources: [../k{n + 1}]\n" for n in range(60)}
    fault = overlay(chain, "k0")
    assert isinstance(fault, KustomizationFault)
    assert "build on each other" in fault.message
    monkeypatch.setattr("kscan_lsp.render.kustomize.overlay.MAX_BYTES", 100)
    fault = overlay({**BASE, "prod/kustomization.yaml": "resources: [../base]\n"})
    assert isinstance(fault, KustomizationFault)
    assert "too large" in fault.message


def test_output_without_end_is_stopped(tmp_path: Path) -> None:
    program = tmp_path / "kustomize"
    program.write_text("#!/bin/sh\nyes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n")
    program.chmod(0o755)
    with pytest.raises(RenderError, match="it builds more than"):
        Kustomize(str(program)).built({"a/kustomization.yaml": b"{}"}, "a")


def test_which_program_is_run_is_for_the_user_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "kustomize"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.delenv("KSCAN_KUSTOMIZE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kustomize([str(tmp_path)]) is None  # a program of what is scanned
    outside = kustomize([str(tmp_path / "elsewhere")])
    assert outside is not None
    assert outside.command == [str(program), "build"]
    monkeypatch.setenv("PATH", ".")
    assert kustomize() is None
    monkeypatch.setenv("KSCAN_KUSTOMIZE", "kustomize")
    with pytest.raises(RenderError, match="write the whole path"):
        kustomize()
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/sh\n")
    kubectl.chmod(0o755)
    monkeypatch.setenv("KSCAN_KUSTOMIZE", str(kubectl))
    named = kustomize()
    assert named is not None
    assert named.command == [str(kubectl), "kustomize"]


def test_files_of_a_revision_have_folders() -> None:
    files = FilesOfRevision({os.path.join(TOP, "a", "b"): b"x"})
    assert [files.kind(os.path.join(TOP, *one)) for one in (("a",), ("a", "b"), ("c",))] == [
        "folder",
        "file",
        "",
    ]
    assert not isinstance(files.read(os.path.join(TOP, "a", "b")), Unreadable)


def test_a_full_disk_is_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    with pytest.raises(RenderError, match="no place for it to work in: No space left on device"):
        Kustomize("kustomize").built({"kustomization.yaml": b"{}"}, ".")
