"""How the HTML report looks: one sheet, light or dark as the reader's system or editor is, wide, narrow or on paper.

Colours are pairs, light then dark. VS Code tells its theme by a class of `body`, which need not be the system's; where
it has colours of its own they go first. On a narrow screen each row of a table is a block with the names of its
columns; on paper everything is unfolded and light.
"""

from __future__ import annotations

from typing import Final

PACKAGES: Final = 40
"""Packages of images that can be chosen: a rule hides the rows of all others."""

_GENERAL: Final = """
:root {
  color-scheme: light dark;
  --ground: var(--vscode-editor-background, light-dark(#ffffff, #16181d));
  --panel: var(--vscode-editorWidget-background, light-dark(#f6f7f9, #1e2128));
  --line: light-dark(#dfe3e8, #323741);
  --ink: var(--vscode-editor-foreground, light-dark(#1c2128, #dfe3ea));
  --quiet: light-dark(#5c6672, #98a2b0);
  --link: var(--vscode-textLink-foreground, light-dark(#0b5cad, #7db8ff));
  --critical: light-dark(#a3145f, #ff7ab8);
  --high: light-dark(#c02626, #ff7b72);
  --medium: light-dark(#9a5b00, #f0b357);
  --low: light-dark(#0f6d84, #62c3da);
  --good: light-dark(#1a7f45, #5fcf8c);
}
body.vscode-light, body.vscode-high-contrast-light { color-scheme: light; }
body.vscode-dark, body.vscode-high-contrast { color-scheme: dark; }
body {
  background: var(--ground); color: var(--ink); margin: 0 auto; max-width: 68rem; padding: 2rem 1.5rem 4rem;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1 { font-size: 1.6rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: .95rem; margin: 1.25rem 0 .25rem; }
nav { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; margin-top: 1.25rem; font-size: .92em; }
p { margin: .25rem 0; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
code, .place { font: .87em/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.at { white-space: nowrap; }
.quiet { color: var(--quiet); }
.critical { --tone: var(--critical); } .high { --tone: var(--high); }
.medium { --tone: var(--medium); } .low { --tone: var(--low); } .good { --tone: var(--good); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem;
  margin: 1.5rem 0 0; padding: 0; list-style: none; }
.tiles li { background: var(--panel); border: 1px solid var(--line); border-left: 4px solid var(--tone, var(--line));
  border-radius: 6px; padding: .6rem .9rem; }
.tiles strong { display: block; font-size: 1.75rem; line-height: 1.2; font-variant-numeric: tabular-nums;
  color: var(--tone, inherit); }
.tiles .none strong { color: var(--quiet); font-weight: 400; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 500; color: var(--quiet); font-size: .87em; }
th, td { padding: .35rem .75rem .35rem 0; vertical-align: top; overflow-wrap: anywhere; }
tbody tr { border-top: 1px solid var(--line); }
td.count { text-align: right; width: 4.5rem; font-variant-numeric: tabular-nums; color: var(--tone); }
th.count { text-align: right; }
.track { fill: var(--line); } .fill { fill: var(--tone); }
details { background: var(--panel); border: 1px solid var(--line); border-left: 4px solid var(--tone, var(--line));
  border-radius: 6px; margin: .4rem 0; }
summary { cursor: pointer; display: flex; gap: .75rem; align-items: baseline; padding: .4rem .9rem; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary::before { content: "\\25B8"; color: var(--quiet); }
details[open] > summary::before { content: "\\25BE"; }
summary b { flex: 1; overflow-wrap: anywhere; }
summary code { white-space: nowrap; font-weight: 400; }
summary .tag { color: var(--tone, var(--quiet)); white-space: nowrap; min-width: 4.2em; }
summary .tag:last-child { text-align: right; min-width: 5.5em; }
.tone { color: var(--tone); font-weight: 600; }
.scores td { vertical-align: middle; }
.scores svg { display: block; width: 100%; height: .6rem; border-radius: .3rem; }
.scores .bar { width: 40%; }
.scores .number { text-align: right; font-variant-numeric: tabular-nums; padding-right: 0; }
.also { display: block; font-size: .92em; font-weight: 400; }
.inside { padding: 0 .9rem .6rem; overflow-x: auto; }
.inside table { margin-top: .6rem; }
.inside tbody tr { content-visibility: auto; contain-intrinsic-size: auto 3rem; }
.inside p { margin-top: .5rem; }
.id { white-space: nowrap; }
.inside ul { margin: .3rem 0; padding-left: 1.2rem; }
.names { columns: 22rem; column-gap: 2rem; }
.names li { break-inside: avoid; overflow-wrap: anywhere; }
.rows .where { width: 34%; } .rows .what { width: 18%; }
.section { width: 1%; min-width: 4rem; padding-right: 1.5rem; overflow-wrap: normal;
  font-variant-numeric: tabular-nums; }
.again { visibility: hidden; }
.said { text-align: right; }
.fix { display: block; color: var(--good); font-size: .92em; }
.notice { border-left: 4px solid var(--tone, var(--medium)); background: var(--panel); padding: .6rem .9rem;
  margin-top: 1rem; border-radius: 6px; }
.sortable th button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
.sortable th[aria-sort="descending"] button::after { content: " \\25BE"; }
.sortable th[aria-sort="ascending"] button::after { content: " \\25B4"; }
.sortable td { font-variant-numeric: tabular-nums; }
@media (max-width: 40rem) {
  .sortable td:not(:first-child)::before { content: attr(data-label) " "; color: var(--quiet); }
  body { padding: 1.25rem 1rem 3rem; }
  .tiles { grid-template-columns: repeat(auto-fit, minmax(4.9rem, 1fr)); gap: .4rem; }
  .tiles li { padding: .4rem .6rem; font-size: .9em; }
  .tiles strong { font-size: 1.4rem; }
  summary { flex-wrap: wrap; gap: 0 .6rem; }
  summary .tag ~ b { order: 2; flex: 1 1 100%; }
  summary .tag:last-child { min-width: 0; margin-left: auto; }
  .scores .bar { display: none; }
  .scores .number { text-align: left; }
  tr, td { display: block; }
  .rows .where, .rows .what, .section { width: auto; padding-right: 0; }
  td { padding: .05rem 0; }
  tbody tr { padding: .45rem 0; }
  thead { display: none; }
  td.count { display: inline-block; width: auto; margin-right: .9rem; }
  td.count::after { content: " " attr(data-label); color: var(--quiet); }
  td:empty, td.count:empty, td.again { display: none; }
  .section:not(.again)::before { content: "section "; color: var(--quiet); }
  .said { text-align: left; }
}
@media print {
  :root { color-scheme: light; --ground: #ffffff; --ink: #1c2128; --panel: #f6f7f9; }
  body { max-width: none; padding: 0; font-size: 9pt; }
  nav { display: none; }
  details::details-content { content-visibility: visible; display: block; height: auto; opacity: 1; }
  summary::before, details[open] > summary::before { content: ""; }
  .inside { overflow: visible; }
  .inside tbody tr { content-visibility: visible; }
  tr, summary, .tiles { break-inside: avoid; }
  h2, h3, summary, thead { break-after: avoid; }
  .rows .where { width: 28%; }
  a { color: inherit; }
}
@page { margin: 14mm; }
"""

_OF_IMAGES: Final = "\n".join((
    ".filters { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .5rem 0; font-size: .92em; }",
    ".vulnerabilities td:last-child { width: 38%; }",
    ".vulnerabilities th { white-space: nowrap; }",
    "[hidden] { display: none !important; }",
    ".filters input[type=search] { font: inherit; color: inherit; background: var(--ground); width: 13rem;",
    "  max-width: 100%; border: 1px solid var(--line); border-radius: 4px; padding: .1rem .4rem; }",
    ".vulnerabilities th button { font: inherit; color: inherit; background: none; border: 0; padding: 0;",
    "  cursor: pointer; }",
    ".vulnerabilities th[aria-sort=ascending] button::after { content: ' \\25B4'; }",
    ".vulnerabilities th[aria-sort=descending] button::after { content: ' \\25BE'; }",
    ".image code { overflow-wrap: anywhere; }",
    "@media (max-width: 40rem) {",
    "  .vulnerabilities td:last-child { width: auto; }",
    "  .image summary .tag:last-child { white-space: normal; text-align: left; margin-left: 0; }",
    "  .vulnerabilities td:nth-child(3):not(:empty)::before { content: 'installed '; color: var(--quiet); }",
    "  .vulnerabilities td:nth-child(4):not(:empty)::before { content: 'fixed in '; color: var(--quiet); }",
    "}",
    *(
        f"body:has(.show-{name}:not(:checked)) .v-{name} {{ display: none; }}"
        for name in ("critical", "high", "medium", "low", "unrated")
    ),
    *(
        f"body:has(.only-{name}:checked) .vulnerabilities tbody tr:not(.{name}) {{ display: none; }}"
        for name in ("fixable", "exploited")
    ),
    "body:has(.only-exposed:checked) .image:not(.exposed) { display: none; }",
    *(
        f'body:has(.package option[value="{n}"]:checked) .vulnerabilities tbody tr:not(.p{n}) {{ display: none; }}'
        for n in range(1, PACKAGES + 1)
    ),
    "@media print { .filters { display: none; } }",
))  # fmt: skip
"""What the filters of images leave out."""

STYLE: Final = f"{_GENERAL}{_OF_IMAGES}\n"
