from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import workers_killed
from tests.e2e.faults.world import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SEED = 41


def test_three_workers_of_four_killed_in_the_middle_of_photos_lose_none(folder: Path) -> None:
    prove(workers_killed.run(folder, workers_killed.SMALL, SEED), SEED)
