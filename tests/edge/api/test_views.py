from __future__ import annotations

import pytest

from edge import drawing
from edge.api import views
from models.detection import Prediction, Source


def seen(label, confidence=0.9, box=(10, 20, 110, 220), **more):
    return Prediction(label, confidence, tuple(map(float, box)), Source.DETECTOR, **more)


def test_a_count_is_made_of_what_is_shown():
    found = [seen("dent"), seen("paint_chip"), seen("dent"), seen("rust", 0.2, shown=False)]
    assert views.counted(str, found) == "2 × dent, paint chip"
    assert views.counted(str, []) == "Nothing found"


def test_a_classifier_on_the_frame_counts_where_there_is_no_detector():
    whole = Prediction("leaf_rust", 0.8, (0.0, 0.0, 9.0, 9.0), Source.CLASSIFIER)
    assert views.counted(str, [whole]) == "Leaf rust"


def test_a_grade_stands_with_the_box_it_refines():
    grade = Prediction("severe", 0.8, (0.0, 0.0, 9.0, 9.0), Source.CLASSIFIER, refines=1)
    rows = views.rows(str, [seen("rust", 0.2, shown=False), seen("dent"), grade])
    assert [(r.number, r.label, r.grade) for r in rows] == [(1, "Dent", "severe")]


@pytest.mark.parametrize(("confidence", "shown"), [(0.996, 99), (1.0, 100), (0.0, 0), (0.554, 55)])
def test_only_what_is_certain_is_a_hundred_percent(confidence, shown):
    assert views.percent(confidence) == shown


@pytest.mark.parametrize("box", [(0, 0, 5, 5), (300, 200, 320, 240), (0, 230, 320, 240)])
def test_a_chip_stays_inside_the_picture(box):
    o = views.overlay(str, [seen("dent", box=box)], 320, 240)
    chip = o.shapes[0].chip
    assert chip.x >= 0
    assert chip.x + chip.width <= 320
    assert chip.y >= 0
    assert chip.y + chip.height <= 240


def test_chips_do_not_cover_each_other():
    boxes = [seen("dent", 0.9 - n / 10, (50, 80, 150, 180)) for n in range(3)]
    chips = [shape.chip for shape in views.overlay(str, boxes, 640, 480).shapes]
    pairs = [(a, b) for i, a in enumerate(chips) for b in chips[:i]]
    assert not [pair for pair in pairs if pair[0].touches(pair[1])]


def test_the_surest_lies_on_top():
    shapes = views.overlay(str, [seen("dent", 0.9), seen("rust", 0.5)], 640, 480).shapes
    assert [s.text for s in shapes] == ["rust 50%", "dent 90%"]


def test_labels_have_the_colours_of_annotated_photos():
    style = _css()
    for label in ("dent", "scratch", "crack", "rust", "broken_lamp", "é"):
        red, green, blue = drawing.colour_of(label)
        assert f".c{views.colour(label)} {{ --c: rgb({red} {green} {blue}); }}" in style
    assert len(drawing.PALETTE) == views.COLOURS


def test_reasons_are_read_without_underscores_and_quotes():
    reason = "the confidence of 'paint_chip', 0.43, is below the threshold"
    assert (
        views.readable(str, reason)
        == "The confidence of “paint chip”, 0.43, is below the threshold"
    )


def test_sizes_are_for_people():
    assert [views.size(str, n) for n in (1, 90_000, 4_200_000)] == ["1 kB", "90 kB", "4.2 MB"]


def _css():
    from edge.api.static import FOLDER

    return (FOLDER / "app.css").read_text()
