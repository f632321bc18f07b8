"""What came of scans of images in a session: what is known of each, what failed, and what of that was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from kscan_lsp.lsp.session.snapshot import SCANNING
from kscan_lsp.startup import NamedTuple
from kscan_lsp.workspace.image_scanner import STOPPED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kscan_lsp.evidence.images import ImageReport

MAX_IMAGES: Final = 200
"""Images of a workspace that are scanned; what is known of each is held in memory."""
_NAMED: Final = 3
"""Images, and reasons, that are named in a message."""


class ScannedImage(NamedTuple):
    """What came of a scan: what it was kept by, and the reports; or why there is none, and when that was."""

    key: str
    reports: tuple[ImageReport, ...] = ()
    problem: str = ""
    when: float = 0.0
    """Seconds on the monotonic clock."""

    @property
    def failed(self) -> bool:
        """Whether it may be tried again by itself: the user did not stop it."""
        return self.problem not in {"", STOPPED}


class ScannedImages(Struct):
    """What is known of images, by how manifests refer to them."""

    known: dict[str, ScannedImage] = {}
    _told: set[str] = set()
    """Why images could not be scanned, as far as that was said."""

    def reports(self) -> tuple[ImageReport, ...]:
        """All that scanners said."""
        return tuple(report for one in self.known.values() for report in one.reports)

    def states(self, scanning: Collection[str]) -> dict[str, str]:
        """What is to be said of images that are being scanned, or could not be."""
        failed = {image: f"not scanned: {one.problem}" for image, one in self.known.items() if one.problem}
        return failed | dict.fromkeys(scanning, SCANNING)

    def is_new(self, image: str, key: str) -> bool:
        """Whether nothing is known of an image, or of something else that went by its name."""
        known = self.known.get(image)
        return known is None or known.key != key

    def learn(self, image: str, key: str, outcome: tuple[ImageReport, ...] | str, now: float) -> None:
        """This came of a scan. What was known stays so until there is something newer."""
        if isinstance(outcome, str):
            before = self.known.get(image)
            self.known[image] = ScannedImage(key, before.reports if before else (), outcome, now)
        else:
            self.known[image] = ScannedImage(key, outcome)

    def forget_failures(self, images: Iterable[str], before: float) -> None:
        """Have those images tried again that failed before some time."""
        for image in images:
            known = self.known.get(image)
            if known is not None and known.failed and known.when < before:
                del self.known[image]

    def make_room(self, used: Collection[str]) -> None:
        """Forget images that are not used any more, where there are many."""
        others = [image for image in self.known if image not in used]
        for image in others[: max(0, len(self.known) - 2 * MAX_IMAGES)]:
            del self.known[image]

    def news_of_failures(self, images: Iterable[str]) -> str:
        """What is to be said of images that could not be scanned; nothing where that was said already."""
        by_reason: dict[str, list[str]] = {}
        for image in images:
            known = self.known.get(image)
            if known is not None and known.failed:
                by_reason.setdefault(known.problem.replace(image, "\0"), []).append(image)
        new = {reason: which for reason, which in by_reason.items() if reason not in self._told}
        self._told.update(new)
        return _failures(new)


def _failures(by_reason: Mapping[str, list[str]]) -> str:
    number = sum(map(len, by_reason.values()))
    if not number:
        return ""
    parts = []
    for reason, which in list(by_reason.items())[:_NAMED]:
        more = f" and {len(which) - _NAMED} more" if len(which) > _NAMED else ""
        said = reason.replace("\0", which[0])
        parts.append(f"{', '.join(which[:_NAMED])}{more}: {said}")
    rest = sum(map(len, list(by_reason.values())[_NAMED:]))
    parts += [f"and {rest} more"] if rest else []
    were = "1 image was" if number == 1 else f"{number} images were"
    return f"{were} not scanned. {'; '.join(parts)}"
