"""Write rendered photos to a folder that other tools can train on: YOLO, COCO, and a manifest.

`python -m tower_sync_server.render.dataset FOLDER --photos 200` makes

    images/{split}/00000012.jpg   labels/{split}/00000012.txt   data.yaml      (YOLO)
    coco-{split}.json                                                          (COCO, with polygons)
    manifest.json: every file with its SHA-256 and its split, which is frozen by its hash
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cv2
import numpy as np
import typer

from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.samples import encode_picture
from tower_sync_server.render.scene import VERSION, RenderedPhoto, render_photo
from tower_sync_server.render.styles import Split

if TYPE_CHECKING:
    from tower_sync_server.render.arrays import U8

_LEAST_OUTLINE = 3
"""Corners that a polygon needs."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which photos to write."""

    split: Split
    """Which look, and which of the three streams."""
    first: int
    """Seed of the first."""
    count: int
    """How many."""
    width: int = 640
    """Pixels."""
    height: int = 480
    """Pixels."""


def write_dataset(folder: Path, orders: tuple[Order, ...]) -> dict[str, Any]:
    """Render all `orders` into `folder` and return the manifest that was written there."""
    files: list[dict[str, Any]] = []
    for order in orders:
        files += _write_split(folder, order)
    names = "\n".join(f"  {number}: {label}" for number, label in enumerate(LABELS))
    text = f"path: .\ntrain: images/train\nval: images/plain\ntest: images/shift\nnames:\n{names}\n"
    (folder / "data.yaml").write_text(text, encoding="utf-8")
    manifest = {"labels": list(LABELS), "renderer": VERSION, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return manifest


def _write_split(folder: Path, order: Order) -> list[dict[str, Any]]:
    """Write one split and return its entries for the manifest."""
    images, labels = folder / "images" / order.split, folder / "labels" / order.split
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    coco = _empty_coco()
    entries = []
    for seed in range(order.first, order.first + order.count):
        photo = render_photo(seed, split=order.split, width=order.width, height=order.height)
        name = f"{seed:08d}"
        data = encode_picture(photo.image, 10_000_000)
        (images / f"{name}.jpg").write_bytes(data)
        (labels / f"{name}.txt").write_text(yolo_lines(photo), encoding="ascii")
        _add_to_coco(coco, photo, f"images/{order.split}/{name}.jpg")
        entries.append(_entry(photo, f"images/{order.split}/{name}.jpg", data, order.split))
    (folder / f"coco-{order.split}.json").write_text(json.dumps(coco), encoding="utf-8")
    return entries


def yolo_lines(photo: RenderedPhoto) -> str:
    """Return one line a box: class, centre x, centre y, width, height (parts of the photo)."""
    height, width = photo.image.shape[:2]
    lines = []
    for (x1, y1, x2, y2), label in zip(photo.boxes, photo.labels, strict=True):
        middle = f"{(x1 + x2) / 2 / width:.6f} {(y1 + y2) / 2 / height:.6f}"
        size = f"{(x2 - x1) / width:.6f} {(y2 - y1) / height:.6f}"
        lines.append(f"{LABELS.index(label)} {middle} {size}\n")
    return "".join(lines)


def outlines(mask: U8) -> list[list[float]]:
    """Return the outer outlines of a mask (HxW) as COCO has them: x1, y1, x2, y2, …"""
    solid = np.asarray(mask > 96, np.uint8)
    found, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    large = [one for one in found if len(one) >= _LEAST_OUTLINE]
    return [np.asarray(one, float).reshape(-1).tolist() for one in large]


def _empty_coco() -> dict[str, list[dict[str, Any]]]:
    """Return a COCO file without photos."""
    kinds = [{"id": number + 1, "name": label} for number, label in enumerate(LABELS)]
    return {"images": [], "annotations": [], "categories": kinds}


def _add_to_coco(coco: dict[str, list[dict[str, Any]]], photo: RenderedPhoto, name: str) -> None:
    """Add one photo and its damage to a COCO file."""
    number = len(coco["images"]) + 1
    height, width = photo.image.shape[:2]
    coco["images"].append({"id": number, "file_name": name, "width": width, "height": height})
    damages = zip(photo.boxes, photo.labels, photo.severities, photo.masks, strict=True)
    for (x1, y1, x2, y2), label, severity, mask in damages:
        coco["annotations"].append(
            {
                "id": len(coco["annotations"]) + 1,
                "image_id": number,
                "category_id": LABELS.index(label) + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": int(np.count_nonzero(mask > 96)),
                "segmentation": outlines(mask),
                "iscrowd": 0,
                "attributes": {"severity": severity},
            }
        )


def _entry(photo: RenderedPhoto, name: str, data: bytes, split: Split) -> dict[str, Any]:
    """Describe one photo for the manifest."""
    boxes = [
        {"label": label, "severity": severity, "box": list(box)}
        for box, label, severity in zip(photo.boxes, photo.labels, photo.severities, strict=True)
    ]
    digest = hashlib.sha256(data).hexdigest()
    return {"path": name, "sha256": digest, "split": split, "seed": photo.seed, "boxes": boxes}


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write.")] = Path("rendered"),
    photos: Annotated[int, typer.Option(min=1, help="For training; a fifth of it to test.")] = 200,
    first: Annotated[int, typer.Option(min=0, help="Seed of the first photo.")] = 500_000,
) -> None:
    """Write a dataset of rendered photos as YOLO, COCO and with a manifest."""
    held_out = max(1, photos // 5)
    splits: tuple[tuple[Split, int], ...] = (
        ("train", photos), ("plain", held_out), ("shift", held_out),
    )  # fmt: skip
    write_dataset(folder, tuple(Order(split, first, count) for split, count in splits))


if __name__ == "__main__":
    typer.run(main)
