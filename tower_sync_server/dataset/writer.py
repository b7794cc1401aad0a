"""Writes a dataset that other tools can train on: YOLO, COCO, and a manifest.

images/{split}/NAME.jpg   labels/{split}/NAME.txt   data.yaml      (YOLO)
coco-{split}.json                                                  (COCO)
manifest.json: every file with its SHA-256, its split, its boxes, and where it comes from
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tower_sync_server.dataset.words import Labelled, Mark

MANIFEST = "manifest.json"
YOLO = {"train": "train", "val": "val", "plain": "val", "test": "test", "shift": "test"}
"""What YOLO calls a split."""


class DatasetWriter:
    """Takes photo after photo; `finish` writes what speaks of all of them."""

    def __init__(self, folder: Path, labels: Sequence[str]) -> None:
        """Write into `folder`; a label's place in `labels` is its class for YOLO."""
        self._folder = folder
        self._labels = list(labels)
        self._coco: dict[str, dict[str, list[dict[str, Any]]]] = {}
        self._files: list[dict[str, Any]] = []

    def add(self, photo: Labelled, data: bytes) -> None:
        """Write one photo, the bytes of its file as they are."""
        path = f"images/{photo.split}/{photo.name}{photo.suffix}"
        self._write(path, data)
        lines = yolo_lines(photo, self._labels)
        self._write(f"labels/{photo.split}/{photo.name}.txt", lines.encode("ascii"))
        self._add_to_coco(photo, path)
        self._files.append(
            {
                "path": path,
                "sha256": hashlib.sha256(data).hexdigest(),
                "split": photo.split,
                **photo.origin,
                "boxes": [
                    {"label": m.label, "severity": m.severity, "box": list(m.box)}
                    for m in photo.marks
                ],
            }
        )

    def finish(self, more: Mapping[str, Any]) -> dict[str, Any]:
        """Write what speaks of all photos; return the manifest, which says `more` too."""
        names = "".join(f"  {n}: {json.dumps(label)}\n" for n, label in enumerate(self._labels))
        places = "".join(f"{YOLO[split]}: images/{split}\n" for split in sorted(self._coco))
        self._write("data.yaml", f"path: .\n{places}names:\n{names}".encode())
        for split, coco in self._coco.items():
            self._write(f"coco-{split}.json", json.dumps(coco).encode())
        manifest = {"labels": self._labels, **more, "files": self._files}
        self._write(MANIFEST, json.dumps(manifest, indent=1).encode())
        return manifest

    def _write(self, path: str, data: bytes) -> None:
        place = self._folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def _add_to_coco(self, photo: Labelled, path: str) -> None:
        coco = self._coco.setdefault(photo.split, _empty_coco(self._labels))
        number = len(coco["images"]) + 1
        size = {"width": photo.width, "height": photo.height}
        coco["images"].append({"id": number, "file_name": path, **size})
        for mark in photo.marks:
            place = {"id": len(coco["annotations"]) + 1, "image_id": number}
            kind = self._labels.index(mark.label) + 1
            coco["annotations"].append({**place, "category_id": kind, **_in_coco(mark)})


def yolo_lines(photo: Labelled, labels: Sequence[str]) -> str:
    """Return one line a box: class, centre x, centre y, width, height (parts of the photo)."""
    lines = []
    for mark in photo.marks:
        x1, y1, x2, y2 = mark.box
        middle = f"{(x1 + x2) / 2 / photo.width:.6f} {(y1 + y2) / 2 / photo.height:.6f}"
        size = f"{(x2 - x1) / photo.width:.6f} {(y2 - y1) / photo.height:.6f}"
        lines.append(f"{labels.index(mark.label)} {middle} {size}\n")
    return "".join(lines)


def _in_coco(mark: Mark) -> dict[str, Any]:
    """What COCO says of one thing."""
    x1, y1, x2, y2 = mark.box
    return {
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1) if mark.area is None else mark.area,
        "segmentation": [list(outline) for outline in mark.outlines],
        "iscrowd": 0,
        "attributes": {"severity": mark.severity} if mark.severity else {},
    }


def _empty_coco(labels: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return a COCO file without photos."""
    kinds = [{"id": number + 1, "name": label} for number, label in enumerate(labels)]
    return {"images": [], "annotations": [], "categories": kinds}
