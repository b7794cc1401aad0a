"""The checklist of a case with several photos."""

from __future__ import annotations

import pytest

from edge.errors import BadFormError
from edge.steps.shots import name_shots, with_missing_shots
from models.case import Decision, Outcome
from models.profile import Profile, load_all, shipped


def profile(name: str) -> Profile:
    return load_all(shipped())[name]


def test_unnamed_photos_take_the_shots_of_the_checklist_in_their_order() -> None:
    assert name_shots(["", ""], profile("skin")) == ("overview", "close_up")
    assert name_shots(["close_up", ""], profile("skin")) == ("close_up", "overview")


def test_a_third_photo_beyond_the_checklist_has_no_name() -> None:
    assert name_shots(["", "", ""], profile("skin")) == ("overview", "close_up", "")


def test_a_profile_without_a_checklist_keeps_whatever_was_said() -> None:
    assert name_shots(["left", ""], profile("vehicle-damage")) == ("left", "")


@pytest.mark.parametrize("given", [["closeup"], ["overview", "overview"]])
def test_an_unknown_or_doubled_shot_is_refused(given: list[str]) -> None:
    with pytest.raises(BadFormError, match="shot"):
        name_shots(given, profile("skin"))


def test_a_case_without_its_close_up_goes_to_a_person_who_is_told() -> None:
    decision = with_missing_shots(Decision(Outcome.ACCEPTED), ["overview"], profile("skin"))

    assert decision.outcome is Outcome.NEEDS_REVIEW
    assert decision.reasons == ("the shot 'close_up' of the checklist is missing",)


def test_a_whole_case_stays_as_it_was_decided() -> None:
    decision = Decision(Outcome.ACCEPTED)
    assert with_missing_shots(decision, ["overview", "close_up"], profile("skin")) == decision
