"""The control: who takes the broker's word for the tower's loses cases, and it is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.benchmarks.figures import Figure
from tests.e2e.faults.scenarios import trusting

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

CASES = 20


@pytest.mark.parametrize("believes", [True, False], ids=["the broker", "the tower alone"])
def test_a_broker_that_dies_full_takes_with_it_what_a_device_believed_to_be_safe(
    folder: Path, prove: Prove, believes: bool
) -> None:
    found = trusting.run(folder, CASES, trusting=believes)

    assert found.waiting == 0
    name = f"control, believing {'the broker' if believes else 'the tower alone'}: missing"
    prove([Figure(name, found.missing, "", int(believes), at_least=believes)], 0)
