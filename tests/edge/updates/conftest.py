from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.updates.look import trust
from edge.updates.trusted import TrustedMetadata
from tests.fakes.release_tower import ReleaseTower
from tests.fakes.vision_models import detector

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tower(tmp_path: Path) -> ReleaseTower:
    """It offers one detector."""
    made = ReleaseTower(tmp_path / "tower")
    model = tmp_path / "model"
    model.mkdir()
    made.add(detector(model))
    return made


@pytest.fixture
def seen(tmp_path: Path, tower: ReleaseTower) -> TrustedMetadata:
    """A device that trusts the tower."""
    data = tmp_path / "device"
    data.mkdir(exist_ok=True)
    trusted = TrustedMetadata(data)
    trust(trusted, tower.root)
    return trusted
