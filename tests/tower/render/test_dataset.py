"""A written dataset says in every format what the renderer knows."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tower_sync_server.dataset.writer import yolo_lines
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.dataset import Order, labelled, outlines, write_dataset
from tower_sync_server.render.scene import Wish, render_photo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("data")
    write_dataset(home, (Order("train", 0, 4, 160, 120), Order("shift", 0, 2, 160, 120)))
    return home


def test_every_file_is_in_the_manifest_with_its_hash(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(manifest["files"]) == 6
    for entry in manifest["files"]:
        data = (folder / entry["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"]


def test_yolo_coco_and_manifest_agree(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    coco = json.loads((folder / "coco-train.json").read_text())
    mine = [entry for entry in manifest["files"] if entry["split"] == "train"]
    boxes = [box["box"] for entry in mine for box in entry["boxes"]]
    x1y1wh = [one["bbox"] for one in coco["annotations"]]
    assert [[x, y, x + w, y + h] for x, y, w, h in x1y1wh] == boxes
    lines = sum(
        len((folder / "labels" / "train" / f"{seed:08d}.txt").read_text().splitlines())
        for seed in range(4)
    )
    assert lines == len(boxes)


def test_a_yolo_line_holds_class_centre_and_size() -> None:
    wish = Wish(damaged=True, kinds=("rust",), something_else=False)
    photo = render_photo(0, split="train", width=160, height=120, wish=wish)
    kind, x, y, w, h = (
        float(value)
        for value in yolo_lines(labelled(photo, "train"), LABELS).splitlines()[0].split()
    )
    assert int(kind) == LABELS.index("rust")
    x1, y1, x2, y2 = photo.boxes[0]
    assert np.allclose([(x - w / 2) * 160, (y - h / 2) * 120], [x1, y1], atol=1e-3)
    assert np.allclose([(x + w / 2) * 160, (y + h / 2) * 120], [x2, y2], atol=1e-3)


def test_outlines_surround_the_mask() -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[5:10, 3:12] = 255
    (one,) = outlines(mask)
    points = np.asarray(one).reshape(-1, 2)
    assert points.min(axis=0).tolist() == [3.0, 5.0]
    assert points.max(axis=0).tolist() == [11.0, 9.0]
