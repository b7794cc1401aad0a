"""How much faster the shipped INT8 weights are than the fp32 ones, on the machine that asks.

Both files run in turn on one thread, and what counts is the processor's time, so that whatever else
this machine is doing weighs on both alike or not at all.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

import numpy as np

from models.network_input import input_of
from models.processor import has_dot_products
from models.release import read_manifest
from models.runner_onnx import OnnxRunner
from tower_sync_server.evaluate import WEIGHTS, Figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from models.runner import Runner

BAR = 2.0
"""INT8 has to be so many times as fast as fp32 on a processor with dot-product instructions."""
NAME = "times_as_fast"
"""What the figure is called."""
_ROUNDS, _WARMUP = 40, 5


def speed_figures(folder: Path, rounds: int = _ROUNDS) -> list[Figure]:
    """Time both precisions of the model in `folder`; nothing where one of them is missing.

    Args:
        folder: holds model.toml and the weights.
        rounds: runs of each.
    """
    release = read_manifest(folder)
    if not all((folder / name).exists() for name in WEIGHTS.values()):
        return []
    runners = {name: OnnxRunner(folder / file) for name, file in WEIGHTS.items()}
    spec = input_of(runners["int8"], release)
    photo = np.random.default_rng(0).random((1, 3, spec.height, spec.width), np.float32)
    took = times(runners, photo, rounds)
    ratio = statistics.median(took["fp32"]) / statistics.median(took["int8"])
    where = "dot-product" if has_dot_products() else "no-dot-product"
    return [Figure(release.id, where, "int8", NAME, ratio, BAR)]


def times(
    runners: Mapping[str, Runner], photo: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    rounds: int,
) -> dict[str, list[float]]:  # fmt: skip
    """Run all `runners` in turn, and return how long each run of each took, in seconds."""
    took: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(_WARMUP + rounds):
        for name, runner in runners.items():
            started = time.process_time()
            runner.run(photo)
            if number >= _WARMUP:
                took[name].append(time.process_time() - started)
    return took
