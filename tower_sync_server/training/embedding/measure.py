"""Measure the shipped embedding on crops that no training has seen, byte for byte as it is kept."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from models.classifier import Classifier
from models.embed import embedding_of, from_bytes
from models.release import read_manifest
from models.runner_onnx import OnnxRunner
from tower_sync_server.evaluate import Figure, photo_seeds
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.training.embedding.loop import recall, shown
from tower_sync_server.training.severity.crops import CropSpec, cut_photos, joined

if TYPE_CHECKING:
    from pathlib import Path

    from models.release import ModelRelease
    from tower_sync_server.render.styles import Split

BAR = 0.85
"""How often the nearest other crop has to show the same damage, as bad."""
_SPLITS: tuple[Split, ...] = ("plain", "shift")
_WEIGHTS = {"int8": "model.onnx", "fp32": "model-fp32.onnx"}
_PHOTOS_PER_CROPPED = 2
"""Photos of a run for each one that is cut up: the vectors of a few hundred crops tell enough."""
_CHUNK = 10


def evaluate_embedding(folder: Path, seed: int, photos: int, workers: int = 2) -> list[Figure]:
    """Measure the embedding in `folder` on damage of photos of both slices.

    Args:
        folder: holds model.toml and the weights.
        seed: any number from 0; every number means other photos.
        photos: size of the run; half as many are cut up.
        workers: processes that render.
    """
    release = read_manifest(folder)
    figures: list[Figure] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for split in _SPLITS:
            seeds = photo_seeds(seed, max(6, photos // _PHOTOS_PER_CROPPED // len(_SPLITS)))
            parts = [seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK)]
            spec = CropSpec(split, 0, 0)
            images, classes = shown(joined(list(pool.map(cut_photos, [spec] * len(parts), parts))))
            for precision, name in _WEIGHTS.items():
                vectors = vectors_in(folder / name, release, images)
                figures += [
                    Figure(release.id, split, precision, figure, recall(vectors, what), BAR)
                    for figure, what in (
                        ("recall_at_1", classes), ("recall_at_1_damage", classes % len(LABELS))
                    )
                ]  # fmt: skip
    return figures


def vectors_in(
    weights: Path, release: ModelRelease, images: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """Embed crops (N, S, S, 3) as the device does and read the bytes again: (N, D), length 1."""
    if weights.name != release.weights.path:  # only what is quantised comes in whole steps
        release = replace(release, output=replace(release.output, embedding_step=0.0))
    classifier = Classifier(OnnxRunner(weights), release)
    made = [embedding_of(classifier.classify(image), release) for image in images]
    return np.stack([from_bytes(one.to_bytes()) for one in made if one is not None])
