"""The recipes: how many texts, how large a network, how long."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from tower_sync_server.training.writer.data import Texts, drill, open_texts
from tower_sync_server.training.writer.loop import Schedule, train
from tower_sync_server.training.writer.network import Decoder, Shape
from tower_sync_server.training.writer.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what a trained writer will be like."""

    texts: int
    """Written for training."""
    vocabulary: int
    """Tokens."""
    width: int = 192
    """Of the network."""
    layers: int = 4
    """Of the network."""
    heads: int = 6
    """Of attention."""
    feed: int = 512
    """Width inside the feed-forward part."""
    schedule: Schedule = field(default_factory=Schedule)
    """Batches and rates."""
    drills: int = 64_000
    """Exercises in copying, before the texts: a network that can't copy learns to guess names."""
    drill_batch: int = 64
    """Exercises of one step; they are short, and in larger batches copying comes about sooner."""
    again: float = 0.5
    """Times through the texts once more, at a rate that rises and falls again."""
    seed: int = 7
    """Of texts, weights and order."""
    threads: int = 1
    """Results are the same for the same number."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a run gives."""

    decoder: Decoder
    """The network."""
    tokenizer: Tokenizer
    """Its vocabulary."""
    texts: Texts
    """What it was trained on."""


DRILL_RATE = 3e-3
"""Highest learning rate of the exercises."""
DEFAULT = Recipe(texts=28_000, vocabulary=1536, schedule=Schedule(rate=2e-3))
"""What ships: about 25 minutes of one core."""

TOY = Recipe(
    texts=2000,
    vocabulary=700,
    drills=1600,
    drill_batch=16,
    width=96,
    layers=2,
    heads=3,
    feed=256,
    schedule=Schedule(batch=16, warmup=20, rate=5e-3, half=False),
)
"""What a test trains: seconds, and only just better than guessing."""


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """Return `recipe` with another seed."""
    return replace(recipe, seed=seed)


def untrained(recipe: Recipe, tokenizer: Tokenizer) -> Decoder:
    """Make the network that training begins with."""
    torch.manual_seed(recipe.seed)
    shape = Shape(len(tokenizer.tokens), recipe.width, recipe.layers, recipe.heads, recipe.feed)
    return Decoder(shape)


def train_writer(recipe: Recipe, work: Path, report: Callable[[str], None]) -> Trained:
    """Write the texts, learn a vocabulary, train the network.

    Args:
        recipe: what to do.
        work: folder for texts and checkpoints; a broken-off run goes on from there.
        report: takes one line now and then.
    """
    torch.set_num_threads(recipe.threads)
    folder = work / f"writer-{recipe.texts}-{recipe.seed}"
    report(f"writing {recipe.texts} texts")
    tokenizer, texts = open_texts(folder, recipe.texts, recipe.vocabulary, recipe.seed)
    decoder = untrained(recipe, tokenizer)
    exercises = drill(tokenizer, recipe.drills, recipe.seed)
    copying = replace(recipe.schedule, batch=recipe.drill_batch, rate=DRILL_RATE)
    later = replace(recipe.schedule, rounds=(recipe.again,))
    for name, what, schedule, seed in (
        ("drill", exercises, copying, recipe.seed),
        ("texts", texts, recipe.schedule, recipe.seed),
        ("again", texts, later, recipe.seed + 1),
    ):
        report(f"{name}:")
        train(decoder, what, schedule, (folder / f"{name}.pt", seed), report)
    return Trained(decoder, tokenizer, texts)
