"""A dataset's folder trains the same code, and nothing in it is taken on trust."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.dataset import Order, write_dataset
from tower_sync_server.render.scene import render_photo
from tower_sync_server.training.augment import Strength
from tower_sync_server.training.batches import BatchPlan
from tower_sync_server.training.cache import letterboxed
from tower_sync_server.training.folder import DatasetError, fingerprint, open_folder
from tower_sync_server.training.loop import Phase, Schedule
from tower_sync_server.training.recipe import TOY, train_from_folder

SIZE = 64
PLAN = BatchPlan(size=8, side=SIZE, strength=Strength((0.9, 1.1), 0.04, 0.2), mosaic=0.0)
SMALL = replace(
    TOY,
    size=SIZE,
    widths=(8, 12, 16, 24, 32),
    schedule=Schedule((Phase(3, PLAN),), rate=6e-3, warmup=2, average=0.9, half=False),
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("data")
    write_dataset(home, (Order("train", 0, 24, 160, 120), Order("plain", 0, 6, 160, 120)))
    return home


def changed(dataset: Path, home: Path, **entry: object) -> Path:
    """A dataset whose first entry says something else; its photos stay where they are."""
    manifest = json.loads((dataset / "manifest.json").read_text())
    manifest["files"][0] |= entry
    home.mkdir(exist_ok=True)
    for name in ("images", "labels"):
        (home / name).symlink_to(dataset / name)
    (home / "manifest.json").write_text(json.dumps(manifest))
    return home


def test_a_photo_lies_on_the_canvas_as_when_it_is_rendered(dataset: Path) -> None:
    cache = open_folder(dataset, "plain", SIZE)
    for seed, truth in enumerate(cache.truths):
        photo = render_photo(seed, split="plain", width=160, height=120)
        canvas, boxes = letterboxed(photo, SIZE)
        assert np.allclose(truth.boxes, boxes, atol=1e-3)
        assert truth.classes.tolist() == [LABELS.index(label) for label in photo.labels]
        # It went through one more JPEG.
        assert np.abs(cache.images[seed].astype(int) - canvas.astype(int)).mean() < 4


def test_splits_stay_apart(dataset: Path) -> None:
    assert len(open_folder(dataset, "train", SIZE).truths) == 24
    assert len(open_folder(dataset, "plain", SIZE).truths) == 6
    with pytest.raises(DatasetError, match="shift"):
        open_folder(dataset, "shift", SIZE)


def test_a_changed_photo_is_refused(dataset: Path, tmp_path: Path) -> None:
    home = changed(dataset, tmp_path / "d", sha256="0" * 64)
    with pytest.raises(DatasetError, match="changed since"):
        open_folder(home, "train", SIZE)


def test_a_photo_in_two_splits_is_refused(dataset: Path, tmp_path: Path) -> None:
    second = json.loads((dataset / "manifest.json").read_text())["files"][1]["sha256"]
    with pytest.raises(DatasetError, match="twice"):
        open_folder(changed(dataset, tmp_path / "d", sha256=second), "train", SIZE)


def test_a_path_that_leaves_the_folder_is_refused(dataset: Path, tmp_path: Path) -> None:
    home = changed(dataset, tmp_path / "d", path="../../etc/passwd")
    with pytest.raises(DatasetError, match="outside"):
        open_folder(home, "train", SIZE)


@pytest.mark.parametrize("text", ["", "[]", '{"labels": []}'])
def test_a_broken_manifest_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DatasetError, match=r"manifest\.json"):
        open_folder(tmp_path, "train", SIZE)


def test_the_fingerprint_changes_with_any_photo(dataset: Path, tmp_path: Path) -> None:
    assert fingerprint(dataset) != fingerprint(changed(dataset, tmp_path / "d", sha256="0" * 64))


def test_a_folder_trains_a_toy(dataset: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    train_from_folder(SMALL, dataset, tmp_path, lines.append)
    losses = [float(line.split("loss ")[1].split(",")[0]) for line in lines if "mAP" in line]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
