"""The training loop: phases, cosine schedule, moving average, checkpoints, early stopping."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from tower_sync_server.training.batches import BatchPlan, Share, epoch_batches
from tower_sync_server.training.loss import detection_loss
from tower_sync_server.training.many import agree, distributed, is_leader, position
from tower_sync_server.training.validate import validate

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.training.cache import Cache
    from tower_sync_server.training.network import DetectorNet

Report = Callable[[str], None]
"""Takes one line for the person who waits."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Some epochs with the same kind of batches."""

    epochs: int
    """How many."""
    plan: BatchPlan
    """What the batches are like."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a network is trained."""

    phases: tuple[Phase, ...]
    """One after the other."""
    rate: float = 2e-3
    """Highest learning rate."""
    decay: float = 0.02
    """Weight decay of AdamW, on convolutions only."""
    warmup: int = 200
    """Steps over which the rate rises."""
    average: float = 0.998
    """How much of the moving average stays at each step."""
    patience: int = 8
    """Stop after so many epochs without a better validation."""
    half: bool = True
    """Compute convolutions in bfloat16, about twice as fast where the processor can."""
    frozen: bool = False
    """Normalise as the network that this goes on from did: a few photos can't tell better how."""

    @property
    def epochs(self) -> int:
        """Epochs of all phases."""
        return sum(phase.epochs for phase in self.phases)

    def plan(self, epoch: int) -> BatchPlan:
        """Return the plan of epoch number `epoch`."""
        for phase in self.phases:
            if epoch < phase.epochs:
                return phase.plan
            epoch -= phase.epochs
        return self.phases[-1].plan


@dataclass(slots=True)
class _State:
    """What a checkpoint holds."""

    network: nn.Module
    average: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    epoch: int = 0
    best: float = -1.0
    best_epoch: int = 0


def train(
    network: DetectorNet,
    data: tuple[Cache, Cache],
    schedule: Schedule,
    place: tuple[Path, int],
    report: Report,
) -> DetectorNet:
    """Train `network` and return the best moving average of it.

    Args:
        network: freshly made, or loaded to go on from.
        data: photos for training and for validation.
        schedule: how.
        place: folder of the checkpoints (a run found there is continued) and the run's seed.
        report: takes one line an epoch.
    """
    folder, seed = place
    folder.mkdir(parents=True, exist_ok=True)
    state = _start(network, schedule)
    _resume(state, folder / "last.pt")
    while state.epoch < schedule.epochs:
        loss = _epoch(state, data[0], schedule, (seed, report))
        state.epoch += 1
        score = agree(validate(state.average, data[1]).map50_95 if is_leader() else 0.0)
        line = f"epoch {state.epoch}/{schedule.epochs}: loss {loss:.3f}, mAP50-95 {score:.3f}"
        report(line)
        if score > state.best:
            state.best, state.best_epoch = score, state.epoch
            if is_leader():
                torch.save(state.average.state_dict(), folder / "best.pt")
        if is_leader():
            _save(state, folder / "last.pt")
        if state.epoch - state.best_epoch >= schedule.patience:
            report(f"no better for {schedule.patience} epochs: stopped")
            break
    agree(0.0)  # nobody reads the best state before the leader has written it
    best = copy.deepcopy(network)
    best.load_state_dict(torch.load(folder / "best.pt", weights_only=True))
    return best.eval()


def _start(network: DetectorNet, schedule: Schedule) -> _State:
    """Make optimiser and moving average for `network`."""
    kernels = [one for one in network.parameters() if one.ndim > 1]
    others = [one for one in network.parameters() if one.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": kernels, "weight_decay": schedule.decay},
         {"params": others, "weight_decay": 0.0}],
        lr=schedule.rate, betas=(0.9, 0.99),
    )  # fmt: skip
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval()
    return _State(network, average, optimiser)


def _epoch(state: _State, cache: Cache, schedule: Schedule, run: tuple[int, Report]) -> float:
    """Go once through the photos; return the mean loss. `run` is its seed and its reporter."""
    plan = schedule.plan(state.epoch)
    steps = len(cache.truths) // plan.size
    state.network.train()
    if schedule.frozen:
        _freeze(state.network)
    network = distributed(state.network)
    total = 0.0
    for batch in epoch_batches(cache, plan, (run[0], state.epoch), Share(*position())):
        _set_rate(state, schedule, steps)
        images = batch.images.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=schedule.half):
            outputs = network(images)
        loss, _ = detection_loss(outputs, batch.truth)
        state.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(state.network.parameters(), 10.0)
        state.optimiser.step()
        state.step += 1
        keep = schedule.average * (1.0 - math.exp(-(state.step + 1) / 500.0))
        follow(state.average, state.network, keep)
        total += float(loss.detach())
        if state.step % 200 == 0:
            run[1](f"  step {state.step}: loss {float(loss.detach()):.3f}")
    return total / max(1, steps)


def _freeze(network: nn.Module) -> None:
    """Leave mean and variance of every batch normalisation as they are; scale and shift learn."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _set_rate(state: _State, schedule: Schedule, steps: int) -> None:
    """Raise the learning rate over the warm-up, then lower it along a cosine."""
    share = min(1.0, state.step / max(1, steps * schedule.epochs))
    factor = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * share))
    factor *= min(1.0, (state.step + 1) / max(1, schedule.warmup))
    for group in state.optimiser.param_groups:
        group["lr"] = schedule.rate * factor


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    """Move `average` towards `network`; `keep` (0..1) of it stays."""
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    for slow, fast in pairs:
        if slow.dtype.is_floating_point:
            slow.lerp_(fast, 1.0 - keep)
        else:
            slow.copy_(fast)


def _save(state: _State, path: Path) -> None:
    """Write a checkpoint; a crash while writing leaves the one before."""
    content: dict[str, Any] = {
        "network": state.network.state_dict(),
        "average": state.average.state_dict(),
        "optimiser": state.optimiser.state_dict(),
        "counts": (state.step, state.epoch, state.best, state.best_epoch),
    }
    fresh = path.with_suffix(".new")
    torch.save(content, fresh)
    fresh.replace(path)


def _resume(state: _State, path: Path) -> None:
    """Go on from the checkpoint at `path` if there is one."""
    if not path.exists():
        return
    content = torch.load(path, weights_only=True)
    state.network.load_state_dict(content["network"])
    state.average.load_state_dict(content["average"])
    state.optimiser.load_state_dict(content["optimiser"])
    state.step, state.epoch, state.best, state.best_epoch = content["counts"]
