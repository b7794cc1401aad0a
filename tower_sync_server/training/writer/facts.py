"""Random facts to write about: labels, counts, places, amounts; some words are kept for measuring.

Every word belongs to one side by its hash, so that a text the model is measured on is about things
it has never read the names of.
"""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING

from models.case import Outcome
from models.facts import PLACES, Facts, Finding
from tower_sync_server.training.writer.words import (
    CODAS,
    CURRENCIES,
    GRADES,
    KINDS,
    ONSETS,
    SUBJECTS,
    VOWELS,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

_HELD_OUT = 7
"""One word in so many is never trained on."""
_REASONS = (
    "the photo is blurred",
    "the photo is too dark",
    "the confidence of '{label}', 0.{number}, is below the threshold 0.50",
    "nothing the model knows was found",
    "the label '{label}' always needs a person",
)
_STEPS = ("Take the photo again.", "Have an expert look at the photo.", "The estimate can go out.")
_ALWAYS = ("This is not a diagnosis.", "The estimate is made from photos alone.")


def is_held_out(word: str) -> bool:
    """True for the words that no training text names."""
    return zlib.crc32(word.casefold().encode()) % _HELD_OUT == 0


def random_facts(rng: random.Random, *, held_out: bool) -> Facts:
    """Draw one case's facts; `held_out`: all of its names are words the training never saw."""
    outcome = rng.choices(list(Outcome), weights=_outcome_weights())[0]
    count = rng.choices(range(9), weights=(12, 24, 22, 16, 10, 6, 5, 3, 2))[0]
    findings = _findings(rng, 0 if outcome is Outcome.RETAKE else count, held_out)
    priced = outcome is not Outcome.RETAKE and rng.random() < 0.5
    return Facts(
        subject=_subject(rng, held_out),
        outcome=outcome,
        findings=findings,
        reasons=_reasons(rng, outcome),
        total=_amount(rng) if priced else "",
        currency=_currency(rng, held_out) if priced else "",
        next_step=rng.choice(_STEPS) if rng.random() < 0.7 else "",
        always=(rng.choice(_ALWAYS),) if rng.random() < 0.5 else (),
        more=rng.choice((1, 2, 3, 5, 14)) if len(findings) > 4 and rng.random() < 0.4 else 0,
    )


def _outcome_weights() -> tuple[int, ...]:
    weights = {Outcome.ACCEPTED: 42, Outcome.NEEDS_REVIEW: 46, Outcome.RETAKE: 12}
    return tuple(weights.get(outcome, 0) for outcome in Outcome)


def _findings(rng: random.Random, count: int, held_out: bool) -> tuple[Finding, ...]:
    graded = rng.random() < 0.6
    found: dict[tuple[str, str], Finding] = {}
    for _ in range(count):
        label = _name(rng, held_out)
        grade = _pick(rng, _words_of("grade", held_out)) if graded and rng.random() < 0.8 else ""
        number = rng.choices((1, rng.randint(2, 12), rng.randint(13, 240)), (70, 26, 4))[0]
        place = rng.choice(PLACES) if number == 1 and rng.random() < 0.9 else ""
        found[label, grade] = Finding(
            label, number, round(rng.uniform(0.3, 1.0), 3), grade, place, *_nouns(rng, label)
        )
    return tuple(found.values())


def _nouns(rng: random.Random, label: str) -> tuple[str, str]:
    """A profile's own words for a label: `patch of rust`, `patches of rust`."""
    if rng.random() > 0.12:
        return "", ""
    one, many = rng.choice((("patch", "patches"), ("spot", "spots"), ("pattern", "patterns")))
    return f"{one} of {label}", f"{many} of {label}"


def _name(rng: random.Random, held_out: bool) -> str:
    kinds = _words_of("kind", held_out)
    first = _pick(rng, kinds) if rng.random() < 0.5 else _invented(rng, held_out)
    if rng.random() < 0.65:
        return first
    second = _pick(rng, kinds) if rng.random() < 0.5 else _invented(rng, held_out)
    return f"{first}{rng.choice('__ -')}{second}" if first != second else first


def _invented(rng: random.Random, held_out: bool) -> str:
    """A word nobody has heard of, of one to three syllables."""
    while True:
        parts = rng.choices((1, 2, 3), (30, 50, 20))[0]
        word = "".join(rng.choice(ONSETS) + _vowel(rng) for _ in range(parts)) + rng.choice(CODAS)
        if len(word) > 2 and is_held_out(word) == held_out:
            return word


def _vowel(rng: random.Random) -> str:
    return rng.choice(VOWELS if rng.random() < 0.3 else VOWELS[:5])


def _subject(rng: random.Random, held_out: bool) -> str:
    return (
        _pick(rng, _words_of("subject", held_out)) if rng.random() < 0.8 else _name(rng, held_out)
    )


def _currency(rng: random.Random, held_out: bool) -> str:
    if rng.random() < 0.5:
        return _pick(rng, _words_of("currency", held_out))
    while True:
        code = "".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(3))
        if is_held_out(code) == held_out:
            return code


def _amount(rng: random.Random) -> str:
    whole = rng.randint(0, 10 ** rng.randint(1, 5))
    return f"{whole}" if rng.random() < 0.15 else f"{whole}.{rng.randint(0, 99):02d}"


def _reasons(rng: random.Random, outcome: Outcome) -> tuple[str, ...]:
    if outcome is Outcome.ACCEPTED:
        return ()
    wanted = rng.choices((0, 1, 2), (15, 65, 20))[0]
    said = rng.sample(_REASONS, wanted)
    return tuple(s.format(label=_invented(rng, False), number=rng.randint(10, 49)) for s in said)


@cache
def _words_of(kind: str, held_out: bool) -> tuple[str, ...]:
    every = {"kind": KINDS, "grade": GRADES, "subject": SUBJECTS, "currency": CURRENCIES}[kind]
    return tuple(word for word in every if is_held_out(word) == held_out)


def _pick(rng: random.Random, words: Sequence[str]) -> str:
    return rng.choice(words)
