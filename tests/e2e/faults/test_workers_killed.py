from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import workers_killed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

SEED = 41


def test_three_workers_of_four_killed_in_the_middle_of_photos_lose_none(
    folder: Path, prove: Prove
) -> None:
    prove(workers_killed.run(folder, workers_killed.SMALL, SEED), SEED)
