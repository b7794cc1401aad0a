from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import broker_down

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

SEED = 41


def test_a_device_takes_cases_in_as_ever_while_the_broker_is_down_and_sends_all_after(
    folder: Path, prove: Prove
) -> None:
    prove(broker_down.run(folder, broker_down.SMALL, SEED), SEED)
