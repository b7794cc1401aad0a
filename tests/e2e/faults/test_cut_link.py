from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.scenarios import cut_link

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.faults.conftest import Prove

pytestmark = pytest.mark.slow

SEED = 41


def test_over_a_slow_link_that_is_cut_again_and_again_little_is_sent_twice(
    folder: Path, prove: Prove
) -> None:
    prove(cut_link.run(folder, cut_link.SMALL, SEED), SEED)


def test_a_large_photo_never_arrives_where_the_tower_forgets_its_pieces(folder: Path) -> None:
    """The control: what makes it arrive is that a cut costs only what was on its way."""
    assert not cut_link.without_a_spool(folder, 12.0)
