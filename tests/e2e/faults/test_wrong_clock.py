from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import wrong_clock
from tests.e2e.faults.world import prove

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

SEED = 41


def test_a_wrong_clock_is_known_for_one_and_keeps_nothing_from_arriving_in_order(
    folder: Path,
) -> None:
    prove(wrong_clock.run(folder, wrong_clock.SMALL, SEED), SEED)
