"""The quality gate: which photos have to be taken again, and what the person is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.steps.check_quality import MESSAGES, Subject, check_quality
from models.jsonable import InvalidWordError
from models.profile import QualityRules, load_all, shipped
from models.quality import Flaw, Measures

GOOD = Measures(
    blur_score=300.0,
    brightness=0.5,
    contrast=0.2,
    clipped_dark=0.01,
    clipped_bright=0.01,
    width=4000,
    height=3000,
)
RULES = QualityRules(blur_threshold=100.0, min_subject=0.05)

FLAWED = {
    Flaw.TOO_SMALL: {"width": 4000, "height": 239},
    Flaw.TOO_DARK: {"brightness": 0.11},
    Flaw.TOO_BRIGHT: {"brightness": 0.93},
    Flaw.LOW_CONTRAST: {"contrast": 0.029},
    Flaw.BLURRED: {"blur_score": 99.9},
}


def test_a_good_photo_is_usable_and_needs_no_words() -> None:
    quality = check_quality(GOOD, RULES)
    assert quality.usable
    assert quality.message == ""
    assert quality.measures == GOOD


@pytest.mark.parametrize("flaw", FLAWED)
def test_each_flaw_is_found_alone_and_says_what_to_do(flaw: Flaw) -> None:
    quality = check_quality(replace(GOOD, **FLAWED[flaw]), RULES)
    assert quality.flaws == (flaw,)
    assert quality.message == MESSAGES[flaw]


@pytest.mark.parametrize(
    "edge",
    [
        {"height": 240},
        {"brightness": 0.12},
        {"brightness": 0.92},
        {"contrast": 0.03},
        {"blur_score": 100.0},
        {"clipped_dark": 0.6},
        {"clipped_bright": 0.6},
    ],
)
def test_a_photo_on_the_threshold_is_usable(edge: dict[str, float]) -> None:
    assert check_quality(replace(GOOD, **edge), RULES).usable


@pytest.mark.parametrize(
    ("clipped", "flaw"), [("clipped_dark", Flaw.TOO_DARK), ("clipped_bright", Flaw.TOO_BRIGHT)]
)
def test_clipping_is_blamed_on_the_exposure(clipped: str, flaw: Flaw) -> None:
    assert check_quality(replace(GOOD, **{clipped: 0.61}), RULES).flaws == (flaw,)


def test_the_worst_flaw_comes_first_and_gives_the_message() -> None:
    dark = replace(GOOD, brightness=0.05, blur_score=3.0, contrast=0.01)
    quality = check_quality(dark, RULES)
    assert quality.flaws == (Flaw.TOO_DARK, Flaw.BLURRED)
    assert "light" in quality.message


def test_a_dark_photo_is_not_blamed_for_its_contrast_too() -> None:
    dark = replace(GOOD, brightness=0.05, contrast=0.01)
    assert check_quality(dark, RULES).flaws == (Flaw.TOO_DARK,)


def test_a_subject_out_of_focus_in_a_sharp_frame_is_blurred() -> None:
    quality = check_quality(GOOD, RULES, Subject(share=0.2, blur_score=50.0))
    assert quality.flaws == (Flaw.BLURRED,)
    assert quality.subject_blur_score == 50.0


def test_a_clearly_sharp_subject_makes_up_for_a_frame_that_is_a_little_soft() -> None:
    soft, enough = replace(GOOD, blur_score=RULES.blur_threshold - 1), 1.5 * RULES.blur_threshold
    assert check_quality(soft, RULES).flaws == (Flaw.BLURRED,)
    assert check_quality(soft, RULES, Subject(0.2, enough)).usable
    assert not check_quality(soft, RULES, Subject(0.2, enough - 1)).usable


def test_it_does_not_make_up_for_one_that_is_blurred_all_over() -> None:
    blurred = replace(GOOD, blur_score=RULES.blur_threshold / 2 - 1)
    assert not check_quality(blurred, RULES, Subject(0.2, 9_000.0)).usable
    assert not check_quality(blurred, RULES, looked=False).usable


def test_a_soft_frame_is_not_called_blurred_before_its_subject_was_looked_at() -> None:
    soft = replace(GOOD, blur_score=RULES.blur_threshold - 1)
    assert check_quality(soft, RULES, looked=False).usable


def test_where_there_is_nothing_to_tell_by_it_is_not_called_blurred() -> None:
    bare = replace(GOOD, blur_score=0.0, tellable=False)
    assert check_quality(bare, RULES).usable


def test_the_subject_s_own_threshold_counts_on_the_subject() -> None:
    rules = replace(RULES, subject_blur_threshold=40.0)
    assert check_quality(GOOD, rules, Subject(share=0.2, blur_score=50.0)).usable
    assert not check_quality(GOOD, rules, Subject(share=0.2, blur_score=39.0)).usable


def test_a_subject_too_smooth_to_tell_is_not_called_blurred() -> None:
    quality = check_quality(GOOD, RULES, Subject(share=0.2, blur_score=None))
    assert quality.usable
    assert quality.subject_blur_score is None


def test_a_small_subject_sends_the_person_closer() -> None:
    quality = check_quality(GOOD, RULES, Subject(share=0.049, blur_score=300.0))
    assert quality.flaws == (Flaw.SUBJECT_TOO_SMALL,)
    assert "20 cm closer" in quality.message


def test_without_a_subject_its_size_is_nobody_s_fault() -> None:
    assert check_quality(GOOD, RULES).usable


def test_a_profile_s_words_take_the_place_of_the_default_s() -> None:
    rules = replace(RULES, messages={"blurred": "Use the stand."})
    assert check_quality(replace(GOOD, blur_score=1.0), rules).message == "Use the stand."
    dark = check_quality(replace(GOOD, brightness=0.0), rules)
    assert dark.message == MESSAGES[Flaw.TOO_DARK]


def test_a_threshold_of_zero_switches_the_blur_gate_off() -> None:
    off = replace(RULES, blur_threshold=0.0)
    assert check_quality(replace(GOOD, blur_score=0.0), off).usable
    assert check_quality(GOOD, off, Subject(share=0.5, blur_score=0.0)).usable


def test_every_flaw_has_words() -> None:
    assert set(MESSAGES) == set(Flaw)
    assert all(message.endswith(".") for message in MESSAGES.values())


@pytest.mark.parametrize("name", sorted(load_all(shipped())))
def test_a_good_photo_passes_every_profile_that_ships(name: str) -> None:
    rules = load_all(shipped())[name].quality
    assert check_quality(GOOD, rules).usable
    assert set(rules.messages) <= {str(flaw) for flaw in Flaw}


def test_a_share_beyond_the_frame_is_refused() -> None:
    with pytest.raises(InvalidWordError, match="share"):
        Subject(share=1.01, blur_score=None)
