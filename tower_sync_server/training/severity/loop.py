"""Train the severity classifier: short epochs over crops that fit into memory."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.training.loop import follow
from tower_sync_server.training.severity.augment import changed
from tower_sync_server.training.severity.crops import OUTSIDE, RULES
from tower_sync_server.training.severity.network import Graded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tower_sync_server.training.loop import Report
    from tower_sync_server.training.severity.crops import Crops

CLASSES = len(SEVERITIES) * len(LABELS)
"""What the network tells apart in training: each severity of each kind."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast."""

    epochs: int = 10
    """Rounds over the crops of damage."""
    batch: int = 64
    """Crops in a batch."""
    rate: float = 2e-3
    """Highest learning rate, lowered along a cosine."""
    warmup: int = 100
    """Steps until the rate is reached."""
    decay: float = 0.02
    """Weight decay of AdamW."""
    outside: float = 0.35
    """Crops without damage that are drawn for each crop of damage in a round."""
    average: float = 0.995
    """How much of the moving average stays at each step, once there have been many."""
    threads: int = 1
    """Of the computation; results are the same for the same number."""


def train_classifier(
    network: nn.Module, crops: Crops, held_out: Crops, run: tuple[Plan, int], report: Report
) -> Graded:
    """Train `network` on `crops` and return its moving average, which tells the severity.

    Args:
        network: (B, 3, S, S) to (B, CLASSES), made anew or started from a detector.
        crops: to learn from, with damage and without.
        held_out: to report the accuracy on.
        run: how, and the seed.
        report: takes one line an epoch.
    """
    plan, seed = run
    torch.set_num_threads(plan.threads)
    torch.manual_seed(seed)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), plan.rate, weight_decay=plan.decay)
    steps = plan.epochs * (len(_round(crops, plan, (seed, 0))) // plan.batch)
    done = 0
    for epoch in range(plan.epochs):
        network.train()
        for images, classes in _batches(crops, plan, (seed, epoch)):
            for group in optimiser.param_groups:
                group["lr"] = plan.rate * _share(done, steps, plan.warmup)
            loss = loss_of(network(images), classes)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            done += 1
            follow(average, network, min(plan.average, 1 - 1 / (done + 1)))
        report(f"severity epoch {epoch + 1}/{plan.epochs}: {_progress(average, held_out)}")
    return Graded(average.to(memory_format=torch.contiguous_format), len(LABELS)).eval()  # type: ignore[call-overload]


def loss_of(logits: Tensor, classes: Tensor) -> Tensor:
    """Cross-entropy with one class more, "nothing of it", whose logit is always 0.

    So the logarithm of the sum of the others' exponentials, which is the negative energy, is
    trained to be the log-odds of damage against everything else, and needs no output of its own.

    Args:
        logits: (B, C).
        classes: (B,) 0..C-1, or C for what is nothing of it.
    """
    nothing = torch.zeros_like(logits[:, :1])
    return functional.cross_entropy(torch.cat([logits, nothing], dim=1), classes)


@torch.no_grad()
def logits_of(network: nn.Module, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Run `network` on crops (N, S, S, 3) and return its logits (N, C)."""
    network.eval()
    parts = [
        network(tensor(images[start : start + 128])).numpy() for start in range(0, len(images), 128)
    ]
    return np.concatenate(parts).astype(np.float64)


def tensor(images: npt.NDArray[np.uint8]) -> Tensor:
    """Turn crops (N, S, S, 3) into the network's input (N, 3, S, S), 0..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255.0


def _share(step: int, steps: int, warmup: int) -> float:
    """Return the part of the highest rate that `step` is trained with."""
    return min(1.0, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))


def _progress(network: nn.Module, held_out: Crops) -> str:
    """Say how often the severity of held-out damage is right."""
    inside = held_out.severities != OUTSIDE
    logits = logits_of(Graded(network, len(LABELS)), held_out.images[inside])
    return f"accuracy {(logits.argmax(axis=1) == held_out.severities[inside]).mean():.3f}"


def _round(crops: Crops, plan: Plan, seed: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Return the crops of one round in the order `seed` (run, epoch) decides."""
    rng = np.random.default_rng(seed)
    inside = np.flatnonzero(crops.severities != OUTSIDE)
    outside = np.flatnonzero(crops.severities == OUTSIDE)
    count = min(len(outside), round(plan.outside * len(inside)))
    chosen = rng.choice(outside, count, replace=False)
    return rng.permutation(np.concatenate([inside, chosen]))


def _batches(crops: Crops, plan: Plan, seed: tuple[int, int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Go once through the crops, each of them changed."""
    rng = np.random.default_rng((*seed, 1))
    order = _round(crops, plan, seed)
    classes = crops.severities * len(LABELS) + crops.kinds
    classes = np.where(crops.severities == OUTSIDE, CLASSES, classes)
    for start in range(0, len(order) - plan.batch + 1, plan.batch):
        mine = order[start : start + plan.batch]
        images = np.stack([changed(rng, crops.images[number], RULES.pad) for number in mine])
        ready = tensor(images).contiguous(memory_format=torch.channels_last)
        yield ready, torch.from_numpy(classes[mine])
