"""The control: who takes the broker's word for the tower's loses cases, and it is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import trusting

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

CASES = 20


@pytest.mark.parametrize("believes", [True, False], ids=["the broker", "the tower alone"])
def test_a_broker_that_dies_full_takes_with_it_what_a_device_believed_to_be_safe(
    folder: Path, believes: bool
) -> None:
    found = trusting.run(folder, CASES, trusting=believes)

    print(f"believing the broker: {believes}: {found.missing} parts missing on the tower")
    assert found.waiting == 0
    assert (found.missing > 0) is believes
