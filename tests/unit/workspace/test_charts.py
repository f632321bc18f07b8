"""Charts judged with all their values, one state of their files after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.evaluating import fresh

from kscan_lsp.render.rendering import RenderedTemplate
from kscan_lsp.workspace.charts import RenderedFile, ValuesRendering, judge_chart, with_chart
from kscan_lsp.workspace.project import Project

if TYPE_CHECKING:
    from collections.abc import Sequence

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostPID: true
  hostNetwork: NET
  containers: [{name: web, image: nginx:1}]
"""


def rendered(*texts: str) -> Sequence[ValuesRendering]:
    """A chart of one template, by what it renders to with each of its values."""
    return [
        ValuesRendering(str(number), (RenderedFile("web.yaml", "", RenderedTemplate(text, ())),))
        for number, text in enumerate(texts)
    ]


def judged(before: Project, *texts: str) -> Project:
    return with_chart(before, judge_chart(before, rendered(*texts)))


def found(project: Project) -> list[tuple[str, tuple[str, ...]]]:
    """The controls that find anything of interest, with the values that they find it with."""
    return sorted(
        (finding.control, placed.source.found_with.of(finding))
        for placed, finding in project.files["web.yaml"].findings()
        if finding.control in {"C-0038", "C-0041"}
    )


def test_what_other_values_gave_before_is_found_whole_when_the_defaults_give_it():
    """With the other values only the network was new; by default it is that and the processes."""
    off, on = POD.replace("NET", "false"), POD.replace("NET", "true")
    first = judged(Project(fresh()), off, on)
    assert found(first) == [("C-0038", ("0", "1")), ("C-0041", ("1",))]
    assert found(judged(first, on, on)) == [("C-0038", ("0", "1")), ("C-0041", ("0", "1"))]
    assert found(judged(judged(first, on, on), off, on)) == found(first)
    # nor is it judged anew by what changes around it
    around = first.with_file("policy.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    assert found(around) == found(first)
