from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import killing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

SEED = 41


def test_nothing_is_missing_doubled_or_different_after_killing_everything_at_random(
    folder: Path, prove: Prove
) -> None:
    prove(killing.run(folder, killing.SMALL, SEED), SEED)
