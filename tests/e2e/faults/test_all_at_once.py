from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import all_at_once

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

SEED = 41


def test_a_fleet_that_comes_back_at_once_comes_spread_out_and_loses_nothing(
    folder: Path, prove: Prove
) -> None:
    prove(all_at_once.run(folder, all_at_once.SMALL, SEED), SEED)
