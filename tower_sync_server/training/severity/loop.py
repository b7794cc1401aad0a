"""Train the severity classifier: short epochs over crops that fit into memory."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from tower_sync_server.training.loop import follow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tower_sync_server.training.loop import Report
    from tower_sync_server.training.severity.crops import Crops
    from tower_sync_server.training.severity.network import SeverityNet


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast."""

    epochs: int = 24
    """Rounds over the crops."""
    batch: int = 32
    """Crops in a batch."""
    rate: float = 2e-3
    """Highest learning rate, lowered along a cosine."""
    decay: float = 0.02
    """Weight decay of AdamW."""
    smoothing: float = 0.03
    """Share of each target that is spread over the other classes."""
    average: float = 0.98
    """How much of the moving average stays at each step."""
    threads: int = 1
    """Of the computation; results are the same for the same number."""


def train_classifier(
    network: SeverityNet, crops: Crops, held_out: Crops, run: tuple[Plan, int], report: Report
) -> SeverityNet:
    """Train `network` on `crops` and return its moving average.

    Args:
        network: freshly made, or started from a detector.
        crops: to learn from.
        held_out: to report the accuracy on.
        run: how, and the seed.
        report: takes one line an epoch.
    """
    plan, seed = run
    torch.set_num_threads(plan.threads)
    torch.manual_seed(seed)
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), plan.rate, weight_decay=plan.decay)
    steps = plan.epochs * (len(crops.images) // plan.batch)
    done = 0
    for epoch in range(plan.epochs):
        network.train()
        for images, severities in _batches(crops, plan, (seed, epoch)):
            for group in optimiser.param_groups:
                group["lr"] = plan.rate * 0.5 * (1 + math.cos(math.pi * done / max(1, steps)))
            loss = functional.cross_entropy(
                network(images), severities, label_smoothing=plan.smoothing
            )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            follow(average, network, plan.average)
            done += 1
        right = logits_of(average, held_out.images).argmax(axis=1) == held_out.severities
        report(f"severity epoch {epoch + 1}/{plan.epochs}: accuracy {right.mean():.3f}")
    return average.eval()


@torch.no_grad()
def logits_of(network: nn.Module, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Run `network` on crops (N, S, S, 3) and return its logits (N, C)."""
    network.eval()
    parts = [
        network(_tensor(images[start : start + 128])).numpy()
        for start in range(0, len(images), 128)
    ]
    return np.concatenate(parts).astype(np.float64)


def _batches(crops: Crops, plan: Plan, seed: tuple[int, int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Go once through the crops in an order `seed` (run, epoch) decides, each crop changed."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(crops.images))
    for start in range(0, len(order) - plan.batch + 1, plan.batch):
        mine = order[start : start + plan.batch]
        changed = np.stack([_changed(rng, crops.images[number]) for number in mine])
        yield _tensor(changed), torch.from_numpy(crops.severities[mine])


def _tensor(images: npt.NDArray[np.uint8]) -> Tensor:
    """Turn crops (N, S, S, 3) into the network's input (N, 3, S, S), 0..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0


def _changed(rng: np.random.Generator, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Turn, mirror, recolour and coarsen one crop.

    Coarsening keeps the network from reading the severity off the resolution: a small damage on
    a large photo is as finely resolved as a large one on a small photo.
    """
    side = image.shape[0]
    if rng.random() < 0.5:
        image = image[:, ::-1]
    if rng.random() < 0.3:
        image = image[::-1]
    small = int(side * rng.uniform(0.40, 1.0))
    coarse = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    image = np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
    gain = np.exp(rng.uniform(-0.3, 0.3) + rng.uniform(-0.15, 0.15, 3))
    return np.clip(image * gain, 0, 255).astype(np.uint8)
