"""Half-open windows of time for jobs that work through history.

Every window includes its start and excludes its end, so that no reading is
counted twice and none is forgotten. See FLOE-2304 for what happens otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

DEFAULT_WIDTH = timedelta(hours=6)


@dataclass(frozen=True)
class Window:
    """A span of time, start included, end excluded. Both are in UTC."""

    start: datetime
    end: datetime

    def contains(self, moment: datetime) -> bool:
        """Say whether a moment falls into the window."""
        return self.start <= moment < self.end


def split(start: datetime, end: datetime, width: timedelta = DEFAULT_WIDTH) -> Iterator[Window]:
    """Yield windows that cover start to end without gaps or overlaps.

    The last window is cut off at end. Times without a time zone are refused,
    since nobody can say which day they belong to.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start and end need a time zone")
    if width <= timedelta(0):
        raise ValueError("width must be positive")
    while start < end:
        stop = min(start + width, end)
        yield Window(start, stop)
        start = stop
