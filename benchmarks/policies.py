"""Measure what a keystroke costs in a workspace with policies of a cluster, against the protocol floor.

    python benchmarks/policies.py                       policies of our own: see policy_sets.py
    python benchmarks/policies.py FOLDER ...            the policies of folders, one row each
    python benchmarks/policies.py --write               also puts the table into docs/performance.md
    python benchmarks/policies.py --check               ends with status 1 where a budget is missed
    python benchmarks/policies.py --against CHECKOUT    also measures another version, in the same turns

As in `latency.py`, whose edits these are: the same texts, in turns, each edit from its first byte until the last byte
of the diagnostics of that version. What a policy in Rego says follows those; how long that takes is a row of its own,
without a budget. Every control is on, as there. Where no module evaluates Rego, those rows are left out.
"""

from __future__ import annotations

import argparse
import compileall
import sys
import tempfile
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from keystrokes import Edit, half_typed, writing
from latency import CHECKOUT, PAGE, Row, Scenario, edits, machine, table
from manifests import manifest
from policy_sets import PolicySet, admission_policies, gatekeeper_policies, kyverno_policies
from servers import FLOOR, KSCAN, SETTINGS

if TYPE_CHECKING:
    from client import Client

BEGIN, END = "<!-- policies: begin -->\n", "<!-- policies: end -->\n"
BUDGET = 3
NONE = PolicySet("no policies", "", {})
TAGS = "Gatekeeper/BenchTags/tags"


def of_folder(folder: Path) -> PolicySet:
    """The policies of a folder; what they say has some id of a policy."""
    files = {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*.yaml"))}
    return PolicySet(folder.name, "/", files)


def measured(policies: PolicySet, rounds: int, against: Path | None, works: list[str]) -> list[Row]:
    """The rows of a workspace with some policies; `works` gets what an edit takes of the processors."""
    before = [] if against is None else [replace(KSCAN, name="kscan, the other", checkout=against.resolve())]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / ".kscan.yaml").write_text(SETTINGS)
        for name, text in policies.files.items():
            path = root / "policies" / (name if name.endswith(".yaml") else f"{name}.yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        clients = {server: server.start(root) for server in (KSCAN, *before, FLOOR)}
        try:
            for server, client in clients.items():
                client.initialize()
                if policies.files and server is not FLOOR:
                    settle(client, root, policies)
            for keystrokes, budget in ((writing, BUDGET), (half_typed, None)):
                what = ", a half-typed key" if keystrokes is half_typed else ""
                scenario = Scenario(f"50 lines{what}", 50, keystrokes, budget)
                used = {server: client.worked() for server, client in clients.items()}
                found = edits(scenario, clients, root, rounds)
                count = len(found[0].times) * (rounds + 2) / rounds  # two cycles are not counted
                worked = {one: (client.worked() - used[one]) / count for one, client in clients.items()}
                told = ", ".join(f"{one.name} {seconds * 1000:.2f} ms" for one, seconds in worked.items())
                ratio = worked[KSCAN] / worked[FLOOR]
                works.append(f"- {scenario.name}, {policies.name}: {told}; {ratio:.1f}x")
                rows += [row._replace(what=row.what and f"{row.what}, {policies.name}") for row in found]
        finally:
            for client in clients.values():
                client.stop()
    return rows


def settle(client: Client, root: Path, policies: PolicySet) -> None:
    """Have a server read all policies: the same manifest gets the same findings from then on."""
    uri = (root / "settled.yaml").as_uri()
    client.open(uri, manifest(50))
    while not any(policies.code in str(code) for code in client.codes[uri]):
        client.next_codes(uri)
    client.close(uri)


def answers(rounds: int) -> list[Row]:
    """From an edit that changes what Rego says until that is shown."""
    taken: list[float] = []
    policies = gatekeeper_policies()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / ".kscan.yaml").write_text(SETTINGS)
        (root / "policies.yaml").write_text("---\n".join(policies.files.values()))
        client = KSCAN.start(root)
        try:
            client.initialize()
            settle(client, root, policies)
            uri, text = (root / "edited.yaml").as_uri(), manifest(50)
            client.open(uri, text)
            line = next(number for number, one in enumerate(text.split("\n")) if one.endswith(":1.4"))
            column = text.split("\n")[line].index(":1.4") + 1
            now = "1.4"
            for version in range(2, rounds * 2 + 2):
                count = client.codes[uri].count(TAGS)
                then, now = now, f"1.{version}" if now == "latest" else "latest"
                began = time.perf_counter()
                client.change(uri, version, [Edit(line, column, column + len(then), now).change()])
                while client.codes[uri].count(TAGS) == count:
                    client.next_codes(uri)
                if now != "latest":  # that was asked before
                    taken.append(time.perf_counter() - began)
        finally:
            client.stop()
    return [Row(f"edit until Rego has answered: 50 lines, {policies.name}", "kscan", taken)]


def main() -> int:
    """Measure, print, and keep what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER")
    parser.add_argument(
        "--rounds", type=int, default=12, help="cycles of about 30 edits for each server and text"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--check", action="store_true", help="end with status 1 where a budget is missed")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="a checkout of another version")
    options = parser.parse_args()
    for checkout in filter(None, (CHECKOUT, options.against)):
        compileall.compile_dir(checkout / "kscan_lsp", quiet=1)
    rego = find_spec("regorus") is not None
    sets = [of_folder(folder) for folder in options.folders] or [
        NONE,
        admission_policies(),
        kyverno_policies(),
        *([gatekeeper_policies()] if rego else []),
    ]
    works: list[str] = []
    rows = [row for policies in sets for row in measured(policies, options.rounds, options.against, works)]
    if rego and not options.folders:
        rows += answers(options.rounds)
    shown = f"{table(rows)}\nTime of processors for each edit, which other work blurs least:\n\n"
    shown += "\n".join(works) + "\n"
    if not rego:
        shown += "\nNot measured: Rego, for lack of `regorus`.\n"
    shown += f"\n{machine()}\n"
    print(shown)
    if options.write:
        head, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}{shown}{END}{rest.partition(END)[2]}")
    return int(options.check and any(row.missed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
