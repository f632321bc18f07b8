"""Kyverno's functions of JMESPath about points in time, as far as they do not ask for the present one.

Texts are in RFC 3339. Source: pkg/engine/jmespath/time.go.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kscan_lsp.kyverno.arithmetic import duration_text
from kscan_lsp.kyverno.scalars import Refused, duration, integer


def _time(text: str) -> datetime:
    if len(text) > 40 or "T" not in text:
        raise Refused("not a time in RFC 3339")
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise Refused("a time without its zone")
    return found


def _span(text: str) -> timedelta:
    nanoseconds = duration(text)
    if nanoseconds is None:
        raise Refused("not a duration")
    return timedelta(microseconds=nanoseconds / 1_000)


def _text(time: datetime) -> str:
    return time.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _between(later: datetime, earlier: datetime) -> str:
    return duration_text(round((later - earlier) / timedelta(microseconds=1)) * 1_000)


def time_value(name: str, given: list[str]) -> Any:
    """The value of a function about times, by its name.

    Raises:
        Refused: an argument is no time or duration.
        OverflowError: the result is beyond the calendar.
    """
    first = given[0]
    match name:
        case "time_add":
            return _text(_time(first) + _span(given[1]))
        case "time_utc":
            return _text(_time(first).astimezone(UTC))
        case "time_diff":
            return _between(_time(given[1]), _time(first))
        case "time_before":
            return _time(first) < _time(given[1])
        case "time_after":
            return _time(first) > _time(given[1])
        case "time_between":
            return _time(given[1]) < _time(first) < _time(given[2])
        case "time_truncate":
            span, time = _span(given[1]), _time(first)
            start = datetime(1, 1, 1, tzinfo=UTC)
            return _text(time - (time - start) % span if span > timedelta(0) else time)
        case "time_to_cron":
            time = _time(first)
            return f"{time.minute} {time.hour} {time.day} {time.month} {time.isoweekday() % 7}"
    # time_parse, of seconds since 1970; other layouts are Go's
    seconds = integer(given[1])
    if integer(first) is None or seconds is None:
        raise Refused("a layout of times that is not read here")
    return _text(datetime.fromtimestamp(seconds, UTC))
