"""Choose the blur threshold from rendered photos, and store it with a profile."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

import cv2

from models.profile import QualityRules, parse
from tower_sync_server.training.quality.measure import PROFILE, sharpness_of
from tower_sync_server.training.quality.photos import take_photos

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tower_sync_server.render.styles import Split

SENT_BACK = 0.0075
"""Share of the sharp training photos that the gate sends back: well below what is allowed, since
foreign cameras and light make sharp photos look softer, too."""
HIGHEST = 400
"""Threshold from which on is looked for one."""
_SEEDS = range(700_000, 700_400)
"""Scenes of the `train` split that the threshold is chosen on, four photos of each."""
_CHUNK = 5
_LINE = re.compile(r"^blur_threshold = .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scored:
    """One photo as the device measured it."""

    frame: float | None
    """Sharpness of all of it, `models.measures`; None: nothing to tell."""
    subject: float | None
    """Of its subject; None: none, or nothing to tell."""
    blurred: bool
    """Whether a person would take it again."""


def score_scenes(zoo: Path, split: Split, seeds: Sequence[int]) -> list[Scored]:
    """Take the photos of the scenes `seeds` and measure them as the device does."""
    cv2.setNumThreads(1)
    # With the gate open every subject is looked at, whatever threshold is stored.
    profile = parse(PROFILE.read_text(encoding="utf-8"), str(PROFILE))
    measured = sharpness_of(zoo, replace(profile, quality=QualityRules(blur_threshold=0.0)))
    return [
        Scored(*measured(photo.data), photo.blurred)
        for seed in seeds
        for photo in take_photos(split, seed)
    ]


def find_threshold(photos: Sequence[Scored], rules: QualityRules) -> float:
    """Return the highest whole threshold that sends back at most SENT_BACK of the sharp photos.

    That is as high as sharp photos allow, and so finds as many blurred ones as it can: foreign
    cameras and light make a blurred photo look sharper than those of the training.
    """
    sharp = [one for one in photos if not one.blurred]

    def sent_back(threshold: int) -> float:
        own = replace(rules, blur_threshold=float(threshold))
        return sum(own.is_blurred(one.frame, one.subject) for one in sharp) / len(sharp)

    return float(next(t for t in range(HIGHEST, -1, -1) if sent_back(t) <= SENT_BACK))


def choose_threshold(zoo: Path, workers: int = 2) -> float:
    """Render the training photos and choose the threshold on them."""
    parts = [_SEEDS[start : start + _CHUNK] for start in range(0, len(_SEEDS), _CHUNK)]
    jobs = zip(*[(zoo, "train", part) for part in parts], strict=True)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        scored = [one for part in pool.map(score_scenes, *jobs) for one in part]
    rules = parse(PROFILE.read_text(encoding="utf-8"), str(PROFILE)).quality
    return find_threshold(scored, rules)


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
