"""The embedding's recipe: which crops, which network to start from, how long."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from tower_sync_server.training.embedding.loop import NAMES, Plan, shown, train_embedding
from tower_sync_server.training.embedding.network import EmbeddingNet
from tower_sync_server.training.severity.crops import Crops, CropSpec, open_crops
from tower_sync_server.training.severity.loop import tensor
from tower_sync_server.training.severity.network import level
from tower_sync_server.training.start import start_from_onnx

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.training.loop import Report

_CALIBRATION_CROPS = 200
"""Crops that show what activations to expect."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a trained embedding will be like, but for its seed."""

    photos: int = 8_000
    """With damage, the same that the severity classifier learns from."""
    held_out: int = 1_200
    """Photos with damage that the temperature is found on."""
    first: int = 200_000
    """Seed of the first photo of each kind."""
    longer_side: int = 640
    """Of the photos in pixels."""
    plan: Plan = field(default_factory=Plan)
    """How long and how fast."""


DEFAULT = Recipe()
"""What ships."""
TOY = Recipe(
    photos=240, held_out=60, longer_side=256,
    plan=Plan(epochs=4, batch=16, warmup=20, average=0.9),
)  # fmt: skip
"""What a test trains: seconds, and better than guessing."""


@dataclass(frozen=True, slots=True)
class Made:
    """A trained embedding and what it takes to publish it."""

    network: EmbeddingNet
    """Maps crops to vectors."""
    activating: npt.NDArray[np.uint8]
    """(N, S, S, 3) crops that show what activations to expect."""
    held_out: Crops
    """Damage that no training has seen."""
    data_sha256: str
    """Of the crops that were learned from, every twentieth."""


def learn_embedding(recipe: Recipe, places: tuple[Path, Path], seed: int, report: Report) -> Made:
    """Render the crops and train the network.

    Args:
        recipe: what to do.
        places: the folder for rendered crops, and an fp32 export to start from; where that isn't
            there, the network starts from nothing.
        seed: of weights, order and changes.
        report: takes one line for each step.
    """
    work, start = places
    crops, held_out = _open(recipe, work)
    torch.manual_seed(seed)
    network = EmbeddingNet(len(NAMES))
    if start.exists():
        report(f"{start_from_onnx(network, start)} tensors taken from {start.parents[1].name}")
        level(network, tensor(crops.images[:_CALIBRATION_CROPS]))
    network = train_embedding(network, crops, held_out, (recipe.plan, seed), report)
    digest = hashlib.sha256(crops.images[::20].tobytes()).hexdigest()
    return Made(network, shown(crops)[0][:_CALIBRATION_CROPS], held_out, digest)


def _open(recipe: Recipe, work: Path) -> tuple[Crops, Crops]:
    """Open the crops to learn from and those held out."""
    first, longer_side = recipe.first, recipe.longer_side
    damage = CropSpec("train", first, recipe.photos, places=1, longer_side=longer_side)
    held_out = CropSpec("plain", first, recipe.held_out, longer_side=longer_side)
    return open_crops(work, damage), open_crops(work, held_out)
