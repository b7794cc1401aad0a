"""A dataset's folder as training wants it: photos that its manifest vouches for, on their canvas.

The folder is what `tower_sync_server.render.dataset` writes, and what any other tool may write:
`manifest.json` with the labels, and of every photo its path, its SHA-256, its split and its boxes.
A photo's split is frozen there, so that nothing is ever measured on what was trained on.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from models.image import decode, read_header
from models.preprocess import place
from models.release import Preprocess
from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.training.cache import Cache, Truth

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt


class DatasetError(Exception):
    """The dataset isn't what its manifest says; the message names the file and the reason."""


def open_folder(folder: Path, split: str, size: int) -> Cache:
    """Read all photos of one split and lay them on the network's canvas, as the device does.

    Args:
        folder: holds manifest.json.
        split: as the manifest spells it.
        size: side of the network's input in pixels.

    Raises:
        DatasetError: a file is missing or changed, a label is unknown, or the split is empty.
    """
    manifest = _read(folder)
    unknown = sorted(set(manifest["labels"]) - set(LABELS))
    if unknown:
        raise DatasetError(f"{folder}: unknown labels {', '.join(unknown)}")
    entries = [one for one in manifest["files"] if one["split"] == split]
    if not entries:
        raise DatasetError(f"{folder}: no photo of the split {split!r}")
    images, truths = zip(*(_open(folder, one, size) for one in entries), strict=True)
    return Cache(np.stack(images), tuple(truths))


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 of a dataset's manifest, which holds that of every photo."""
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def _read(folder: Path) -> dict[str, Any]:
    """Read the manifest and see that no photo is in it twice: it could be in two splits."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
        hashes = [one["sha256"] for one in manifest["files"]]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise DatasetError(f"{folder / 'manifest.json'}: {e}") from e
    if len(set(hashes)) != len(hashes):
        raise DatasetError(f"{folder}: a photo is in the manifest twice")
    return manifest


def _open(folder: Path, entry: dict[str, Any], size: int) -> tuple[npt.NDArray[np.uint8], Truth]:
    """Read one photo and its truth."""
    inside = PurePosixPath(entry["path"])
    if inside.is_absolute() or ".." in inside.parts:
        raise DatasetError(f"{entry['path']} lies outside of {folder}")
    path = folder / inside
    try:
        data = path.read_bytes()
    except OSError as e:
        raise DatasetError(f"{path}: {e}") from e
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise DatasetError(f"{path} has changed since the manifest was written")
    canvas, where = place(decode(data, read_header(data)).image, size, size, Preprocess())
    boxes = np.asarray([one["box"] for one in entry["boxes"]], np.float32).reshape(-1, 4)
    scale = np.asarray([where.scale_x, where.scale_y] * 2, np.float32)
    return canvas, Truth(
        boxes * scale + np.asarray([where.left, where.top] * 2, np.float32),
        np.asarray([LABELS.index(one["label"]) for one in entry["boxes"]], np.int64),
        np.asarray([_severity(one) for one in entry["boxes"]], np.int64),
    )


def _severity(box: dict[str, Any]) -> int:
    """Return the place of a box's severity; of one that nobody graded the first."""
    return SEVERITIES.index(box["severity"]) if box.get("severity") else 0
