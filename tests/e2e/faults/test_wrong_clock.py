from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import wrong_clock

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

SEED = 41


def test_a_wrong_clock_is_known_for_one_and_keeps_nothing_from_arriving_in_order(
    folder: Path, prove: Prove
) -> None:
    prove(wrong_clock.run(folder, wrong_clock.SMALL, SEED), SEED)
