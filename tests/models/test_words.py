"""The words both sides agree on: they validate themselves and travel as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.case import Case, Decision, ImageRecord, Outcome, Summary
from models.detection import Detection, Prediction, Source, intersection_over_union
from models.facts import Facts, Finding
from models.jsonable import InvalidWordError, from_json, to_json
from models.profile import parse
from models.quality import Measures, Quality
from models.release import File, ModelRelease

GOLDEN = Path(__file__).parents[1] / "data" / "words"


@pytest.mark.parametrize(
    ("name", "word"),
    [("case", Case), ("facts", Facts), ("model_release", ModelRelease), ("quality", Quality)],
)
def test_a_golden_file_is_read_and_written_without_a_difference(name: str, word: type) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_text())

    assert to_json(from_json(word, golden)) == golden


def a_case() -> Case:
    return from_json(Case, json.loads((GOLDEN / "case.json").read_text()))


def test_words_cannot_be_changed_once_made() -> None:
    with pytest.raises(AttributeError):
        a_case().seq = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"id": "../../etc/passwd"}, "id"),
        ({"seq": 0}, "seq"),
        ({"rev": 0}, "seq, rev"),
        ({"images": ()}, "images"),
        ({"device": ""}, "device"),
    ],
)
def test_a_case_that_is_not_whole_is_never_made(change: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidWordError, match=named):
        replace(a_case(), **change)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("seq",), "1", "Case.seq: expected int"),
        (("seq",), True, "Case.seq: expected int"),
        (("created",), "yesterday", "Case.created: expected an ISO 8601 time"),
        (("status",), "lost", "Case.status: expected one of"),
        (("predictions", 0, "confidence"), 1.5, "confidence: expected 0..1"),
        (("predictions", 0, "box"), [1, 2, 3], "box: expected 4 items"),
        (("predictions", 0, "box"), [9, 9, 1, 1], "box: expected x1 ≤ x2"),
        (("images", 0, "sha256"), "abc", "sha256: expected 64 hex digits"),
        (("surprise",), 1, "only the fields"),
    ],
)
def test_json_that_is_wrong_is_refused_by_the_name_of_the_field(
    path: tuple[str | int, ...], value: object, named: str
) -> None:
    data = json.loads((GOLDEN / "case.json").read_text())
    target = data
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value

    with pytest.raises(InvalidWordError, match=named):
        from_json(Case, data)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(InvalidWordError, match=r"Case\.id: missing"):
        from_json(Case, {})


def test_anything_but_accepted_has_to_say_why() -> None:
    assert Decision(Outcome.ACCEPTED).reasons == ()
    with pytest.raises(InvalidWordError, match="reasons"):
        Decision(Outcome.NEEDS_REVIEW)


def test_a_flawed_photo_has_to_say_what_to_do() -> None:
    measures = Measures(1.0, 0.5, 0.2, 0.0, 0.0, 640, 480)
    quality = from_json(Quality, {"measures": to_json(measures)})
    assert quality.usable
    with pytest.raises(InvalidWordError, match="message"):
        from_json(Quality, {"measures": to_json(measures), "flaws": ["blurred"]})


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_a_box_of_impossible_numbers_is_refused(bad: float) -> None:
    with pytest.raises(InvalidWordError, match="box"):
        Detection((0.0, 0.0, bad, 1.0), "dent", 0.5)


def test_a_prediction_can_only_refine_one_of_its_own_case() -> None:
    stray = Prediction("severe", 0.9, (0, 0, 1, 1), Source.CLASSIFIER, refines=9)
    with pytest.raises(InvalidWordError, match="refines"):
        replace(a_case(), predictions=(stray,))


def test_overlap_of_two_boxes_is_their_jaccard_index() -> None:
    assert intersection_over_union((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert intersection_over_union((0, 0, 1, 1), (2, 2, 3, 3)) == 0.0
    assert intersection_over_union((1, 1, 1, 1), (1, 1, 1, 1)) == 0.0


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "", "a\\b"])
def test_a_model_can_only_name_files_inside_its_folder(path: str) -> None:
    with pytest.raises(InvalidWordError, match="path"):
        File(path, "0" * 64, 1)


def test_a_typo_in_a_profile_names_the_keys_there_are() -> None:
    with pytest.raises(InvalidWordError, match=r"quality: expected only the fields .*blur_thresh"):
        parse('id="x"\ntitle="x"\n[quality]\nblur_treshold=1\n')


def test_summaries_images_and_findings_say_something() -> None:
    with pytest.raises(InvalidWordError, match="text"):
        from_json(Summary, {"text": " ", "author": "llm", "verified": True})
    with pytest.raises(InvalidWordError, match="media_type"):
        ImageRecord("0" * 64, 1, 1, 1, "text/html")
    with pytest.raises(InvalidWordError, match="count"):
        Finding("dent", 0, 0.5)
    with pytest.raises(InvalidWordError, match="currency"):
        Facts("vehicle", Outcome.ACCEPTED, total="1.00")
