"""An overlay built, and where each value of that was set: proven by building it with marks and without.

Where the build with marks has other values once these are taken out, the marks at fault are left out, and it is built
again; where it does not build, or has other objects, only mappings are marked, and then nothing is.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from msgspec.structs import replace

from kscan_lsp.regex import regex
from kscan_lsp.render.kustomize.copying import folder_below, plain_files
from kscan_lsp.render.kustomize.inputs import Inputs
from kscan_lsp.render.kustomize.marking import FIRST_NUMBER, MARK, BuildMarks, text_of
from kscan_lsp.render.makers import RenderError
from kscan_lsp.yaml.document import read_document, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kscan_lsp.paths import Path
    from kscan_lsp.render.kustomize.maker import Kustomize
    from kscan_lsp.render.kustomize.marking import Marked
    from kscan_lsp.render.kustomize.overlay import Overlay

_NUMBER: Final = regex(r"900\d{6}")
_TRIES: Final = 6
"""How often marks that made a difference are left out."""


class Built(Struct, frozen=True):
    """What an overlay builds: the text, and by document what the marks of each value and mapping stand for.

    `marks` has the numbers of them by path, `all` what these are. Without any, nobody knows where anything is set.
    """

    text: str
    marks: tuple[Mapping[Path, tuple[int, ...]], ...] = ()
    all: tuple[Marked, ...] = ()


class _Comparison:
    """What a build with marks tells about one without."""

    def __init__(self) -> None:
        self.found: dict[Path, tuple[int, ...]] = {}
        self.wrong: set[int] = set()
        """BuildMarks without which it may be the same."""
        self.differs = False

    def compare(self, plain: Any, marked: Any, path: Path) -> None:
        """Compare values at a path of a document."""
        if isinstance(plain, dict) and isinstance(marked, dict):
            numbers = tuple(sorted(int(found[1]) for key in marked if (found := MARK.fullmatch(key))))
            if numbers:
                self.found[path] = numbers
            others = {key: value for key, value in marked.items() if not MARK.fullmatch(key)}
            if others.keys() != plain.keys():
                self._note((*(numbers or ()), *_numbers_in(marked)))
            for key, value in plain.items():
                if key in others:
                    self.compare(value, others[key], (*path, key))
        elif isinstance(plain, list) and isinstance(marked, list) and len(plain) == len(marked):
            for number, (one, other) in enumerate(zip(plain, marked, strict=True)):
                self.compare(one, other, (*path, number))
        elif isinstance(plain, dict | list) or isinstance(marked, dict | list):
            self._note(_numbers_in(marked))
        else:
            self._scalar(plain, marked, path)

    def _scalar(self, plain: Any, marked: Any, path: Path) -> None:
        numbers, stripped = _read(marked)
        if text_of(plain) != stripped and not _is_number(marked):
            numbers, stripped = _read_encoded(marked)
        if text_of(plain) == stripped or (_is_number(marked) and type(plain) is int):
            if numbers:
                self.found[path] = numbers
        else:
            self._note(_read(marked)[0] or numbers)

    def _note(self, numbers: tuple[int, ...]) -> None:
        self.differs = True
        self.wrong |= {*numbers}


def _read(marked: Any) -> tuple[tuple[int, ...], str]:
    """The marks of a value, and the value without them."""
    if _is_number(marked):
        return (int(marked) - FIRST_NUMBER,), ""
    text = text_of(marked)
    return tuple(int(found[1]) for found in MARK.finditer(text)), MARK.sub("", text)


def _is_number(marked: Any) -> bool:
    """Whether a value is a number with a mark; in place of a text it is one, too."""
    return _NUMBER.fullmatch(text_of(marked)) is not None


def _read_encoded(marked: Any) -> tuple[tuple[int, ...], str]:
    """The same for a value of a Secret."""
    try:
        text = base64.b64decode(str(marked), validate=True).decode()
    except (binascii.Error, ValueError):
        return (), ""
    numbers, stripped = _read(text)
    return numbers, base64.b64encode(stripped.encode()).decode() if numbers else ""


def _numbers_in(value: Any) -> tuple[int, ...]:
    if isinstance(value, dict):
        keys = tuple(int(found[1]) for key in value if (found := MARK.fullmatch(key)))
        return (*keys, *(one for child in value.values() for one in _numbers_in(child)))
    if isinstance(value, list):
        return tuple(one for child in value for one in _numbers_in(child))
    return _read(value)[0]


def documents_of(text: str) -> list[Any]:
    """The values of the documents that a build prints."""
    return [read_document(piece).data for piece in split(text)]


def build(maker: Kustomize, overlay: Overlay) -> Built:
    """Build an overlay.

    Args:
        maker: what builds it.
        overlay: what is built.

    Raises:
        RenderError: it does not build.
    """
    folder = folder_below(overlay)
    text = maker.built(plain_files(overlay), folder, lifted=overlay.lifted)
    plain = documents_of(text)
    inputs = Inputs(overlay)
    rules = inputs.rules()
    known = Built(text)
    for _ in range(_TRIES + 1):
        marks = BuildMarks(rules)
        try:
            again = documents_of(maker.built(inputs.marked(marks), folder, lifted=overlay.lifted))
        except RenderError:
            again = []
        if len(again) != len(plain):
            if rules.mappings_only:
                return known
            # patches may name a namespace that others set
            rules = replace(
                rules, namespaces=max(rules.namespaces - 1, 0), mappings_only=not rules.namespaces
            )
            continue
        comparisons = [_Comparison() for _ in plain]
        for one, value, marked in zip(comparisons, plain, again, strict=True):
            one.compare(value, marked, ())
        wrong = frozenset[int]().union(*(one.wrong for one in comparisons))
        known = Built(text, tuple(one.found for one in comparisons), tuple(marks.all))
        if not any(one.differs for one in comparisons) or wrong <= rules.without:
            return known
        rules = replace(rules, without=rules.without | wrong)
    return known
