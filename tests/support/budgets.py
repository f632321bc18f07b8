"""Controls that are within every limit of one expression, and over that of a whole control where they judge a lot."""

from __future__ import annotations

LIST = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
MATCHES = " && ".join(f"'{letter}'.matches('[a-z]')" for letter in "abcde")
HEAVY = f"%s && {LIST}.exists(a, {LIST}.exists(b, {LIST}.exists(c, {MATCHES})))"
"""Found true at once, and 900,000 units of work at worst: 24 containers are too many, 20 are not."""
CHECK = '- each: containers\n  deny: >-\n    {deny}\n  message: "{{container.name}}"\n'
TOO_MUCH = "its checks together are too much work"


def control(id_: str, *denies: str) -> str:
    """A control with a check for each question."""
    checks = "".join(CHECK.format(deny=deny) for deny in denies)
    return f"id: {id_}\ntitle: T\nseverity: high\ndescription: D.\nremediation: R.\nchecks:\n{checks}"


def pod(containers: int, name: str = "web") -> str:
    """A Pod with as many containers."""
    listed = "".join(f"  - {{name: c{number}, image: 'i:1'}}\n" for number in range(containers))
    return f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  containers:\n{listed}"
