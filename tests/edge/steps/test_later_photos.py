"""What a case's later photos show, and its first does not."""

from __future__ import annotations

from edge.steps.later_photos import with_later_photos
from models.case import Decision, Outcome
from models.detection import Prediction, Source

ACCEPTED = Decision(Outcome.ACCEPTED)


def seen(label: str, *, shown: bool = True, refines: int | None = None) -> Prediction:
    source = Source.DETECTOR if refines is None else Source.CLASSIFIER
    return Prediction(label, 0.9, (0.0, 0.0, 9.0, 9.0), source, refines, shown)


def test_a_case_whose_third_photo_shows_something_else_goes_to_a_person() -> None:
    later = [[seen("dent")], [seen("rust"), seen("rust"), seen("dent")]]
    decision = with_later_photos(ACCEPTED, [seen("dent")], later)

    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert decision.reasons == ("photo 3 shows 'rust', which photo 1 does not",)


def test_a_close_up_of_the_same_thing_changes_nothing() -> None:
    closer = [seen("dent"), seen("severe", refines=0)]
    assert with_later_photos(ACCEPTED, [seen("dent")], [closer]) == ACCEPTED


def test_what_is_not_shown_to_people_is_no_reason() -> None:
    assert with_later_photos(ACCEPTED, [], [[seen("rust", shown=False)]]) == ACCEPTED


def test_the_reasons_that_there_were_are_kept() -> None:
    before = Decision(Outcome.NEEDS_REVIEW, ("nothing the model knows was found",))
    assert len(with_later_photos(before, [], [[seen("rust")]]).reasons) == 2
