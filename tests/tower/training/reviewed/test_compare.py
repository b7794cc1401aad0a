"""Two detectors on the same photos: a model against itself is never better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tower_sync_server.render.dataset import Order, write_dataset
from tower_sync_server.training.folder import photos
from tower_sync_server.training.reviewed.compare import compare

SHIPPED = Path(__file__).parents[4] / "models/zoo/vehicle-damage-detector/1.0.0"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("set")
    write_dataset(home, (Order("plain", 900_000, 12, 320, 240),))
    return home


def test_a_model_is_not_better_than_itself(dataset: Path) -> None:
    same = compare(SHIPPED, SHIPPED, photos(dataset, "val"))
    assert same.photos == 12
    np.testing.assert_array_equal(same.before.per_class, same.after.per_class)
    assert same.before.map50 > 0.5, "it does see something"
    assert (same.low, same.high) == (0.0, 0.0)
    assert not same.better
