from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import forgery

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

SEED = 41


def test_nothing_that_is_forged_or_malformed_gets_in_or_stops_anything(
    folder: Path, prove: Prove
) -> None:
    prove(forgery.run(folder, forgery.SMALL, SEED), SEED)


def test_without_the_brokers_rules_a_forged_case_is_taken(folder: Path) -> None:
    """The control: what keeps it out is the rules."""
    assert forgery.without_rules(folder) == 1
