"""Until when Kubescape says that something counts, in days as they are compared here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

from kscan_lsp.regex import regex

_TIME: Final = regex(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})")


def last_day_of(time: str) -> date | None:
    """The last whole day before a time of RFC 3339, such as `2026-12-31T23:59:59Z`; None where it is none."""
    if _TIME.fullmatch(time):
        try:
            # a minute is given away: whoever writes 23:59:00 means the day
            ends = datetime.fromisoformat(time).astimezone(UTC) + timedelta(minutes=1)
        except (ValueError, OverflowError):
            return None
        return ends.date() - timedelta(days=1) if ends.date() > date.min else None
    return None
