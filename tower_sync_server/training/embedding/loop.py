"""Train the embedding: a few epochs over the crops that the severity classifier learns from."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.training.embedding.augment import elsewhere
from tower_sync_server.training.embedding.network import EmbeddingNet, embedding_loss
from tower_sync_server.training.loop import follow
from tower_sync_server.training.severity.crops import OUTSIDE, RULES
from tower_sync_server.training.severity.loop import tensor

if TYPE_CHECKING:
    from tower_sync_server.training.loop import Report
    from tower_sync_server.training.severity.crops import Crops

NAMES = tuple(f"{kind}-{severity}" for severity in SEVERITIES for kind in LABELS)
"""What a crop can show, in the order of the network's classes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast."""

    epochs: int = 9
    """Rounds over the crops."""
    batch: int = 64
    """Crops in a batch."""
    rate: float = 1.5e-3
    """Highest learning rate, lowered along a cosine."""
    warmup: int = 50
    """Steps until the rate is reached."""
    decay: float = 0.02
    """Weight decay of AdamW."""
    average: float = 0.995
    """How much of the moving average stays at each step, once there have been many."""
    threads: int = 1
    """Of the computation; results are the same for the same number."""


def train_embedding(
    network: EmbeddingNet, crops: Crops, held_out: Crops, run: tuple[Plan, int], report: Report
) -> EmbeddingNet:
    """Train `network` on the crops that show damage, and return its moving average.

    Args:
        network: made anew, or started from a detector.
        crops: to learn from.
        held_out: to report the recall on.
        run: how, and the seed.
        report: takes one line an epoch.
    """
    plan, seed = run
    torch.set_num_threads(plan.threads)
    torch.manual_seed(seed)
    images, classes = shown(crops)
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), plan.rate, weight_decay=plan.decay)
    steps, done = plan.epochs * (len(images) // plan.batch), 0
    for epoch in range(plan.epochs):
        network.train()
        rng = np.random.default_rng((seed, epoch))
        order = rng.permutation(len(images))
        for start in range(0, len(order) - plan.batch + 1, plan.batch):
            mine = order[start : start + plan.batch]
            batch = np.stack([elsewhere(rng, images[number], RULES.pad) for number in mine])
            for group in optimiser.param_groups:
                group["lr"] = plan.rate * _share(done, steps, plan.warmup)
            with torch.autocast("cpu", torch.bfloat16):
                loss = embedding_loss(network, tensor(batch), torch.from_numpy(classes[mine]))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            done += 1
            follow(average, network, min(plan.average, 1 - 1 / (done + 1)))
        seen, what = shown(held_out)
        found = recall(vectors_of(average, seen), what)
        report(f"embedding epoch {epoch + 1}/{plan.epochs}: recall@1 {found:.3f}")
    return average.eval()


def shown(crops: Crops) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the crops of damage (N, S, S, 3), and of each its place in NAMES (N,)."""
    inside = crops.severities != OUTSIDE
    classes = crops.severities[inside] * len(LABELS) + crops.kinds[inside]
    return crops.images[inside], classes


def recall(vectors: npt.NDArray[np.float32], classes: npt.NDArray[np.int64]) -> float:
    """Return how often a vector's nearest other one is of its class, 0..1.

    Args:
        vectors: (N, D) of length 1.
        classes: (N,).
    """
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2.0)
    return float((classes[cosines.argmax(axis=1)] == classes).mean())


@torch.no_grad()
def vectors_of(network: EmbeddingNet, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Run `network` on crops (N, S, S, 3) and return vectors of length 1, (N, DIMENSIONS)."""
    network.eval()
    parts = [
        functional.normalize(network.embed(tensor(images[start : start + 128]))).numpy()
        for start in range(0, len(images), 128)
    ]
    return np.concatenate(parts)


def _share(step: int, steps: int, warmup: int) -> float:
    """Return the part of the highest rate that `step` is trained with."""
    return min(1.0, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))
