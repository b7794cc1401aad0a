"""Accepted, needs review or retake; and every reason names what it is about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.steps.decide import decide
from models.case import Outcome
from models.detection import Doubt
from models.profile import DecisionRules, Price, PriceTable, Profile
from tests.edge.steps.examples import BLURRED, GOOD, PROFILES, VEHICLE, graded, seen


def with_rules(**rules: object) -> Profile:
    return replace(VEHICLE, decision=DecisionRules(**rules))  # type: ignore[arg-type]


def test_a_usable_photo_with_sure_findings_is_accepted_without_a_reason() -> None:
    decision = decide(GOOD, (seen("dent"), graded("severe", 0)), False, (), VEHICLE)
    assert decision.outcome is Outcome.ACCEPTED
    assert decision.reasons == ()


def test_a_flawed_photo_is_to_be_retaken_whatever_was_seen() -> None:
    decision = decide(BLURRED, (seen("dent"),), True, ("x",), VEHICLE)
    assert decision.outcome is Outcome.RETAKE
    assert decision.reasons == ("the photo is blurred, too dark",)


def test_nothing_found_is_looked_at_by_a_person() -> None:
    decision = decide(GOOD, (), False, (), VEHICLE)
    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert decision.reasons == ("nothing the model knows was found",)


def test_nothing_found_is_accepted_where_the_profile_says_so() -> None:
    assert decide(GOOD, (), False, (), with_rules(accept_empty=True)).outcome is Outcome.ACCEPTED


def test_something_kept_and_nothing_shown_needs_review_even_where_empty_is_fine() -> None:
    hidden = (seen("dent", 0.2, shown=False), seen("rust", 0.3, shown=False))
    decision = decide(GOOD, hidden, False, (), with_rules(accept_empty=True))
    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert "'rust' with 0.30" in decision.reasons[0]


def test_a_low_confidence_names_label_value_and_threshold() -> None:
    decision = decide(GOOD, (seen("dent"), seen("scratch", 0.41)), False, (), VEHICLE)
    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert decision.reasons == ("the confidence of 'scratch', 0.41, is below the threshold 0.50",)


def test_a_classifier_that_is_not_sure_needs_review_too() -> None:
    decision = decide(GOOD, (seen("dent"), graded("severe", 0, 0.34)), False, (), VEHICLE)
    assert "'severe', 0.34" in decision.reasons[0]


def test_a_value_just_below_the_threshold_is_not_rounded_up_to_it() -> None:
    decision = decide(GOOD, (seen("dent", 0.4999),), False, (), VEHICLE)
    assert "0.4999, is below the threshold 0.50" in decision.reasons[0]


def test_a_value_at_the_threshold_is_enough() -> None:
    assert decide(GOOD, (seen("dent", 0.5),), False, (), VEHICLE).outcome is Outcome.ACCEPTED


def test_a_hidden_detection_does_not_count_as_unsure() -> None:
    both = (seen("dent"), seen("rust", 0.12, shown=False))
    assert decide(GOOD, both, False, (), VEHICLE).outcome is Outcome.ACCEPTED


def test_a_severity_that_is_left_open_needs_review_and_says_between_what() -> None:
    both = (seen("dent"), graded("minor", 0, 0.7))
    doubts = (Doubt(0, ("minor", "moderate")),)
    decision = decide(GOOD, both, False, (), VEHICLE, doubts)
    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert decision.reasons == ("the severity of 'dent' may be 'minor' or 'moderate'",)


def test_the_same_doubt_about_several_is_said_once() -> None:
    found = (seen("dent"), seen("dent"), seen("rust"))
    doubts = (Doubt(0), Doubt(1), Doubt(2, ("severe", "moderate")))
    assert decide(GOOD, found, False, (), VEHICLE, doubts).reasons == (
        "the severity of 'dent' can't be told (2 times)",
        "the severity of 'rust' may be 'severe' or 'moderate'",
    )


def test_a_doubt_about_the_frame_names_no_detection() -> None:
    decision = decide(GOOD, (seen("dent"),), False, (), VEHICLE, (Doubt(None),))
    assert decision.reasons == ("the severity can't be told",)


def test_out_of_domain_needs_review_however_sure_the_model_is() -> None:
    decision = decide(GOOD, (seen("dent", 0.99),), True, (), VEHICLE)
    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert "never trained" in decision.reasons[0]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_a_missing_model_needs_review_and_is_named(profile: Profile) -> None:
    model = profile.model_ids[0]
    decision = decide(GOOD, (), False, (model,), profile)
    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert f"'{model}' does not serve here" in decision.reasons[0]
    assert "waits for" in decision.reasons[1]
    assert not any("found" in reason for reason in decision.reasons)


def test_a_missing_model_that_is_optional_is_no_reason() -> None:
    decision = decide(GOOD, (seen("dent"),), False, ("vehicle-damage-severity",), VEHICLE)
    assert decision.outcome is Outcome.ACCEPTED


def test_a_label_for_people_is_always_looked_at() -> None:
    rules = with_rules(review_labels=("crack",))
    decision = decide(GOOD, (seen("crack", 1.0), seen("crack", 0.9)), False, (), rules)
    assert decision.reasons == ("a person always looks at 'crack'",)


def test_what_the_price_table_does_not_know_is_looked_at() -> None:
    table = PriceTable("EUR", "0.19", (Price("dent", "10.00", max_area=0.01),))
    decision = decide(GOOD, (seen("dent"),), False, (), replace(VEHICLE, prices=table))
    assert decision.reasons == ("the price table has no row that fits 'dent'",)


def test_all_reasons_are_given_and_not_only_the_first() -> None:
    rules = with_rules(review_labels=("rust",))
    assert len(decide(GOOD, (seen("rust", 0.4),), True, (), rules).reasons) == 3


@given(
    confidences=st.lists(st.floats(0, 1), max_size=5),
    threshold=st.floats(0, 1),
    strange=st.booleans(),
)
def test_accepted_means_that_every_shown_one_reached_the_threshold(
    confidences: list[float], threshold: float, strange: bool
) -> None:
    found = tuple(seen("dent", c) for c in confidences)
    decision = decide(GOOD, found, strange, (), with_rules(conf_threshold=threshold))
    sure = bool(found) and not strange and min(confidences) >= threshold
    assert (decision.outcome is Outcome.ACCEPTED) == sure
