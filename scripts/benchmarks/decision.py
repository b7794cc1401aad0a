"""(a) and (b): bytes of a 12-megapixel JPEG to a decision, against a floor and a plain pipeline."""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.inspection import Look, inspect
from edge.library.library import ModelLibrary, shipped_models
from edge.library.measure import settings_to_try
from edge.steps.decide import decide
from models.detector import Detector
from models.image import Limits
from models.preprocess import to_tensor
from models.profile import load_all, shipped
from models.runners import open_runner
from scripts.benchmarks.figures import Figure, in_turn, ratio
from scripts.benchmarks.photos import jpeg

if TYPE_CHECKING:
    from pathlib import Path

    from models.release import ModelRelease

ROUNDS = 30


def measure(folder: Path, _full: bool) -> list[Figure]:
    """Time the three in turn."""
    model = ModelLibrary(shipped_models(), folder / "models").active("vehicle-damage-detector")
    if model is None:
        raise SystemExit("no detector is shipped")
    threads = best_threads(model.folder, model.release)
    runner = open_runner(model.folder, model.release, threads)
    detector = Detector(runner, model.release)
    profile = load_all(shipped())["vehicle-damage"]
    # The gate is kept open: a photo that has to be taken again costs no detection.
    profile = replace(profile, quality=replace(profile.quality, blur_threshold=0.0))
    look, limits, data = Look(profile, detector), Limits(), jpeg()
    aside = ThreadPoolExecutor(1)  # as the worker has one
    pixels = np.frombuffer(data, dtype=np.uint8)
    size = detector.input

    def ours() -> None:
        seen, _ = inspect(data, look, limits, aside)
        decide(seen.quality, seen.predictions, seen.out_of_domain, seen.missing, profile)

    small = cv2.imdecode(pixels, cv2.IMREAD_REDUCED_COLOR_4)
    ready, _ = to_tensor(small, size, model.release.preprocess)

    def floor() -> None:
        cv2.imdecode(pixels, cv2.IMREAD_REDUCED_COLOR_4)
        runner.run(ready)

    def plain() -> None:
        image = cv2.imdecode(pixels, cv2.IMREAD_COLOR)
        cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var()
        tensor, _ = to_tensor(image, size, model.release.preprocess)
        runner.run(tensor)

    ms_ours, ms_floor, ms_plain = in_turn([ours, floor, plain], ROUNDS)
    return [
        Figure("12 MP JPEG → decision", statistics.median(ms_ours), "ms"),
        Figure("floor: scaled decode + bare run", statistics.median(ms_floor), "ms"),
        Figure(
            "plain: full decode, full Laplacian, letterbox, run", statistics.median(ms_plain), "ms"
        ),
        Figure("(a) decision / floor", ratio(ms_ours, ms_floor), "×", 1.20),
        Figure("(b) decision / plain", ratio(ms_ours, ms_plain), "×", 0.60),
    ]


def best_threads(folder: Path, release: ModelRelease) -> int:
    """The thread setting with the fastest bare run here."""
    timed = {threads: bare_run_ms(folder, release, threads) for threads in settings_to_try(0)}
    return min(timed, key=timed.__getitem__)


def bare_run_ms(folder: Path, release: ModelRelease, threads: int) -> float:
    """Median of an inference alone, milliseconds."""
    runner = open_runner(folder, release, threads)
    blank = np.zeros([size or 1 for size in runner.inputs[0].shape], np.float32)
    spent = in_turn([lambda: runner.run(blank)], 10)[0]
    runner.close()
    return statistics.median(spent)
