"""The check of a text finds every number, label, grade, place and denial that is no fact."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings

from edge.steps.summarise import template_text
from models.case import Outcome
from models.facts import Facts, Finding
from models.writing import options
from models.writing.verify import verify
from tests.edge.steps.injections import INJECTIONS
from tests.models.writing.cases import EXAMPLES, NOTHING, RETAKE, REVIEW, calm_facts, chosen

TRUE = options.compose(
    {
        "shows": "The photo of the vehicle shows a severe dent in the centre, two minor scratches "
        "and a patch of rust.",
        "outcome": "A person has to look at it.",
        "total": "The estimate so far comes to EUR 1285.20, tax included.",
    },
    REVIEW,
)
LIES = {
    "another count": ("two minor scratches", "three minor scratches"),
    "another count in digits": ("two minor scratches", "12 minor scratches"),
    "a larger count of two words": ("two minor scratches", "twenty-two minor scratches"),
    "a count put before": ("two minor scratches", "thirty two minor scratches"),
    "one too few": ("a severe dent", "severe dent"),
    "another grade": ("a severe dent", "a minor dent"),
    "grades exchanged": ("a severe dent in the centre, two minor", "a minor dent, two severe"),
    "a grade made worse": ("a severe dent", "a very severe dent"),
    "no grade": ("a severe dent in", "a dent in"),
    "the severe one left out": ("a severe dent in the centre, ", ""),
    "another label": ("a patch of rust", "a crack"),
    "one more label": ("a patch of rust", "a patch of rust, a crack"),
    "one label twice": ("a patch of rust", "a patch of rust, a patch of rust"),
    "another place": ("in the centre", "in the upper left"),
    "a place for another one": ("two minor scratches", "two minor scratches at the top"),
    "another total": ("EUR 1285.20", "EUR 1285.21"),
    "a total cut short": ("EUR 1285.20", "EUR 1285"),
    "a total with more digits": ("EUR 1285.20", "EUR 1285.205"),
    "another currency": ("EUR 1285.20", "USD 1285.20"),
    "a sign of a currency": ("EUR 1285.20", "€ 1285.20"),
    "no total": ("The estimate so far comes to EUR 1285.20, tax included. ", ""),
    "a second total": ("tax included.", "tax included. This comes to EUR 5."),
    "a percentage": ("A person", "It is 99 % sure. A person"),
    "a denial": ("and a patch of rust", "and not a patch of rust"),
    "a denial without a word": ("A person has to look at it", "A person has no need to look at it"),
    "another outcome": ("A person has to look at it", "The model was sure enough of it"),
    "accepted beside it": ("A person has", "Accepted. A person has"),
    "the reason left out": (": the confidence of 'scratch', 0.48, is below the threshold 0.50", ""),
    "another reason": ("is below the threshold 0.50", "is above the threshold 0.50"),
    "a reason with another number": ("0.48", "0.84"),
    "the next step left out": ("Have an assessor look at the photo. ", ""),
    "the closing sentence left out": (" The estimate is made from photos alone.", ""),
    "the closing sentence in the middle": ("A person", "The estimate is made from photos alone. A"),
    "a cause": ("a patch of rust.", "a patch of rust from an accident."),
    "advice": ("A person has", "Do not drive. A person has"),
    "a part of the vehicle": ("a severe dent in", "a severe dent of the engine in"),
    "another subject": ("photo of the vehicle", "photo of the boat"),
    "a link": ("tax included", "tax included https://example.org"),
    "mark-up": ("a severe dent", "<b>a severe dent</b>"),
    "a control character": ("a severe dent", "a severe\x00 dent"),
    "a turned direction": ("a severe dent", "\u202ea severe dent"),
    "a look-alike letter": ("a severe dent", "a s\u0435vere dent"),
    "full-width digits": ("EUR 1285.20", "EUR １２８５.20"),
    "roman numbers": ("two minor scratches", "Ⅱ minor scratches"),
    "a number as an ordinal": ("two minor scratches", "two minor scratches 2nd"),
    "another language": ("A person", "Nicht schlimm. A person"),
}


def test_control_the_true_text_passes() -> None:
    assert verify(TRUE, REVIEW) == ()


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lie_is_found(lie: tuple[str, str]) -> None:
    told = TRUE.replace(*lie)
    assert told != TRUE
    assert verify(told, REVIEW)


@pytest.mark.parametrize("facts", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_the_template_s_text_passes(facts: Facts) -> None:
    assert verify(template_text(facts), facts) == ()


@settings(max_examples=150, deadline=None)
@given(calm_facts)
def test_the_template_s_text_about_any_facts_passes(facts: Facts) -> None:
    assert verify(template_text(facts), facts) == ()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_text_about_one_case_never_passes_for_another(name: str) -> None:
    for seed in range(20):
        text = options.compose(chosen(EXAMPLES[name], random.Random(seed)), EXAMPLES[name])
        passing = [other for other, facts in EXAMPLES.items() if not verify(text, facts)]
        assert passing == [name]


def test_one_fact_changed_is_found_whatever_was_chosen() -> None:
    changed = (
        replace(REVIEW, total="1285.21"),
        replace(REVIEW, currency="USD"),
        replace(REVIEW, outcome=Outcome.ACCEPTED),
        replace(REVIEW, reasons=("it is dark",)),
        replace(REVIEW, always=("Something else.",)),
        replace(REVIEW, next_step="Wait."),
        replace(REVIEW, findings=REVIEW.findings[1:]),
        replace(REVIEW, findings=(*REVIEW.findings, Finding("crack", 1, 0.9))),
        replace(REVIEW, findings=(replace(REVIEW.findings[0], count=2), *REVIEW.findings[1:])),
        replace(REVIEW, findings=(replace(REVIEW.findings[0], grade=""), *REVIEW.findings[1:])),
        replace(REVIEW, more=1),
        replace(REVIEW, subject="plant"),
    )
    for seed in range(50):
        text = options.compose(chosen(REVIEW, random.Random(seed)), REVIEW)
        assert [facts for facts in changed if not verify(text, facts)] == []


def test_nothing_found_can_only_be_said_where_nothing_was() -> None:
    said = "Nothing is marked in the photo of the skin."
    assert verify(template_text(NOTHING), NOTHING) == ()
    found = replace(NOTHING, findings=(Finding("nevus", 1, 0.9),))
    assert verify(template_text(NOTHING), found)
    assert said in template_text(NOTHING)


def test_what_was_seen_on_an_unusable_photo_is_not_said() -> None:
    facts = replace(RETAKE, findings=REVIEW.findings)
    assert verify(template_text(facts), facts) == ()
    assert verify(template_text(facts).replace("again.", "again: a severe dent."), facts)


def test_no_injected_string_can_be_added_to_a_text() -> None:
    harmless = {"\t", "\u00a0"}
    for text in INJECTIONS:
        told = TRUE.replace("A person", f"{text} A person")
        if text.strip(" .,;:'-?!") and text not in harmless:
            assert verify(told, REVIEW), text
