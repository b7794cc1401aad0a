"""What a reviewed case teaches, and what it doesn't."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from models.case import Case, Feedback
from models.detection import Prediction, Source
from models.jsonable import from_json
from tower_sync_server.dataset.truth import split_of, truth_of
from tower_sync_server.dataset.words import Mark

AT = datetime(2026, 11, 20, tzinfo=UTC)
BOX = (1.0, 2.0, 30.0, 40.0)
SEEN = (
    Prediction("dent", 0.9, BOX, Source.DETECTOR),
    Prediction("severe", 0.8, BOX, Source.CLASSIFIER, refines=0),
    Prediction("rust", 0.2, (5.0, 5.0, 9.0, 9.0), Source.DETECTOR, shown=False),
)


def case(*said: Feedback, seen: tuple[Prediction, ...] = SEEN) -> Case:
    golden = json.loads((Path(__file__).parents[2] / "data" / "words" / "case.json").read_text())
    return replace(from_json(Case, golden), predictions=seen, feedback=said)


def said(verdict: str, *corrections: Prediction) -> Feedback:
    return Feedback(AT, "ada", verdict, corrections=corrections)


def test_what_only_a_model_says_teaches_nothing() -> None:
    assert truth_of(case()) is None


def test_called_correct_it_teaches_what_was_shown_with_its_grade() -> None:
    assert truth_of(case(said("correct"))) == (Mark("dent", BOX, "severe"),)


def test_a_photo_on_which_nothing_is_teaches_that() -> None:
    assert truth_of(case(said("correct"), seen=())) == ()


def test_corrected_it_teaches_the_correction_alone() -> None:
    drawn = Prediction("scratch", 1.0, (3.0, 3.0, 9.0, 9.0), Source.DETECTOR)
    assert truth_of(case(said("wrong", drawn))) == (Mark("scratch", (3.0, 3.0, 9.0, 9.0)),)


def test_wrong_without_what_is_right_and_a_rejected_case_teach_nothing() -> None:
    assert truth_of(case(said("wrong"))) is None
    assert truth_of(case(said("reject"))) is None


def test_the_last_word_counts() -> None:
    assert truth_of(case(said("correct"), said("reject"))) is None
    assert truth_of(case(said("reject"), said("correct"))) is not None


def test_a_photo_stays_in_its_split_and_they_are_about_eight_to_one_to_one() -> None:
    splits = Counter(split_of(f"{number:064x}") for number in range(2_000))
    assert split_of("ab" * 32) == split_of("ab" * 32)
    assert 1_500 < splits["train"] < 1_700
    assert min(splits["val"], splits["test"]) > 140
