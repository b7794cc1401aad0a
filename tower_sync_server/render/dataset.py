"""Write rendered photos as a dataset, see `tower_sync_server.dataset.writer`.

`python -m tower_sync_server.render.dataset FOLDER --photos 200` does it from the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import cv2
import numpy as np
import typer

from tower_sync_server.dataset.words import Labelled, Mark
from tower_sync_server.dataset.writer import DatasetWriter
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.samples import encode_picture
from tower_sync_server.render.scene import VERSION, RenderedPhoto, render_photo
from tower_sync_server.render.styles import Split

if TYPE_CHECKING:
    from tower_sync_server.dataset.words import Outline
    from tower_sync_server.render.arrays import U8

_LEAST_OUTLINE = 3
"""Corners that a polygon needs."""
_SOLID = 96
"""Of 255: from here on a mask's soft edge belongs to the damage."""


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
    writer = DatasetWriter(folder, LABELS)
    for order in orders:
        for seed in range(order.first, order.first + order.count):
            photo = render_photo(seed, split=order.split, width=order.width, height=order.height)
            data = encode_picture(photo.image, 10_000_000)
            writer.add(labelled(photo, order.split), data)
    return writer.finish({"renderer": VERSION})


def labelled(photo: RenderedPhoto, split: Split) -> Labelled:
    """What is on a rendered photo, as a dataset has it."""
    damages = zip(photo.boxes, photo.labels, photo.severities, photo.masks, strict=True)
    marks = tuple(
        Mark(label, box, severity, int(np.count_nonzero(mask > _SOLID)), outlines(mask))
        for box, label, severity, mask in damages
    )
    height, width = photo.image.shape[:2]
    return Labelled(f"{photo.seed:08d}", split, width, height, marks, origin={"seed": photo.seed})


def outlines(mask: U8) -> tuple[Outline, ...]:
    """Return the outer outlines of a mask (HxW) as COCO has them: x1, y1, x2, y2, …"""
    solid = np.asarray(mask > _SOLID, np.uint8)
    found, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    large = [one for one in found if len(one) >= _LEAST_OUTLINE]
    return tuple(tuple(np.asarray(one, float).reshape(-1).tolist()) for one in large)


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
