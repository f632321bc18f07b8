"""From places to lines, for text that stands in a file as it is judged, and for text that comes from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace
from support.objects import RULES, empty_project
from support.reporting import POD, checked

from kscan_lsp.findings import Location, Related, ResourceId
from kscan_lsp.report.build import build
from kscan_lsp.report.model import FileRange
from kscan_lsp.text import Span
from kscan_lsp.workspace import locations
from kscan_lsp.workspace.locations import lines_of, location_of
from kscan_lsp.workspace.objects import objects_of
from kscan_lsp.workspace.results import PlacedDocument

if TYPE_CHECKING:
    from kscan_lsp.workspace.project import Project

POLICY = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: ä}}\n"


def test_a_related_place_moves_with_its_document() -> None:
    project = empty_project().with_files([("pod.yaml", POD, False), ("svc.yaml", f"---\n{POLICY}", False)])
    (placed,) = project.files["pod.yaml"].documents
    who = ResourceId("v1", "Service", "", "a")
    document = f"---\n{POLICY}"
    related = Related(
        who, ("spec",), Span(document.index("spec"), len(document)), "by this", "svc.yaml", document
    )

    def place(now: Project) -> tuple[int, int]:
        start, _ = lines_of(location_of(related, placed, now), now).positions()
        return start

    assert place(project) == (4, 0)
    text = f"# one\n# two\n{document}"
    assert place(project.with_file("svc.yaml", text)) == (6, 0)
    assert place(project.with_objects("svc.yaml", objects_of("svc.yaml", text, RULES))) == (6, 0)
    gone = project.without_file("svc.yaml")
    assert location_of(related, placed, gone) == Location("svc.yaml", None, "this file has changed")
    assert place(gone) == (0, 0)


TEMPLATE = "{{/* one pod */}}\n{{ include pod }}\n  - name: api\n    privileged: {{ .Values.privileged }}\n"
VALUES = "# values\nreplicas: 2\nprivileged: true\n"


class Rendered:
    """A source map as a renderer might have: to a value in another file, to the template, or to no place."""

    def locate(self, span: Span) -> Location:
        part = POD[span.start : span.end]
        for name, text in (("values.yaml", VALUES), ("templates/pod.yaml", TEMPLATE)):
            if (at := text.find(part)) >= 0:
                return Location(name, Span(at, at + len(part)))
        return Location("templates/pod.yaml", None, "a function of the template makes this")


def test_what_is_rendered_is_reported_where_it_was_written() -> None:
    file, project = checked("templates/pod.yaml", POD)
    (placed,) = file.documents
    now = PlacedDocument(0, 0, placed.checked, Rendered())
    file = replace(file, text=TEMPLATE, documents=(now,))
    project = project.with_file("values.yaml", VALUES)
    project = replace(project, files={**project.files, file.path: file})
    report = build([(file, project)])
    assert [(r.finding.control, r.file, r.range) for r in report.findings] == [
        ("T-0002", "templates/pod.yaml", FileRange(3, 5, 3, 14)),
        ("T-0001", "values.yaml", FileRange(3, 1, 3, 17)),
    ]
    nowhere = now.locate(Span(0, 14))
    assert (nowhere.span, nowhere.reason) == (None, "a function of the template makes this")
    assert lines_of(nowhere, project).positions() == ((0, 0), (0, 0))


def test_a_problem_of_a_whole_file_has_no_place_in_it() -> None:
    project = empty_project().with_unreadable("a.yaml", "it is a folder")
    (found,) = project.files["a.yaml"].problems()
    assert found[0] == Location("a.yaml", None, "it is a folder")


def test_documents_of_a_file_are_looked_through_once() -> None:
    text = "---\n".join(POLICY.replace("name: a", f"name: a{n}") for n in range(9))
    project = empty_project().with_files([("pod.yaml", POD, False), ("svc.yaml", text, False)])
    (placed,) = project.files["pod.yaml"].documents
    file = project.files["svc.yaml"]
    assert locations.documents_by_text(file) is locations.documents_by_text(file)
    who = ResourceId("v1", "Service", "", "a")
    for other in file.documents:
        related = Related(who, (), Span(4, 5), "by this", "svc.yaml", other.checked.document.text)
        assert location_of(related, placed, project) == other.locate(related.span)
