"""Two to five plain sentences, made of facts alone."""

from __future__ import annotations

import re
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING

import pytest

from edge.steps.decide import decide
from edge.steps.estimate import estimate
from edge.steps.primary import REASON
from edge.steps.summarise import facts_of, place_of, template_text
from models.case import Decision, Outcome
from models.facts import PLACES, Facts, Finding
from models.profile import Profile, SummaryRules
from tests.edge.steps.examples import GOOD, PROFILES, SIZE, VEHICLE, graded, seen

if TYPE_CHECKING:
    from models.detection import Box, Prediction

FINE = Decision(Outcome.ACCEPTED)


def facts(found: tuple[Prediction, ...], profile: Profile = VEHICLE) -> Facts:
    decision = decide(GOOD, found, False, (), profile)
    return facts_of(found, decision, profile, SIZE, estimate(found, SIZE, profile))


def test_an_accepted_case_reads_as_a_person_would_write_it() -> None:
    found = (
        *(seen("scratch", box=(0, 0, 50, 50)), seen("dent"), graded("severe", 1)),
        *(seen("scratch", box=(900, 700, 950, 750)), seen("rust", 0.8, (900, 700, 990, 790))),
    )
    assert template_text(facts(found)) == (
        "The photo of the vehicle shows a severe dent in the centre, two scratches and a patch of "
        "rust in the lower right. The model was sure enough of everything it marked. The estimate "
        "comes to EUR 1285.20, tax included. The estimate can go to the client. The estimate is "
        "made from photos alone and does not replace an inspection."
    )


def test_a_case_for_review_says_why() -> None:
    text = template_text(facts((seen("paint_chip", 0.41),)))
    assert "shows a paint chip in the centre." in text
    assert "A person has to look at it: the confidence of 'paint_chip', 0.41, is below" in text
    assert "The estimate so far comes to EUR 47.60" in text


def test_nothing_found_is_said_as_such() -> None:
    text = template_text(facts(()))
    assert text.startswith("Nothing is marked in the photo of the vehicle. A person has to look")
    assert "EUR" not in text


def test_a_photo_to_be_retaken_says_why() -> None:
    text = template_text(Facts("vehicle", Outcome.RETAKE, reasons=("the photo is blurred",)))
    assert text == (
        "The photo of the vehicle has to be taken again. The reason: the photo is blurred."
    )


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
@pytest.mark.parametrize(
    "found", [(), (seen("dent"),), (seen("dent", 0.4),), (seen("dent"), seen("x"), seen("x"))]
)
def test_every_text_has_two_to_five_sentences(
    profile: Profile, found: tuple[Prediction, ...]
) -> None:
    text = template_text(facts(found, profile))
    ends = re.findall(r"[.!?](?= [A-Z]|$)", text)
    assert 2 <= len(ends) <= 5, text


@pytest.mark.parametrize("outcome", Outcome)
def test_skin_is_never_written_up_without_saying_that_it_is_no_diagnosis(outcome: Outcome) -> None:
    skin = PROFILES["skin"]
    decision = Decision(outcome, () if outcome is Outcome.ACCEPTED else ("x",))
    text = template_text(facts_of((seen("nevus"),), decision, skin, SIZE))
    assert text.endswith("This is not a diagnosis; only a clinician can make one.")


def test_the_worst_grade_comes_first_and_not_the_surest() -> None:
    found = (seen("rust", 0.99), seen("dent", 0.6), graded("minor", 0), graded("severe", 1))
    assert [f.label for f in facts(found).findings] == ["dent", "rust"]


def test_without_grades_the_surest_comes_first() -> None:
    assert [f.label for f in facts((seen("a", 0.6), seen("b"))).findings] == ["b", "a"]


def test_many_kinds_are_summed_up_but_never_one_of_the_worst() -> None:
    found = tuple(seen(f"kind{i}", 0.5 + i / 100) for i in range(10))
    bad = tuple(graded("severe", i) for i in range(8))
    made = facts((*found, *bad))
    assert {f.grade for f in made.findings} == {"severe"}
    assert (len(made.findings), made.more) == (8, 2)
    assert template_text(made).count("and two further findings.") == 1


def test_what_is_not_shown_is_not_spoken_of() -> None:
    assert facts((seen("dent"), seen("rust", 0.2, shown=False))).findings[0].label == "dent"
    assert "rust" not in template_text(facts((seen("dent"), seen("rust", 0.2, shown=False))))


def test_why_a_subject_was_picked_is_no_reason_to_look() -> None:
    decision = Decision(Outcome.NEEDS_REVIEW, ("it is dark", f"{REASON}'lamp' is central"))
    assert facts_of((), decision, VEHICLE, SIZE).reasons == ("it is dark",)


@pytest.mark.parametrize("index", range(9))
def test_each_ninth_of_the_picture_has_its_name(index: int) -> None:
    x, y = SIZE[0] * (index % 3 + 0.5) / 3, SIZE[1] * (index // 3 + 0.5) / 3
    assert place_of((x - 5, y - 5, x + 5, y + 5), SIZE) == PLACES[index]


@pytest.mark.parametrize("box", [(0, 0, *SIZE), (0, 0, 1000, 400)])
def test_what_fills_half_the_picture_is_nowhere_in_particular(box: Box) -> None:
    assert place_of(box, SIZE) == ""


def test_the_far_corner_is_still_inside() -> None:
    assert place_of((*SIZE, *SIZE), SIZE) == "lower right"


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (Finding("scratch", 2, 0.9), "two scratches"),
        (Finding("scratch", 13, 0.9), "13 scratches"),
        (Finding("body", 3, 0.9), "three bodies"),
        (Finding("essay", 3, 0.9), "three essays"),
        (Finding("paint_chip", 1, 0.9, "old"), "an old paint chip"),
        (
            Finding("rust", 2, 0.9, "", "", "patch of rust", "patches of rust"),
            "two patches of rust",
        ),
        (Finding("rust", 1, 0.9, "minor", "", "patch of rust"), "a minor patch of rust"),
        (Finding("<b>x</b>", 1, 0.9), "a b x b"),
        (Finding("\u202e<|im_start|>", 1, 0.9), "an im start"),
        (Finding("!!!", 1, 0.9), "a thing"),
    ],
)
def test_a_finding_is_put_into_words(finding: Finding, words: str) -> None:
    text = template_text(Facts("vehicle", Outcome.ACCEPTED, (finding,)))
    assert text.startswith(f"The photo of the vehicle shows {words}.")


def test_a_photo_of_nothing_in_particular_is_just_a_photo() -> None:
    plain = replace(VEHICLE, summary=SummaryRules())
    assert template_text(facts((seen("dent"),), plain)).startswith("The photo shows a dent")


def test_the_form_is_no_argument_of_what_makes_the_facts() -> None:
    assert "form" not in signature(facts_of).parameters
