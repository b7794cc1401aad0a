"""What the tower's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.keeps import Bench, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path / "tower") as keep:
        yield Bench(keep)
