from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import old_backup

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

SEED = 41


def test_a_tower_put_back_from_an_old_backup_fills_up_again(folder: Path, prove: Prove) -> None:
    prove(old_backup.run(folder, old_backup.SMALL, SEED), SEED)
