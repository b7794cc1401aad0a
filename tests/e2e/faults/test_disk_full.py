from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import disk_full
from tests.e2e.faults.world import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.root]

SEED = 41


def test_a_full_tower_says_busy_promises_nothing_and_goes_on_by_itself(folder: Path) -> None:
    prove(disk_full.run(folder, disk_full.SMALL, SEED), SEED)
