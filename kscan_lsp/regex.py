"""Regular expressions of modules, compiled when they are first used.

A command imports some hundreds of modules and uses a few of their two hundred expressions: to compile them all took a
tenth of a scan of one file.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class _Regex:
    """A regular expression that is compiled when something of it is first asked for."""

    def __init__(self, source: str | bytes, flags: int) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        compiled = re.compile(self._source, self._flags)
        found = getattr(compiled, name)
        # the next time it is there, and nothing stands between
        self.__dict__[name] = found
        return found


def regex(source: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """`re.compile` for the top of a module."""
    return cast("re.Pattern[AnyStr]", _Regex(source, flags))
