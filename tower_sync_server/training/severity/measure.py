"""Measure the shipped severity classifier on crops that no training has seen."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

from models.release import read_manifest
from tower_sync_server.evaluate import Figure, photo_seeds
from tower_sync_server.training.severity.crops import CropSpec, cut_photos, joined
from tower_sync_server.training.severity.judge import figures_of, judge

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.render.styles import Split
    from tower_sync_server.training.severity.crops import Crops

BARS = {
    "plain": {"accuracy": 0.90, "ece": 0.03, "auroc": 0.95},
    "shift": {"accuracy": 0.80, "ece": 0.03, "auroc": 0.95},
}
"""Slice → figure → what it has to reach; for `ece` less is better."""
_CHUNK = 10
_WEIGHTS = {"int8": "model.onnx", "fp32": "model-fp32.onnx"}


def evaluate_classifier(folder: Path, seed: int, photos: int, workers: int = 2) -> list[Figure]:
    """Measure the classifier in `folder` on the crops of `photos` photos, half of each slice.

    Args:
        folder: holds model.toml and the weights.
        seed: any number from 0; every number means other photos.
        photos: how many in all; a third of each half shows no damage, for the AUROC.
        workers: processes that render.
    """
    release = read_manifest(folder)
    figures: list[Figure] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for split in ("plain", "shift"):
            seeds = photo_seeds(seed, photos // 2)
            third = max(1, len(seeds) // 3)
            known = _crops(pool, split, seeds[third:], foreign=False)
            strange = _crops(pool, split, seeds[:third], foreign=True)
            for precision, name in _WEIGHTS.items():
                judged = [judge(folder / name, release, one) for one in (known, strange)]
                values = figures_of(judged[0], judged[1], release)
                values["coverage_target"] = target = release.calibration.coverage
                bars = BARS[split] | {"coverage": target, "coverage_target": target}
                figures += [
                    Figure(release.id, split, precision, name, values[name], bar)
                    for name, bar in bars.items()
                ]
    return figures


def _crops(
    pool: ProcessPoolExecutor, split: Split, seeds: tuple[int, ...], *, foreign: bool
) -> Crops:
    """Render the photos `seeds` and cut them."""
    spec = CropSpec(split, 0, 0, foreign, places=1 if foreign else 0)
    parts = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
    return joined(list(pool.map(cut_photos, [spec] * len(parts), parts)))
