"""A week in virtual time, thinned out; `scripts/bench --only week --full` takes them all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from scripts.benchmarks.week import LIMITS, live

if TYPE_CHECKING:
    from pathlib import Path

PER_DAY = 24


async def test_after_the_first_days_neither_files_nor_cases_grow(tmp_path: Path) -> None:
    looks = await live(tmp_path, PER_DAY)

    assert looks[-1].files <= looks[2].files * 1.1
    assert looks[-1].cases <= looks[2].cases * 1.1
    assert looks[-1].memory_mb - looks[2].memory_mb < 30


async def test_control_where_nothing_gets_too_old_both_grow(tmp_path: Path) -> None:
    looks = await live(tmp_path, PER_DAY, replace(LIMITS, case_age=timedelta(days=365)))

    assert looks[-1].files > looks[2].files * 1.5
    assert looks[-1].cases > looks[2].cases * 1.5
