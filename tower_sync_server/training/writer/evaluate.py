"""Measure a writer on facts whose names it has never seen, through the device's own process."""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.facts import Facts
from models.release import read_manifest
from models.writing import options, words
from models.writing.answer import UnfaithfulError, read_answer
from models.writing.grammar import grammar_of
from models.writing.prompt import messages
from tower_sync_server.evaluate import Figure
from tower_sync_server.training.writer.child import Child
from tower_sync_server.training.writer.data import cut
from tower_sync_server.training.writer.export_gguf import Loaded, load_gguf
from tower_sync_server.training.writer.facts import random_facts
from tower_sync_server.training.writer.loop import answer_loss, padded
from tower_sync_server.training.writer.skeleton import sentences, skeleton
from tower_sync_server.training.writer.text import Example, answer_of, prompt_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FREE = r"root ::= [\x20-\x7E\u00A0-\uFFFD]*"
"""A grammar that forbids nothing but control characters."""
BARS = {
    "faithful": 1.0, "from_model": 0.95, "distinct_skeletons": 0.60, "tokens_per_s": 150.0,
    "load_s": 0.5, "perplexity_ratio": 1.05, "megabytes": 12.0,
}  # fmt: skip
"""Figure → what it has to reach or, for the last three, to stay below."""
SLICE, PRECISION = "held_out", "q8_0"
_STARTS = 3
"""The fastest of so many counts: others may be at work on this machine."""
_FREE_SHARE, _PERPLEXITY_SHARE = 20, 4
"""One in so many is also written without a grammar, and measured by the weights themselves."""


@dataclass(frozen=True, slots=True)
class Written:
    """One text of the model."""

    facts: Facts
    """What it is about."""
    raw: str
    """What the model answered under the grammar."""
    text: str
    """What is published of it; "" where the template's text stays."""
    seconds: float
    """It took."""


def held_out_facts(seed: int, count: int) -> list[Facts]:
    """Draw facts whose names are in no training text."""
    rng = random.Random(f"held out {seed}")  # noqa: S311 - not for secrets
    return [random_facts(rng, held_out=True) for _ in range(count)]


def evaluate_writer(folder: Path, seed: int, count: int) -> list[Figure]:
    """Measure the writer in `folder` on `count` sets of facts drawn with `seed`."""
    return measure(folder, seed, count)[0]


def measure(folder: Path, seed: int, count: int) -> tuple[list[Figure], list[str]]:
    """The same, and the texts that were published."""
    release = read_manifest(folder)
    weights = folder / release.weights.path
    facts = held_out_facts(seed, count)
    with Child(weights) as child:
        written = [_write(child, one) for one in facts]
        free = [_write_freely(child, one) for one in facts[::_FREE_SHARE]]
        load_s = min(child.load_s, *(_load_s(weights) for _ in range(_STARTS - 1)))
    loaded = load_gguf(weights)
    values = _values(written, loaded) | {"load_s": load_s}
    values["megabytes"] = weights.stat().st_size / 1e6
    some = written[::_PERPLEXITY_SHARE]
    bound = perplexity(loaded, [Example(prompt_of(w.facts), w.raw) for w in some])
    unbound = perplexity(loaded, [Example(prompt_of(w.facts), w.raw) for w in free])
    clerk = perplexity(loaded, [Example(prompt_of(w.facts), answer_of(w.facts)) for w in some])
    values |= {"perplexity_ratio": bound / unbound}
    figures = [Figure(release.id, SLICE, PRECISION, k, values[k], bar) for k, bar in BARS.items()]
    figures += [
        Figure(release.id, SLICE, PRECISION, name, value, bar)
        for name, value, bar in (
            ("perplexity", bound, 2.0),
            ("perplexity_free", unbound, 2.0),
            ("perplexity_clerk", clerk, 0.0),
            ("faithful_free", _share([bool(one.text) for one in free]), 0.0),
            ("distinct_sentences", values["distinct_sentences"], 0.0),
        )
    ]
    return figures, [w.text for w in written if w.text]


def perplexity(loaded: Loaded, examples: Sequence[Example]) -> float:
    """Perplexity for each token of the answers, by the weights as they are in the file."""
    texts = cut(list(examples), loaded.tokenizer)
    nats = tokens = 0.0
    with torch.no_grad():
        for at in range(0, len(examples), 16):
            rows = np.arange(at, min(at + 16, len(examples)))
            count = float((texts.starts[rows + 1] - texts.answers[rows]).sum())
            nats += float(answer_loss(loaded.decoder, *padded(texts, rows))) * count
            tokens += count
    return math.exp(nats / max(1.0, tokens))


def _load_s(weights: Path) -> float:
    with Child(weights) as child:
        return child.load_s


def _write(child: Child, facts: Facts) -> Written:
    raw, seconds = child.ask(messages(facts), grammar_of(facts), options.longest(facts) + 8)
    return Written(facts, raw, _published(raw, facts), seconds)


def _write_freely(child: Child, facts: Facts) -> Written:
    raw, seconds = child.ask(messages(facts), FREE, options.longest(facts) + 8)
    return Written(facts, raw, _published(raw, facts), seconds)


def _published(raw: str, facts: Facts) -> str:
    try:
        return read_answer(raw, facts)
    except UnfaithfulError:
        return ""


def _values(written: Sequence[Written], loaded: Loaded) -> dict[str, float]:
    published = [one for one in written if one.text]
    tokens = sum(len(loaded.tokenizer.encode(one.raw)) for one in written)
    shapes = {skeleton(one.text, one.facts) for one in published}
    return {
        "faithful": _share([agrees(one.text, one.facts) for one in published]),
        "from_model": len(published) / len(written),
        "distinct_skeletons": len(shapes) / max(1, len(published)),
        "distinct_sentences": float(len({s for shape in shapes for s in sentences(shape)})),
        "tokens_per_s": tokens / sum(one.seconds for one in written),
    }


def agrees(text: str, facts: Facts) -> bool:
    """A second check, of another kind than the device's: every name is there, no other number is.

    Args:
        text: as published.
        facts: what it was made from.
    """
    told = text.casefold()
    names = [] if facts.outcome == "retake" else [words.noun(f).casefold() for f in facts.findings]
    fixed = " ".join((*facts.reasons, facts.next_step, *facts.always, facts.total))
    counts = [str(finding.count) for finding in facts.findings]
    known = " ".join(
        (fixed, *counts, str(facts.more), words.sureness(facts), *names, facts.subject)
    )
    numbers = set(re.findall(r"\d+(?:\.\d+)?", text)) - set(re.findall(r"\d+(?:\.\d+)?", known))
    complete = all(name in told for name in names) and (not facts.total or facts.total in text)
    return complete and not numbers


def _share(truths: Sequence[bool]) -> float:
    return sum(truths) / max(1, len(truths))
