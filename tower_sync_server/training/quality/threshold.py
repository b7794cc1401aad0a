"""Choose the blur thresholds from rendered photos, and store them with a profile."""

from __future__ import annotations

import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

import cv2

from models.profile import QualityRules, parse
from tower_sync_server.training.quality.measure import BARS, PROFILE, sharpness_of
from tower_sync_server.training.quality.photos import take_photos

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tower_sync_server.render.styles import Split

LOWEST, HIGHEST = 60, 300
"""Thresholds that are tried."""
SUBJECT = 0.45
"""Of the frame's threshold, what a subject in a sharp frame is held to: a dent is soft shading. Of
1,466 sharp training photos with a subject, four were below 0.6 of it and one was below this."""
_FACTORS = (0.8, 0.9, 1.0, 1.11, 1.25)
"""How a photo's score may have come out as well: foreign cameras and light move it so far."""
_EQUAL = 0.01
"""Thresholds whose weights differ by less are equally good."""
_SEEDS = range(700_000, 701_000)
"""Scenes of the `train` split that the threshold is chosen on, four photos of each."""
_CHUNK = 5


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


def find_threshold(photos: Sequence[Scored]) -> QualityRules:
    """Return the rules, with whole thresholds, that make the fewest mistakes.

    A mistake weighs by how many of its kind the bars allow: three blurred photos of a hundred may
    pass, two sharp ones may be sent back. The few photos near a threshold are there by chance, so
    each counts as if it had been taken a little softer and a little sharper as well. Of thresholds
    that are equally good the lowest counts: whoever is sent back in vain stops believing it.
    """
    tried = [rules_at(float(threshold)) for threshold in range(LOWEST, HIGHEST + 1)]
    weights = [_mistakes(photos, rules) for rules in tried]
    best = [r for r, one in zip(tried, weights, strict=True) if one <= min(weights) + _EQUAL]
    return best[0]


def rules_at(threshold: float) -> QualityRules:
    """Return the rules with `threshold` for the frame and what belongs to it for the subject."""
    return QualityRules(
        blur_threshold=threshold, subject_blur_threshold=float(round(SUBJECT * threshold))
    )


def _mistakes(photos: Sequence[Scored], rules: QualityRules) -> float:
    """Add up the shares of both kinds of mistakes, each as a part of what its bar allows."""
    near = [rules_at(rules.blur_threshold * factor) for factor in _FACTORS]
    shares = {True: 0.0, False: 0.0}
    for blurred in shares:
        own = [one for one in photos if one.blurred is blurred]
        wrong = sum(
            each.is_blurred(one.frame, one.subject) is not blurred for one in own for each in near
        )
        shares[blurred] = wrong / max(1, len(own) * len(near))
    return shares[True] / (1 - BARS["blurred_retake"]) + shares[False] / BARS["sharp_retake"]


def choose_threshold(zoo: Path, workers: int = 2) -> QualityRules:
    """Render the training photos and choose the thresholds on them."""
    parts = [_SEEDS[start : start + _CHUNK] for start in range(0, len(_SEEDS), _CHUNK)]
    jobs = zip(*[(zoo, "train", part) for part in parts], strict=True)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        scored = [one for part in pool.map(score_scenes, *jobs) for one in part]
    return find_threshold(scored)


def store_threshold(profile: Path, rules: QualityRules) -> None:
    """Write both thresholds into a profile's TOML, leaving everything else as it stands.

    Raises:
        ValueError: the profile lacks one of the lines, or has more than one of it.
    """
    text = profile.read_text(encoding="utf-8")
    for key, value in (
        ("blur_threshold", rules.blur_threshold),
        ("subject_blur_threshold", rules.subject_blur_threshold),
    ):
        line = re.compile(rf"^{key} = .*$", re.MULTILINE)
        text, count = line.subn(f"{key} = {value}", text)
        if count != 1:
            raise ValueError(f"{profile} has {count} lines {key} instead of one")
    profile.write_text(text, encoding="utf-8")
