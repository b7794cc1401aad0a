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

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

KINDS = [
    "dent",
    "scratch",
    "crack",
    "rust",
    "chip",
    "stain",
    "hole",
    "tear",
    "burn",
    "bruise",
    "blister",
    "split",
    "leak",
    "mark",
    "spot",
    "patch",
    "streak",
    "smear",
    "speck",
    "notch",
    "groove",
    "ridge",
    "bump",
    "bulge",
    "warp",
    "bend",
    "kink",
    "fold",
    "crease",
    "wrinkle",
    "gap",
    "joint",
    "seam",
    "bolt",
    "screw",
    "nail",
    "hinge",
    "handle",
    "lamp",
    "mirror",
    "wheel",
    "tyre",
    "bumper",
    "door",
    "panel",
    "hood",
    "roof",
    "window",
    "leaf",
    "stem",
    "root",
    "bud",
    "fruit",
    "flower",
    "aphid",
    "beetle",
    "mite",
    "weevil",
    "larva",
    "moth",
    "blight",
    "mildew",
    "mould",
    "canker",
    "gall",
    "scab",
    "wilt",
    "rot",
    "mosaic",
    "lesion",
    "mole",
    "wart",
    "nevus",
    "rash",
    "scar",
    "plaque",
    "nodule",
    "papule",
    "bottle",
    "box",
    "jar",
    "bag",
    "shoe",
    "boot",
    "shirt",
    "coat",
    "hat",
    "glove",
    "scarf",
    "chair",
    "table",
    "desk",
    "shelf",
    "sofa",
    "cushion",
    "cup",
    "plate",
    "bowl",
    "fork",
    "knife",
    "spoon",
    "kettle",
    "toaster",
    "camera",
    "phone",
    "cable",
    "plug",
    "socket",
    "tile",
    "brick",
    "plank",
    "beam",
    "pipe",
    "valve",
    "pump",
    "filter",
    "gauge",
    "meter",
    "switch",
    "fuse",
    "ladder",
    "rope",
    "chain",
    "hook",
    "bucket",
    "brush",
    "broom",
    "paint",
    "chip",
    "glass",
    "weld",
    "corrosion",
    "pitting",
    "fracture",
    "abrasion",
    "deformation",
    "delamination",
    "discolouration",
    "contamination",
]
GRADES = [
    "minor",
    "moderate",
    "severe",
    "slight",
    "heavy",
    "light",
    "deep",
    "shallow",
    "early",
    "late",
    "fresh",
    "old",
    "small",
    "large",
    "fine",
    "coarse",
    "mild",
    "strong",
    "faint",
    "bad",
    "worn",
    "open",
    "closed",
    "local",
    "spread",
    "advanced",
    "superficial",
    "critical",
    "medium",
]
SUBJECTS = [
    "vehicle",
    "plant",
    "product",
    "skin",
    "photo",
    "leaf",
    "house",
    "roof",
    "road",
    "bridge",
    "ship",
    "boat",
    "engine",
    "machine",
    "fence",
    "wall",
    "floor",
    "parcel",
    "pallet",
    "shelf",
    "tree",
    "animal",
    "horse",
    "tooth",
    "coin",
    "stamp",
    "painting",
    "bicycle",
    "truck",
]
CURRENCIES = [
    "EUR",
    "USD",
    "GBP",
    "CHF",
    "JPY",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
    "CZK",
    "HUF",
    "CAD",
    "AUD",
    "NZD",
    "INR",
    "CNY",
    "KRW",
    "BRL",
    "ZAR",
    "MXN",
]
_ONSETS = [
    "b",
    "bl",
    "br",
    "c",
    "ch",
    "cl",
    "cr",
    "d",
    "dr",
    "f",
    "fl",
    "fr",
    "g",
    "gl",
    "gr",
    "h",
    "j",
    "k",
    "kl",
    "kr",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "pr",
    "qu",
    "r",
    "s",
    "sc",
    "sh",
    "sk",
    "sl",
]
_ONSETS += ["sm", "sn", "sp", "st", "str", "sw", "t", "th", "tr", "v", "w", "wr", "y", "z"]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "ie", "oa", "oo", "ou", "ö", "é", "ü"]
_CODAS = [
    *["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "x"],
    "ck",
    "ll",
    "nd",
    "nt",
    "rk",
    "rn",
    "st",
    "th",
    "",
]
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
        word = "".join(rng.choice(_ONSETS) + _vowel(rng) for _ in range(parts)) + rng.choice(_CODAS)
        if len(word) > 2 and is_held_out(word) == held_out:
            return word


def _vowel(rng: random.Random) -> str:
    return rng.choice(_VOWELS if rng.random() < 0.3 else _VOWELS[:5])


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
