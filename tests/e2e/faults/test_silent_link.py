from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import silent_link

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

SEED = 41


def test_a_link_that_died_without_a_sign_and_a_dead_thread_are_noticed(
    folder: Path, prove: Prove
) -> None:
    prove(silent_link.run(folder, silent_link.SMALL, SEED), SEED)
