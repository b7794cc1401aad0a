"""Measure the quality gate: how many blurred photos it sends back, and how many sharp ones."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from models.detection import area
from models.detector import Detector
from models.image import decode, read_header
from models.measures import SIDE, measure, sharpness, to_luma
from models.profile import parse
from models.release import read_manifest
from models.runner_onnx import OnnxRunner
from tower_sync_server.evaluate import Figure, photo_seeds
from tower_sync_server.render.styles import Split
from tower_sync_server.training.quality.photos import take_photos

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.profile import Profile

GATE = "quality-gate"
"""What stands beside the figures where a model's id stands elsewhere."""
PROFILE = Path(__file__).parents[3] / "models" / "profiles" / "vehicle-damage.toml"
"""Whose thresholds are measured."""
BARS = {"blurred_retake": 0.97, "sharp_retake": 0.02}
"""Figure → what it has to reach; of sharp photos less is better."""
_SPLITS: tuple[Split, ...] = ("plain", "shift")
_PHOTOS_PER_SCENE = 4
"""Photos of a run for each scene: one scene gives two photos, of any size up to 12 megapixels."""
_LEAST = 100
"""Photos of each sort from which on a size gets figures of its own: fewer can't tell 2 % from 1."""
_CHUNK = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one photo."""

    split: Split
    """Its look."""
    megapixels: float
    """Its size."""
    blurred: bool
    """Whether a person would take it again."""
    retake: bool
    """Whether the gate asks for that."""


def evaluate_gate(zoo: Path, seed: int, photos: int, workers: int = 2) -> list[Figure]:
    """Measure the gate of the vehicle profile on photos of 0.3 to 12 megapixels, half of each look.

    Args:
        zoo: holds the profile's detector, which finds the subject that is looked at once more.
        seed: any number from 0; every number means other scenes.
        photos: size of the run; half as many are taken here.
        workers: processes that render and measure.
    """
    scenes = max(len(_SPLITS), photos // _PHOTOS_PER_SCENE)
    seeds = photo_seeds(seed, scenes // len(_SPLITS))
    parts = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    jobs = [(zoo, split, part) for split in _SPLITS for part in parts]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        judged = [one for part in pool.map(judge_scenes, *zip(*jobs, strict=True)) for one in part]
    slices: dict[str, list[Judged]] = {}
    for one in judged:
        slices.setdefault(one.split, []).append(one)
        slices.setdefault(f"{one.megapixels:.1f}-megapixels", []).append(one)
    enough = {
        name: some for name, some in slices.items()
        if name in _SPLITS or len(some) >= 2 * _LEAST
    }  # fmt: skip
    return [figure for name, some in enough.items() for figure in _figures(name, some)]


def judge_scenes(zoo: Path, split: Split, seeds: Sequence[int]) -> list[Judged]:
    """Take the photos of the scenes `seeds` and send them through the gate."""
    cv2.setNumThreads(1)
    ask = gate(zoo, parse(PROFILE.read_text(encoding="utf-8"), str(PROFILE)))
    return [
        Judged(split, photo.megapixels, photo.blurred, ask(photo.data))
        for seed in seeds
        for photo in take_photos(split, seed, pair=True)
    ]


def gate(zoo: Path, profile: Profile) -> Callable[[bytes], bool]:
    """Return what tells whether the device sends a photo back for its blur."""
    measured = sharpness_of(zoo, profile)
    return lambda data: profile.quality.is_blurred(*measured(data))


Sharpness = tuple[float | None, float | None]
"""Of the frame and of the subject; None where there is nothing to tell, or no subject."""


def sharpness_of(zoo: Path, profile: Profile) -> Callable[[bytes], Sharpness]:
    """Return what decodes, measures and looks at the subject as `edge.inspection` does."""
    use, detector = profile.detector, None
    if use is not None:
        folder = max((zoo / use.model).iterdir())
        release = read_manifest(folder)
        detector = Detector(OnnxRunner(folder / release.weights.path), release)

    def measured(data: bytes) -> Sharpness:
        decoded = decode(data, read_header(data), SIDE)
        luma, size = to_luma(decoded.image), (decoded.width, decoded.height)
        whole = measure(luma, size)
        frame = whole.blur_score if whole.tellable else None
        if detector is None or use is None or profile.quality.is_surely_blurred(frame):
            return frame, None
        found = detector.detect(
            decoded.image, use.keep, use.iou, use.max_detections, decoded.factor, size
        )
        shown = [one.box for one in found if use.shows(one.label, one.confidence)]
        if not shown:
            return frame, None
        scale = luma.shape[1] / decoded.width
        x1, y1, x2, y2 = (value * scale for value in max(shown, key=area))
        return frame, sharpness(luma, (x1, y1, x2, y2))

    return measured


def _figures(name: str, some: Sequence[Judged]) -> list[Figure]:
    """Turn what became of one slice into figures."""
    blurred = [one.retake for one in some if one.blurred]
    sharp = [one.retake for one in some if not one.blurred]
    values = {
        "blurred_retake": sum(blurred) / len(blurred),
        "sharp_retake": sum(sharp) / len(sharp),
    }
    return [Figure(GATE, name, "int8", key, values[key], bar) for key, bar in BARS.items()]
