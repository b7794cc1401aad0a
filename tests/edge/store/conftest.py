"""An open store in an empty folder, and the clock it goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.stores import Moved, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from edge.store.store import Store


@pytest.fixture
def now() -> Moved:
    return Moved()


@pytest.fixture
async def store(tmp_path: Path, now: Moved) -> AsyncIterator[Store]:
    async with opened(tmp_path / "data", now) as store:
        yield store
