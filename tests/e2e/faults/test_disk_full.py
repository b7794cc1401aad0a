from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import disk_full

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = [pytest.mark.slow, pytest.mark.root]

SEED = 41


def test_a_full_tower_says_busy_promises_nothing_and_goes_on_by_itself(
    folder: Path, prove: Prove
) -> None:
    prove(disk_full.run(folder, disk_full.SMALL, SEED), SEED)
