"""A dataset's folder as training wants it: photos that its manifest vouches for.

The folder is what `edgecase-tower dataset export` and `tower_sync_server.render.dataset` write, and
what any other tool may write: `manifest.json` with the labels, and of every photo its path, its
SHA-256, its split and its boxes. A photo's split is frozen there, so that nothing is ever measured
on what was trained on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from models.detection import Box
from models.image import decode, read_header
from models.image_words import ImageFileError
from models.preprocess import Image, place
from models.release import Preprocess
from tower_sync_server.dataset.writer import MANIFEST, YOLO
from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.training.cache import Cache, Truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class DatasetError(Exception):
    """The dataset isn't what its manifest says; the message names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo as it was taken, and what is on it."""

    image: Image
    """H x W x 3 uint8, RGB, upright."""
    labels: tuple[str, ...]
    """Of everything on it."""
    boxes: tuple[Box, ...]
    """Of the same things, pixels."""
    severities: tuple[str, ...]
    """Of the same things; "" where nobody graded it."""


def labels_of(folder: Path) -> tuple[str, ...]:
    """Return what can be on a dataset's photos, in the order of its manifest.

    Raises:
        DatasetError: there is no manifest, or it can't be read.
    """
    return tuple(_read(folder)["labels"])


def photos(folder: Path, split: str) -> Iterator[Photo]:
    """Read the photos of one split, one after the other.

    Args:
        folder: holds manifest.json.
        split: as the manifest spells it, or as YOLO does: train, val, test.

    Raises:
        DatasetError: a file is missing, changed or no picture, or the split is empty.
    """
    entries = [
        one for one in _read(folder)["files"] if split in (one["split"], YOLO.get(one["split"]))
    ]
    if not entries:
        raise DatasetError(f"{folder}: no photo of the split {split!r}")
    for entry in entries:
        yield _open(folder, entry)


def open_folder(folder: Path, split: str, size: int, labels: Sequence[str] = ()) -> Cache:
    """Read all photos of one split and lay them on the network's canvas, as the device does.

    Args:
        folder: holds manifest.json.
        split: see `photos`.
        size: side of the network's input in pixels.
        labels: in the order of the network's classes; empty: the manifest's own.

    Raises:
        DatasetError: see `photos`; or something on a photo is none of `labels`.
    """
    names = tuple(labels) or labels_of(folder)
    images, truths = zip(*(_placed(one, size, names) for one in photos(folder, split)), strict=True)
    return Cache(np.stack(images), tuple(truths), names)


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 of a dataset's manifest, which holds that of every photo."""
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def _read(folder: Path) -> dict[str, Any]:
    """Read the manifest and see that no photo is in it twice: it could be in two splits."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        hashes = [one["sha256"] for one in manifest["files"]]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise DatasetError(f"{folder / MANIFEST}: {e}") from e
    if len(set(hashes)) != len(hashes):
        raise DatasetError(f"{folder}: a photo is in the manifest twice")
    return manifest


def _open(folder: Path, entry: dict[str, Any]) -> Photo:
    """Read one photo that the manifest vouches for."""
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
    try:
        image = decode(data, read_header(data)).image
    except ImageFileError as e:
        raise DatasetError(f"{path}: {e}") from e
    boxes = entry["boxes"]
    return Photo(
        image,
        tuple(one["label"] for one in boxes),
        tuple(tuple(one["box"]) for one in boxes),
        tuple(one.get("severity") or "" for one in boxes),
    )


def _placed(photo: Photo, size: int, labels: tuple[str, ...]) -> tuple[Image, Truth]:
    """Lay one photo on the canvas (size x size), and its boxes with it."""
    if unknown := sorted(set(photo.labels).difference(labels)):
        raise DatasetError(f"{', '.join(unknown)}: none of {', '.join(labels)}")
    canvas, where = place(photo.image, size, size, Preprocess())
    boxes = np.asarray(photo.boxes, np.float32).reshape(-1, 4)
    scale = np.asarray([where.scale_x, where.scale_y] * 2, np.float32)
    return canvas, Truth(
        boxes * scale + np.asarray([where.left, where.top] * 2, np.float32),
        np.asarray([labels.index(label) for label in photo.labels], np.int64),
        np.asarray([_grade(one) for one in photo.severities], np.int64),
    )


def _grade(severity: str) -> int:
    """Return a severity's place; the first for one that nobody graded, or with other words."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0
