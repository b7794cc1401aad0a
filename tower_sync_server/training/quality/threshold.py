"""Choose the blur threshold from rendered photos, and store it with a profile."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.image import decode, read_header
from models.measures import SIDE, measure
from tower_sync_server.training.quality.photos import Taken, take_photos

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tower_sync_server.render.styles import Split

SENT_BACK = 0.01
"""Share of the sharp training photos that the threshold sends back: half of what is allowed."""
_SEEDS = range(700_000, 700_400)
"""Scenes of the `train` split that the threshold is chosen on, four photos of each."""
_CHUNK = 5
_LINE = re.compile(r"^blur_threshold = .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scored:
    """One photo as the device measured it."""

    score: float
    """Its sharpness, `models.measures`."""
    blurred: bool
    """Whether a person would take it again."""
    megapixels: float
    """Of the photo."""


def score_of(photo: Taken) -> float:
    """Decode and measure a photo as the device does."""
    decoded = decode(photo.data, read_header(photo.data), SIDE)
    return measure(decoded.image, (decoded.width, decoded.height)).blur_score


def score_scenes(split: Split, seeds: Sequence[int]) -> list[Scored]:
    """Take the photos of the scenes `seeds` and measure them."""
    cv2.setNumThreads(1)
    return [
        Scored(score_of(photo), photo.blurred, photo.megapixels)
        for seed in seeds
        for photo in take_photos(split, seed)
    ]


def find_threshold(photos: Sequence[Scored]) -> float:
    """Return the score below which SENT_BACK of the sharp photos lie, in whole numbers.

    That is as high as sharp photos allow, and so finds as many blurred ones as it can: foreign
    cameras and light make a blurred photo look sharper than those of the training.
    """
    sharp = [one.score for one in photos if not one.blurred]
    return float(np.floor(np.quantile(sharp, SENT_BACK)))


def choose_threshold(workers: int = 2) -> float:
    """Render the training photos and choose the threshold on them."""
    parts = [_SEEDS[start : start + _CHUNK] for start in range(0, len(_SEEDS), _CHUNK)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        scored = [one for part in pool.map(score_scenes, ["train"] * len(parts), parts)
                  for one in part]  # fmt: skip
    return find_threshold(scored)


def store_threshold(profile: Path, threshold: float) -> None:
    """Write `blur_threshold` into a profile's TOML, leaving everything else as it stands.

    Raises:
        ValueError: the profile has no such line, or more than one.
    """
    text = profile.read_text(encoding="utf-8")
    changed, count = _LINE.subn(f"blur_threshold = {threshold}", text)
    if count != 1:
        raise ValueError(f"{profile} has {count} lines blur_threshold instead of one")
    profile.write_text(changed, encoding="utf-8")
