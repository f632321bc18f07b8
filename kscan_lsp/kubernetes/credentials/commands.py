"""Credentials on command lines: arguments of a container, and commands in shell scripts.

`--password=x`, `--password x` and `PASSWORD=x` count as a variable of that name does. What an option of one letter
means only its program knows: `mysql -pX` is a password, `ssh -p22` a port. The table has the programs whose options
people put passwords into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kscan_lsp.kubernetes.credentials import texts, tokens, values
from kscan_lsp.kubernetes.credentials.names import meaning
from kscan_lsp.kubernetes.credentials.vocabulary import HTTP, WRAPPERS

if TYPE_CHECKING:
    from collections.abc import Iterator


class Options(NamedTuple):
    """Options of some programs that take a password: written together with it, or followed by it."""

    programs: frozenset[str]
    together: tuple[str, ...]
    apart: frozenset[str]


def _options(programs: str, together: str = "", apart: str = "") -> Options:
    return Options(frozenset(programs.split()), tuple(together.split()), frozenset(apart.split()))


OPTIONS: Final = (
    _options("mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlslap mysqlpump mysqlsh mariadb"
             " mariadb-dump mariadb-admin mariadb-check mysql_upgrade xtrabackup mariabackup", "-p"),
    _options("sshpass", "-p", "-p"),
    _options("redis-cli keydb-cli valkey-cli", "", "-a --pass"),
    _options("mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop", "-p", "-p"),
    _options("ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldappasswd", "-w", "-w"),
    _options("docker podman buildah skopeo nerdctl helm crane oras az cqlsh rabbitmqadmin s3cmd", "", "-p"),
    _options("sqlcmd bcp", "-P", "-P"),
)  # fmt: skip
_BY_PROGRAM: Final = {program: options for options in OPTIONS for program in options.programs}
_LOGIN: Final = frozenset({"-u", "--user", "--proxy-user", "--basic-auth"})

_WORD: Final = tokens.compiled(rb"(?:[^\s\"'\\;|&<>()`]|\\.|\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\\n)+|[;|&()`\n<>]")
SHORTEST: Final = 6
"""Bytes of the shortest text that has a credential by its looks."""
_PORTS: Final = tokens.compiled(rb"(?:[0-9.]+:)?[0-9-]+(?::[0-9-]+|/(?:tcp|udp))+|[0-9]+,[0-9,]+")
_NAME: Final = tokens.compiled(rb"-{0,2}/?([\pL_][\pL\pN_.-]*)")


def argument(program: str, before: str, word: str, entries: tuple[str, ...]) -> str:
    """What one argument seems to hold; empty when nothing.

    Args:
        program: what is run, with or without its path.
        before: the argument before it, empty for the first.
        word: the argument.
        entries: sensitiveKeyNames.
    """
    if not word:
        return ""
    if any(letter.isspace() for letter in word) or len(word) > 400:
        return _first(word.encode(errors="replace"), entries)
    if what := _of_option(program, before, word, entries, strict=False):
        return what
    return _first(word.encode(errors="replace"), entries)


def _first(text: bytes, entries: tuple[str, ...]) -> str:
    found = find(text, entries) if len(text) >= SHORTEST else None
    return found[0] if found else ""


def find(text: bytes, entries: tuple[str, ...]) -> texts.Found | None:
    """The first kind of credential in a text or its command lines, and where; None where there is none."""
    if texts.language(entries).hint.search(text) is None:
        return None
    return texts.find(text, entries) or next(scripts(text, entries), None)


def _of_option(program: str, before: str, word: str, entries: tuple[str, ...], *, strict: bool) -> str:
    program = program.rpartition("/")[2]
    options = _BY_PROGRAM.get(program)
    if options is not None:
        for option in options.together:
            if (
                word.startswith(option)
                and len(word) > len(option)
                and not word.startswith("--")
                and _is_password(word[len(option) :])
            ):
                return "a password"
        if before in options.apart and _is_password(word):
            return "a password"
    if (before in _LOGIN or (before == "-a" and program.startswith("http"))) and (
        _is_login(word, program in HTTP)
    ):
        return "a password"
    name, found, value = word.partition("=")
    if found:
        if name in _LOGIN and _is_login(value, program in HTTP):
            return "a password"
    elif before.startswith("-") and "=" not in before and not word.startswith("-"):
        name, value = before, word
    else:
        return ""
    if _NAME.fullmatch(name.encode(errors="replace")) is None:
        return ""
    said = meaning(name, entries)
    if strict:
        said = texts.in_text(said)
    value = value.strip("\"'")
    return texts.KINDS[said.kind] if said.claim and values.counts(value, said) else ""


def _is_password(word: str) -> bool:
    value = word.strip("\"'")
    return (
        bool(value)
        and not value.startswith(("-", "$", "`"))
        and not values.stands_for_another(value)
        and not (value.startswith("/") or _PORTS.fullmatch(value.encode(errors="replace")) is not None)
    )


def _is_login(word: str, certain: bool) -> bool:
    """Whether it is `user:password`, and not `1000:1000` or `www-data:www-data`."""
    user, _, password = word.strip("\"'").partition(":")
    if not password or not _is_password(password) or password.isdigit() or "/" in user or "$" in password[:1]:
        return False
    return certain or (bool(user) and password != user and not user.isdigit())


def program_of(words: list[str]) -> str:
    """What a command line runs: its first word that is no wrapper, option or assignment."""
    for word in words[:8]:
        bare = word.rpartition("/")[2]
        if bare not in WRAPPERS and not word.startswith("-") and "=" not in word:
            return bare
    return ""


_LINES: Final = tokens.compiled(
    rb"(?m)^[^\n]*(?:\b(?:"
    + "|".join(sorted([*_BY_PROGRAM, *HTTP], key=len, reverse=True)).encode()
    + rb")\b[^\n]*[ \t]-|[ \t]--?[\w-]*(?i:passw|pwd|pass|secret|token|key|cred))[^\n]*"
)
"""Lines with an option that may take a password."""


def scripts(text: bytes, entries: tuple[str, ...]) -> Iterator[texts.Found]:
    """Credentials in the command lines of a script, and where."""
    text = text.replace(b"\\\n", b"  ")  # a line that goes on, of the same length
    for line in _LINES.finditer(text):
        if line.group().lstrip().startswith((b"#", b"//")):
            continue
        words: list[str] = []
        for match in _WORD.finditer(line.group()):
            word = match.group().decode(errors="replace")
            if len(word) == 1 and word in ";|&()`\n<>":
                words = []
                continue
            quoted = word[:1] in "\"'"
            word = word.replace('"', "").replace("'", "")
            if (
                words
                and (
                    what := _of_option(
                        program_of(words), words[-1], word, entries, strict=not words[-1].startswith("--")
                    )
                )
                and not (quoted and " " in word)
            ):
                yield what, line.start() + match.start()
            words.append(word)
            if len(words) > 200:
                break
