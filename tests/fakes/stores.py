"""Stores under a folder of the test, with a clock that the test moves."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from edge.store.retention import Limits
from edge.store.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LIMITS = Limits(
    image_bytes=10**9,
    thumb_bytes=10**8,
    case_age=timedelta(days=365),
    deleted_age=timedelta(days=30),
    staged_age=timedelta(minutes=60),
    staged_bytes=10**8,
)


class Moved:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 20, 12, tzinfo=UTC)) -> None:
        """Begin at `now`."""
        self.time = now

    def __call__(self) -> datetime:
        """The time."""
        return self.time

    def move(self, **by: float) -> None:
        """Let time pass, as `timedelta` takes it."""
        self.time += timedelta(**by)


def make(folder: Path, now: Moved | None = None, **changes: Any) -> Store:
    """A store in `folder`, not open yet."""
    values: dict[str, Any] = {"limits": LIMITS, "min_free_bytes": 0, **changes}
    return Store(folder, now=now or Moved(), **values)


@asynccontextmanager
async def opened(folder: Path, now: Moved | None = None, **changes: Any) -> AsyncIterator[Store]:
    """An open store in `folder`, closed at the end."""
    store = make(folder, now, **changes)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


async def confirm(store: Store) -> None:
    """Have a comparison say that the tower holds what it said it holds."""
    book = store.receipts
    for one in await book.sums(await book.ranges(unconfirmed=True)):
        await book.agree(one)
