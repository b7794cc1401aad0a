"""The latest moment that was believed outlives a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from edge.adapters.clock import SystemClock
from tests.fakes.stores import make

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = datetime(2031, 5, 4, 3, 2, 1, tzinfo=UTC)


async def test_what_was_believed_before_a_restart_is_known_after_it(tmp_path: Path) -> None:
    store = make(tmp_path)
    await store.open()
    await store.saw(MOMENT)
    await store.saw(MOMENT - timedelta(days=400))
    await store.close()

    again = make(tmp_path)
    report = await again.open()
    await again.close()

    assert report.latest == MOMENT
    assert SystemClock(report.latest, synchronised=lambda _: False).passed() == MOMENT
