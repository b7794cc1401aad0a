"""What a careful clerk would write about given facts, in the manner that the prompt asks for.

The sentences are those of `models/writing`; here it is decided which of them a tone, a form and a
length stand for. The model learns that from the texts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.writing import options
from models.writing.manner import FORMS, TONES, Manner, manner_of
from models.writing.prompt import messages

if TYPE_CHECKING:
    import random

    from models.facts import Facts
    from models.writing.options import Shape, Slot
from tower_sync_server.training.writer.facts import random_facts

_IN_DIGITS = ("exact", "dry")
"""Tones that count in digits and say `one` for `a`."""


@dataclass(frozen=True, slots=True)
class Example:
    """One question and the answer that is to be learnt."""

    prompt: str
    """What the model is told: the JSON of the facts."""
    answer: str
    """The JSON it gives."""


def example(rng: random.Random) -> Example:
    """Draw facts and write them up."""
    facts = random_facts(rng, held_out=False)
    return Example(prompt_of(facts), answer_of(facts))


def prompt_of(facts: Facts) -> str:
    """Return the user's turn of the chat; the system's turn is the same for everything."""
    return messages(facts)[-1]["content"]


def answer_of(facts: Facts) -> str:
    """Write the facts up in their own manner, as the JSON that the device's grammar asks for."""
    manner, slots = manner_of(facts), options.slots(facts)
    said = {name: _sentence(slots[name], name, manner, facts) for name in manner.order}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def _sentence(slot: Slot, name: str, manner: Manner, facts: Facts) -> str:
    tone, form = TONES.index(manner.tone), FORMS.index(manner.form)
    shape = slot[form % len(slot)]
    number = form if name == options.TOTAL else tone
    if len(shape) == 1:
        return shape[0][number % len(shape[0])]
    return "".join(_part(part, shape, manner, facts) for part in shape)


def _part(part: tuple[str, ...], shape: Shape, manner: Manner, facts: Facts) -> str:
    tone = TONES.index(manner.tone)
    if part == options.ends_of(facts) and part is shape[-1]:
        return part[1 + tone % 2] if manner.length == "full" and len(part) > 1 else part[0]
    items = options.items(facts)
    for item, finding in zip(items, (*facts.findings, None), strict=False):
        if tuple(said.casefold() for said in part) == tuple(said.casefold() for said in item):
            ways = len(item) // 2 if finding is not None and finding.place else len(item)
            brief = ways if manner.length == "brief" and len(item) > ways else 0
            digits = 1 if manner.tone in _IN_DIGITS and ways > 1 else 0
            return part[brief + digits]
    return part[tone % len(part)]
