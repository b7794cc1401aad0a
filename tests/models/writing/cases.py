"""Facts for the tests of the writing: a few that read well, and a strategy for all others."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from models.case import Outcome
from models.facts import PLACES, Facts, Finding, is_sayable
from models.writing import options
from tests.edge.steps.injections import INJECTIONS

if TYPE_CHECKING:
    import random

REVIEW = Facts(
    subject="vehicle",
    outcome=Outcome.NEEDS_REVIEW,
    findings=(
        Finding("dent", 1, 0.91, "severe", "centre"),
        Finding("scratch", 2, 0.48, "minor"),
        Finding("rust", 1, 0.7, "", "lower right", "patch of rust", "patches of rust"),
    ),
    reasons=("the confidence of 'scratch', 0.48, is below the threshold 0.50",),
    total="1285.20",
    currency="EUR",
    next_step="Have an assessor look at the photo.",
    always=("The estimate is made from photos alone.",),
)
ACCEPTED = Facts(
    subject="plant",
    outcome=Outcome.ACCEPTED,
    findings=(Finding("aphid", 12, 0.9), Finding("leaf_spot", 1, 0.8, "early")),
    more=3,
)
NOTHING = Facts(
    subject="skin",
    outcome=Outcome.NEEDS_REVIEW,
    reasons=("nothing the model knows was found",),
    always=("This is not a diagnosis.",),
)
EMPTY = Facts(subject="product", outcome=Outcome.ACCEPTED, next_step="Go on.")
RETAKE = Facts(subject="photo", outcome=Outcome.RETAKE, reasons=("the photo is blurred",))
EXAMPLES = {
    "review": REVIEW,
    "accepted": ACCEPTED,
    "nothing": NOTHING,
    "empty": EMPTY,
    "retake": RETAKE,
}


def chosen(facts: Facts, rng: random.Random) -> dict[str, str]:
    """What a model may answer: one order, one shape of every slot, one choice of every part."""
    slots = options.slots(facts)
    return {
        name: "".join(rng.choice(part) for part in rng.choice(slots[name]))
        for name in rng.choice(options.orders(facts))
    }


word = (
    st.sampled_from([s[:60] for s in INJECTIONS])
    | st.text(min_size=1, max_size=20)
    | st.sampled_from(["dent", "scratch", "paint_chip", "body", "person", "photo", "EUR", "2"])
)
labels = word.filter(lambda s: any(unicodedata.category(c)[0] in "LN" for c in s))
sentences = st.text(min_size=1, max_size=40).filter(lambda s: is_sayable(s) and s.strip(" .") != "")
nasty_findings = st.builds(
    Finding,
    label=labels,
    count=st.integers(1, 999),
    confidence=st.floats(0, 1),
    grade=st.just("") | word,
    place=st.sampled_from(("", *PLACES)),
    singular=st.just("") | word,
    plural=st.just("") | word,
)
calm_words = st.text("abcdefghijklmnop", min_size=4, max_size=8)
calm_findings = st.builds(
    Finding,
    label=calm_words,
    count=st.integers(1, 999),
    confidence=st.floats(0, 1),
    grade=st.sampled_from(["", "minor", "severe"]),
    place=st.sampled_from(("", *PLACES)),
)


def facts_about(findings: st.SearchStrategy[list[Finding]]) -> st.SearchStrategy[Facts]:
    """Facts with these findings and any sentences."""
    return st.builds(
        lambda found, more, **rest: Facts(findings=tuple(found), more=found and more or 0, **rest),
        found=findings,
        more=st.integers(0, 20),
        subject=word,
        outcome=st.sampled_from(Outcome),
        reasons=st.lists(sentences, max_size=2).map(tuple),
        total=st.just("") | st.decimals(0, 99999, places=2).map(lambda d: f"{d:f}"),
        currency=st.sampled_from(["EUR", "JPY", "USD"]),
        next_step=st.just("") | sentences,
        always=st.lists(sentences, max_size=2).map(tuple),
    )


nasty_facts = facts_about(st.lists(nasty_findings, max_size=4))
"""Labels that are mark-up, each other's parts, or the text's own words."""
calm_facts = facts_about(st.lists(calm_findings, max_size=4, unique_by=lambda f: f.label))
"""Labels that are different words; anything at all in the sentences."""
