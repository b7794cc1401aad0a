"""An open store in an empty folder, and the clock it goes by."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.stores import Moved, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from edge.store.store import Store


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory: these tests open hundreds of stores, and a disk would sync each.

    What a disk does with them is the subject of tests/e2e/test_power_cut.py.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def now() -> Moved:
    return Moved()


@pytest.fixture
async def store(tmp_path: Path, now: Moved) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data", now) as store:
        yield store
