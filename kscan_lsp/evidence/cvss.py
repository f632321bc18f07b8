"""The base score of a CVSS vector, versions 2 and 3; databases keep vectors alone.

Sources: FIRST's specifications, CVSS 2.0 section 3.2.1 and CVSS 3.1 section 7.1 with the weights of 7.4. The score of
version 4 is looked up in long tables, and is left out.
"""

from __future__ import annotations

from typing import Final

_V3: Final = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    **{name: {"H": 0.56, "L": 0.22, "N": 0.0} for name in ("C", "I", "A")},
}
_V3_RIGHTS: Final = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}
"""By whether the scope changes."""
_V2: Final = {
    "AV": {"L": 0.395, "A": 0.646, "N": 1.0},
    "AC": {"H": 0.35, "M": 0.61, "L": 0.71},
    "Au": {"M": 0.45, "S": 0.56, "N": 0.704},
    **{name: {"N": 0.0, "P": 0.275, "C": 0.66} for name in ("C", "I", "A")},
}


def base_score(vector: str) -> float:
    """The base score from 0 to 10; 0 as well where it cannot be told."""
    values = dict(part.partition(":")[::2] for part in vector.strip("()").split("/"))
    try:
        if vector.startswith("CVSS:3."):
            return _version_3(values)
        return 0.0 if vector.startswith("CVSS:") else _version_2(values)
    except KeyError:
        return 0.0


def _version_3(values: dict[str, str]) -> float:
    weight = {name: weights[values[name]] for name, weights in _V3.items()}
    rights = _V3_RIGHTS[values["S"]][values["PR"]]
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    changed = values["S"] == "C"
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * rights * weight["UI"]
    return _rounded_up(min((1.08 if changed else 1.0) * (impact + exploitability), 10))


def _rounded_up(value: float) -> float:
    """To one decimal, as appendix A wants it: what floating point adds does not count."""
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10


def _version_2(values: dict[str, str]) -> float:
    weight = {name: weights[values[name]] for name, weights in _V2.items()}
    impact = 10.41 * (1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"]))
    exploitability = 20 * weight["AV"] * weight["AC"] * weight["Au"]
    return round((0.6 * impact + 0.4 * exploitability - 1.5) * (1.176 if impact else 0), 1)
