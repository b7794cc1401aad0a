from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.towers_people import House

if TYPE_CHECKING:
    from tests.fakes.keeps import Bench


@pytest.fixture
def house(bench: Bench) -> House:
    """A tower's people, on SQLite and on a real PostgreSQL."""
    return House(bench)
