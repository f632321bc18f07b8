"""`docs/cel.md`: what the expressions of controls may name and call, each with an example that a test tries."""

from __future__ import annotations

from kscan_lsp.authoring.cel_reference import reference


def page() -> str:
    """The page."""
    data = reference()
    lines = [
        "# Expressions",
        "",
        "A control asks its question in [CEL](https://cel.dev): `deny` is true for a finding and false for a pass.",
        "All else, such as an error because a field is missing, is *not evaluated*, which every report shows. So ask",
        "for what may be absent with `.?` and `orValue`.",
        "",
        "CEL calls the functions below and no others. They read nothing but what they are given, and the work of an",
        "expression is counted and ended where it is too much. Every example is true of this object, in a check with",
        "`each: containers.args[*]` and `relations: {services: services}`, of a control with",
        "`inputs: {colours: [red, green]}`:",
        "",
        *(f"    {line}" for line in data.object.splitlines()),
        "",
        "`let` in a check names further variables. [Relations](relations.md) has the lists of other objects that a",
        "check can ask for:",
        "",
        "    match: [{groups: [''], kinds: [Service]}]",
        "    relations: {workloads: workloads}",
        "    deny: workloads.exists(w, w.object.?spec.?template.?spec.?hostNetwork.orValue(false))",
        "    related: workloads.map(w, w.ref)",
    ]
    for section in data.sections:
        rows = [f"| {_cell(one.written)} | {one.gives} | {_cell(one.example)} |" for one in section.lines]
        lines += [
            "",
            f"## {section.title}",
            "",
            "| | what it gives | true here |",
            "| --- | --- | --- |",
            *rows,
        ]
    return "\n".join(lines) + "\n"


def _cell(code: str) -> str:
    return "`" + code.replace("|", "\\|") + "`" if code else ""
