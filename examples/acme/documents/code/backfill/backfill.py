"""Copy old readings from PostgreSQL to the column store, one window at a time.

Made for the move described in ADR 14. The job may be stopped at any moment and
started again: a window counts as done only after its number of rows and its
checksum agree on both sides.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from windows import Window

log = logging.getLogger("backfill")

MAX_ATTEMPTS = 5


@dataclass(frozen=True)
class Summary:
    """What a store holds for one window."""

    rows: int
    checksum: str


class Store(Protocol):
    """The part of a store of readings that the backfill needs."""

    def summary(self, window: Window) -> Summary: ...

    def copy_to(self, target: "Store", window: Window) -> None: ...

    def delete(self, window: Window) -> None: ...


class WindowMismatch(Exception):
    """Source and target still differ after all attempts."""


def copy_window(
    source: Store,
    target: Store,
    window: Window,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Copy one window and return whether anything had to be copied.

    A window that already agrees is skipped. After a copy that does not agree,
    the target's rows of that window are deleted and the copy is repeated, with
    pauses of 2, 4, 8 and 16 seconds. After five attempts WindowMismatch is
    raised and a person has to look.
    """
    wanted = source.summary(window)
    if target.summary(window) == wanted:
        return False
    for attempt in range(1, MAX_ATTEMPTS + 1):
        target.delete(window)
        source.copy_to(target, window)
        if target.summary(window) == wanted:
            return True
        log.warning("window %s differs after attempt %d", window.start, attempt)
        if attempt < MAX_ATTEMPTS:
            sleep(2**attempt)
    raise WindowMismatch(f"{window.start} to {window.end}")


def run(source: Store, target: Store, windows: Iterable[Window]) -> int:
    """Copy all windows, newest data last, and return how many were copied."""
    copied = 0
    for window in windows:
        if copy_window(source, target, window):
            copied += 1
    log.info("backfill finished, %d windows copied", copied)
    return copied
