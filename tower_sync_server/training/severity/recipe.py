"""The severity classifier's recipe: which crops, which network, how long."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from tower_sync_server.training.backbones.names import make_backbone
from tower_sync_server.training.severity.crops import OUTSIDE, Crops, CropSpec, joined, open_crops
from tower_sync_server.training.severity.loop import CLASSES, Plan, tensor, train_classifier
from tower_sync_server.training.severity.network import Graded, level
from tower_sync_server.training.severity.publish import disturbed
from tower_sync_server.training.start import start_from_onnx

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.training.loop import Report

_CALIBRATION_CROPS = 200
"""Crops that show what activations to expect."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a trained classifier will be like, but for its seed."""

    photos: int = 8_000
    """With damage; each gives its crops of damage and one of an undamaged place."""
    foreign: int = 1_600
    """Photos of undamaged vehicles and of something else; each gives three crops."""
    held_out: int = 1_200
    """Photos with damage that temperature and thresholds are found on."""
    first: int = 200_000
    """Seed of the first photo of each kind."""
    longer_side: int = 640
    """Of the photos in pixels."""
    network: str = "small"
    """Name of the network, see training/backbones/names.py."""
    plan: Plan = field(default_factory=Plan)
    """How long and how fast."""


DEFAULT = Recipe()
"""What ships: about 25 minutes on two cores, half of it to render."""
TOY = Recipe(
    photos=240,
    foreign=40,
    held_out=60,
    longer_side=256,
    plan=Plan(epochs=5, batch=16, warmup=20, average=0.9),
)
"""What a test trains: half a minute, and better than guessing."""


@dataclass(frozen=True, slots=True)
class Made:
    """A trained classifier and what it takes to publish it."""

    network: Graded
    """Tells the severity."""
    activating: npt.NDArray[np.uint8]
    """(N, S, S, 3) crops that show what activations to expect."""
    held_out: Crops
    """Damage that no training has seen."""
    data_sha256: str
    """Of the crops that were learned from, every twentieth."""


def train_severity(recipe: Recipe, places: tuple[Path, Path], seed: int, report: Report) -> Made:
    """Render the crops and train the network.

    Args:
        recipe: what to do.
        places: the folder for rendered crops, and an fp32 export of the detector to start from;
            where that isn't there, the network starts from nothing.
        seed: of weights, order and changes.
        report: takes one line for each step.
    """
    work, detector = places
    report(f"rendering crops of {recipe.photos + recipe.foreign + recipe.held_out} photos")
    crops, held_out = _open(recipe, work)
    torch.manual_seed(seed)
    network = make_backbone(recipe.network, CLASSES)
    if detector.exists():
        report(f"{start_from_onnx(network, detector)} tensors taken from the detector")
        level(network, tensor(crops.images[:_CALIBRATION_CROPS]))
    graded = train_classifier(network, crops, held_out, (recipe.plan, seed), report)
    digest = hashlib.sha256(crops.images[::20].tobytes()).hexdigest()
    return Made(graded, _activating(crops, seed), held_out, digest)


def _open(recipe: Recipe, work: Path) -> tuple[Crops, Crops]:
    """Open the crops to learn from and those held out."""
    first, longer_side = recipe.first, recipe.longer_side
    damage = CropSpec("train", first, recipe.photos, places=1, longer_side=longer_side)
    foreign = CropSpec("train", first, recipe.foreign, True, 3, longer_side)
    held_out = CropSpec("plain", first, recipe.held_out, longer_side=longer_side)
    crops = joined([open_crops(work, damage), open_crops(work, foreign)])
    return crops, open_crops(work, held_out)


def _activating(crops: Crops, seed: int) -> npt.NDArray[np.uint8]:
    """Choose crops of damage, half of them as rendered, half disturbed."""
    inside = crops.images[crops.severities != OUTSIDE][:_CALIBRATION_CROPS]
    half = len(inside) // 2
    return np.concatenate([inside[:half], disturbed(inside[half:], seed)])
