"""The recipes: how many photos, which phases, how long. One function trains any of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from tower_sync_server.training.augment import Strength
from tower_sync_server.training.batches import BatchPlan
from tower_sync_server.training.cache import CacheSpec, open_cache
from tower_sync_server.training.folder import fingerprint, open_folder
from tower_sync_server.training.loop import Phase, Report, Schedule, train
from tower_sync_server.training.many import agree, is_leader
from tower_sync_server.training.network import DetectorNet

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.training.cache import Cache


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a trained detector will be like."""

    photos: int
    """Rendered for training."""
    validation: int
    """Rendered for choosing the best epoch."""
    size: int
    """Side of the network's input in pixels."""
    schedule: Schedule
    """Phases and rates."""
    widths: tuple[int, ...] = (12, 24, 48, 96, 128)
    """Channels of the network at strides 2, 4, 8, 16, 32."""
    seed: int = 7
    """Of weights, order and augmentation."""
    threads: int = 1
    """Of each process; results are the same for the same number. Two processes beat two threads."""


_STRONG = Strength(zoom=(0.6, 1.35), shift=0.14, colour=0.55)
_MILD = Strength(zoom=(0.85, 1.12), shift=0.04, colour=0.35)

DEFAULT = Recipe(
    photos=10_000,
    validation=300,
    size=320,
    schedule=Schedule(
        phases=(
            Phase(5, BatchPlan(size=16, side=224, strength=_STRONG, mosaic=0.1)),
            Phase(3, BatchPlan(size=16, side=256, strength=_MILD, mosaic=0.0)),
            Phase(1, BatchPlan(size=16, side=320, strength=_MILD, mosaic=0.0)),
        ),
        rate=1.5e-3,
    ),
)
"""What ships: about an hour on two cores."""

TOY = Recipe(
    photos=320,
    validation=40,
    size=128,
    schedule=Schedule(
        phases=(Phase(16, BatchPlan(size=8, side=128, strength=_MILD, mosaic=0.0)),),
        rate=3e-3,
        warmup=20,
        average=0.98,
    ),
    widths=(8, 16, 32, 48, 64),
)
"""What a test trains: seconds, and only just better than guessing."""


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """Return `recipe` with another seed."""
    return replace(recipe, seed=seed)


def checkpoint_folder(work: Path, seed: int) -> Path:
    """Return where the run with `seed` keeps its checkpoints."""
    return work / f"detector-{seed}"


def train_detector(recipe: Recipe, work: Path, report: Report) -> DetectorNet:
    """Render the photos, train the network, return its best state.

    Args:
        recipe: what to do.
        work: folder for rendered photos and checkpoints; a broken-off run goes on from there.
        report: takes one line for each step.
    """
    wanted = CacheSpec("train", 0, recipe.photos, recipe.size)
    checked = CacheSpec("plain", 0, recipe.validation, recipe.size)
    if is_leader():
        report(f"rendering {recipe.photos} photos")
        open_cache(work, wanted)
        open_cache(work, checked)
    agree(0.0)
    return train_on((open_cache(work, wanted), open_cache(work, checked)), recipe, work, report)


def train_from_folder(recipe: Recipe, dataset: Path, work: Path, report: Report) -> DetectorNet:
    """Train a fresh network on a dataset's folder: on its split `train`, checked on `val`.

    Args:
        recipe: what to do; its numbers of photos don't count.
        dataset: holds manifest.json, see `tower_sync_server.training.folder`.
        work: folder for checkpoints.
        report: takes one line for each step.

    Raises:
        DatasetError: the dataset isn't what its manifest says.
    """
    report(f"dataset {fingerprint(dataset)[:12]}")
    data = open_folder(dataset, "train", recipe.size), open_folder(dataset, "val", recipe.size)
    return train_on(data, recipe, work, report)


def train_on(data: tuple[Cache, Cache], recipe: Recipe, work: Path, report: Report) -> DetectorNet:
    """Train the network on the first of `data`, checked on the second; see `train_detector`."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    network = DetectorNet(len(data[0].labels), recipe.widths)
    place = (checkpoint_folder(work, recipe.seed), recipe.seed)
    return train(network, data, recipe.schedule, place, report)
