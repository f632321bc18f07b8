"""Credentials on command lines: arguments of a container, and commands in shell scripts.

`--password=x`, `--password x` and `PASSWORD=x` count as a variable of that name does. What an option of one letter
means only its program knows: `mysql -pX` is a password, `ssh -p22` a port. The table has the programs whose options
people put passwords into. One option is as common for logins as for user and group: of a program that nobody knows,
`-u admin:hunter2` counts for its look, and `-u app:staff` does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.kubernetes.credentials import texts, values
from kscan_lsp.kubernetes.credentials.names import Claim, Meaning, meaning, split
from kscan_lsp.kubernetes.credentials.searches import lazy
from kscan_lsp.kubernetes.credentials.vocabulary import HTTP, PASSWORDS, WRAPPERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Weigh = Callable[[Meaning], Meaning]


class Options(Struct, frozen=True):
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
_OR_GROUP: Final = frozenset({"-u", "--user"})
"""Of these, `user:group` as docker and its like have it: which of both is meant only its look tells."""
_ACCOUNT: Final = lazy(r"[A-Za-z_][\w.@+-]*")
_GROUP: Final = lazy(r"(?i).*(?:groups?|grp|users?|gid)[-_]?[0-9]*")

_WORD: Final = lazy(rb"(?:[^\s\"'\\;|&<>()`]|\\.|\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\\n)+|[;|&()`\n<>]")
MAX_WORDS: Final = 200
"""Words of one command that are looked at."""
_SEPARATORS: Final = frozenset(";|&()`\n<>")
SHORTEST: Final = 6
"""Bytes of the shortest text that has a credential by its looks."""
_PORTS: Final = lazy(rb"(?:[0-9.]+:)?[0-9-]+(?::[0-9-]+|/(?:tcp|udp))+|[0-9]+,[0-9,]+")
_NAME: Final = lazy(rb"-{0,2}/?([A-Za-z_\x{80}-\x{10FFFF}][\w.\x{80}-\x{10FFFF}-]*)")


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
    if what := _of_option(program, before, word, entries, _as_said):
        return what
    return _first(word.encode(errors="replace"), entries)


def _first(text: bytes, entries: tuple[str, ...]) -> str:
    found = find(text, entries) if len(text) >= SHORTEST else None
    return found[0] if found else ""


def find(text: bytes, entries: tuple[str, ...]) -> texts.Found | None:
    """The first kind of credential in a text or its command lines, and where; None where there is none."""
    if not texts.hint(entries)(text):
        return None
    return texts.find(text, entries) or next(scripts(text, entries), None)


def _of_option(program: str, before: str, word: str, entries: tuple[str, ...], weigh: Weigh) -> str:
    program = program.rpartition("/")[2]
    if (options := _BY_PROGRAM.get(program)) is not None:
        glued = next((word[len(o) :] for o in options.together if word.startswith(o) and word != o), "")
        if not word.startswith("--") and _is_password(glued):
            return "a password"
        is_port = word.isdigit() and len(word) < 6
        if before in options.apart and _is_password(word) and not is_port:
            return "a password"
    name, found, value = word.partition("=")
    if _logs_in(program, before, word) or (found and _logs_in(program, name, value)):
        return "a password"
    if program in HTTP and word.startswith("-u") and _logs_in(program, "-u", word[2:]):
        return "a password"
    if not found:
        if not before.startswith("-") or "=" in before or word.startswith("-"):
            return ""
        name, value = before, word
    if _NAME().fullmatch(name.encode(errors="replace")) is None:
        return ""
    said = weigh(meaning(name, entries))
    return texts.KINDS[said.kind] if values.counts(value.strip("\"'"), said) else ""


def _as_said(said: Meaning) -> Meaning:
    return said


def _is_password(word: str) -> bool:
    value = word.strip("\"'")
    if not value or value.startswith(("-", "$", "`", "/")):
        return False
    return not values.stands_for_another(value) and _PORTS().fullmatch(value.encode(errors="replace")) is None


def _logs_in(program: str, option: str, word: str) -> bool:
    """Whether an option is given `user:password`, and not `1000:1000` or `www-data:www-data`."""
    if option not in _LOGIN and not (option == "-a" and program.startswith("http")):
        return False
    user, _, password = word.strip("\"'").partition(":")
    if not _is_password(password) or "/" in user:
        return False
    if program in HTTP:
        return not password.isdigit() or len(password) > 3
    if option in _OR_GROUP:
        return _ACCOUNT().fullmatch(user) is not None and _is_no_group(user, password)
    return bool(user) and password != user and not (user.isdigit() or password.isdigit())


def _is_no_group(user: str, password: str) -> bool:
    """Whether what follows an account of a program that nobody knows is more than the name of a group."""
    if user == "system" or password.isdigit() or _GROUP().fullmatch(password) is not None:
        return False  # system:node:a1 is a user of Kubernetes
    if password.rstrip("0123456789").lower() == user.rstrip("0123456789").lower():
        return False
    words = split(password)
    if not PASSWORDS.isdisjoint(words):
        return not values.stands_for_another(password)
    return values.counts(password, Meaning(Claim.FAIR, "password"))


def program_of(words: list[str]) -> str:
    """What a command line runs: its first word that is no wrapper, option or assignment."""
    for word in words[:8]:
        bare = word.rpartition("/")[2]
        if bare not in WRAPPERS and not word.startswith("-") and "=" not in word:
            return bare
    return ""


_LINES: Final = lazy(
    rb"(?m)^[^\n]*(?:\b(?:"
    + "|".join(sorted([*_BY_PROGRAM, *HTTP], key=len, reverse=True)).encode()
    + rb")\b[^\n]*[ \t]-|[ \t]--?[\w-]*(?i:passw|pwd|pass|secret|token|key|cred)"
    rb"|(?:^|[ \t])(?:-u|--user)(?:=|[ \t]+)[\"']?[A-Za-z_][\w.@+-]*:)[^\n]*"
)
"""Lines with an option that may take a password."""


def scripts(text: bytes, entries: tuple[str, ...]) -> Iterator[texts.Found]:
    """Credentials in the command lines of a script, and where."""
    text = text.replace(b"\\\n", b"  ")  # a line that goes on, of the same length
    for line in _LINES().finditer(text):
        if line.group().lstrip().startswith((b"#", b"//")):
            continue
        words: list[str] = []
        for match in _WORD().finditer(line.group()):
            word = match.group().decode(errors="replace")
            if word in _SEPARATORS:
                words = []
                continue
            prose = " " in word and word[0] in "\"'"
            word = word.replace('"', "").replace("'", "")
            if words and not prose:
                # -x may be anything, and be followed by anything
                weigh = _as_said if words[-1].startswith("--") else texts.in_text
                if what := _of_option(program_of(words), words[-1], word, entries, weigh):
                    yield what, line.start() + match.start()
            words.append(word)
            if len(words) > MAX_WORDS:
                break
