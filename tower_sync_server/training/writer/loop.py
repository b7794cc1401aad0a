"""Train the decoder on the answers; checkpoints, resumable, the same for the same seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tower_sync_server.training.writer.data import Texts
    from tower_sync_server.training.writer.network import Decoder

_IGNORED = -100
_BUCKET = 24
"""Batches that are sorted by length together."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a decoder is trained."""

    batch: int = 32
    """Texts of one step."""
    rounds: tuple[float, ...] = (1.0,)
    """Times through the texts, for each fall of the learning rate; it rises again between them."""
    rate: float = 3e-3
    """Highest learning rate."""
    warmup: int = 60
    """Steps over which the rate rises."""
    decay: float = 0.05
    """Weight decay of AdamW, on matrices only."""
    half: bool = True
    """Compute matrices in bfloat16 where the processor can."""
    save_every: int = 100
    """Steps between checkpoints."""


def train(
    decoder: Decoder,
    texts: Texts,
    schedule: Schedule,
    place: tuple[Path, int],
    report: Callable[[str], None],
) -> Decoder:
    """Train `decoder` in place and return it.

    Args:
        decoder: freshly made.
        texts: prompts and answers; only answers are learnt.
        schedule: how.
        place: the checkpoint's file (a run found there is continued) and the run's seed.
        report: takes a line now and then.
    """
    path, seed = place
    optimiser = _optimiser(decoder, schedule)
    per_epoch = (len(texts.starts) - 1) // schedule.batch
    rates = _rates(schedule, per_epoch)
    step = _resume(decoder, optimiser, path)
    decoder.train()
    while step < len(rates):
        epoch, done = divmod(step, per_epoch)
        batches = list(_batches(texts, schedule.batch, seed + epoch))
        for rows in batches[done : done + len(rates) - step]:
            loss = _learn(decoder, optimiser, padded(texts, rows), (rates[step], schedule.half))
            step += 1
            if step % 20 == 0:
                report(f"step {step}/{len(rates)}: loss {loss:.4f}")
            if step % schedule.save_every == 0 or step == len(rates):
                _save(decoder, optimiser, step, path)
    return decoder.eval()


def _learn(
    decoder: Decoder,
    optimiser: torch.optim.Optimizer,
    batch: tuple[Tensor, Tensor],
    how: tuple[float, bool],
) -> float:
    """Take one step at a learning rate, perhaps in bfloat16; return the loss before it."""
    for group in optimiser.param_groups:
        group["lr"] = how[0]
    with torch.autocast("cpu", torch.bfloat16, enabled=how[1]):
        loss = answer_loss(decoder, *batch)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def answer_loss(decoder: Decoder, tokens: Tensor, targets: Tensor) -> Tensor:
    """Mean negative log-likelihood (nats) of the answers' tokens; both int64 [B, T]."""
    hidden = decoder.hidden(tokens)
    wanted = targets != _IGNORED
    return functional.cross_entropy(decoder.logits(hidden[wanted]).float(), targets[wanted])


def padded(texts: Texts, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Lay texts side by side: tokens, and what follows each where that is of the answer."""
    longest = int((texts.starts[rows + 1] - texts.starts[rows]).max()) - 1
    tokens = np.zeros((len(rows), longest), np.int64)
    targets = np.full((len(rows), longest), _IGNORED, np.int64)
    for at, row in enumerate(rows):
        start, end, answer = texts.starts[row], texts.starts[row + 1], texts.answers[row]
        text = texts.tokens[start:end].astype(np.int64)
        tokens[at, : len(text) - 1] = text[:-1]
        targets[at, answer - start - 1 : len(text) - 1] = text[answer - start :]
    return torch.from_numpy(tokens), torch.from_numpy(targets)


def _batches(texts: Texts, size: int, seed: int) -> Iterator[np.ndarray]:
    """Rows of each batch of an epoch: texts of like length together, batches in any order."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(texts.starts) - 1)
    lengths = np.diff(texts.starts)
    batches = []
    for at in range(0, len(order), size * _BUCKET):
        bucket = order[at : at + size * _BUCKET]
        bucket = bucket[np.argsort(lengths[bucket], kind="stable")]
        batches += [bucket[i : i + size] for i in range(0, len(bucket) - size + 1, size)]
    for number in rng.permutation(len(batches)):
        yield batches[number]


def _rates(schedule: Schedule, per_epoch: int) -> list[float]:
    """The learning rate of each step: a rise, then a fall along a cosine, in every round."""
    rates: list[float] = []
    for share in schedule.rounds:
        steps = max(1, round(share * per_epoch))
        for step in range(steps):
            fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps))
            rates.append(schedule.rate * min(1.0, (step + 1) / schedule.warmup) * fall)
    return rates


def _optimiser(decoder: Decoder, schedule: Schedule) -> torch.optim.Optimizer:
    matrices = [one for one in decoder.parameters() if one.ndim > 1]
    gains = [one for one in decoder.parameters() if one.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": matrices, "weight_decay": schedule.decay},
         {"params": gains, "weight_decay": 0.0}],
        lr=schedule.rate, betas=(0.9, 0.98),
    )  # fmt: skip


def _save(decoder: Decoder, optimiser: torch.optim.Optimizer, step: int, path: Path) -> None:
    """Write a checkpoint; a crash while writing leaves the one before."""
    fresh = path.with_suffix(".new")
    content = {"network": decoder.state_dict(), "optimiser": optimiser.state_dict(), "step": step}
    torch.save(content, fresh)
    fresh.replace(path)


def _resume(decoder: Decoder, optimiser: torch.optim.Optimizer, path: Path) -> int:
    """Go on from the checkpoint at `path` if there is one; return the steps it has done."""
    if not path.exists():
        return 0
    content: dict[str, Any] = torch.load(path, weights_only=True)
    decoder.load_state_dict(content["network"])
    optimiser.load_state_dict(content["optimiser"])
    return int(content["step"])
