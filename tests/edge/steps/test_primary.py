"""The subject of a product photo: text, size and place, with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.steps.primary import pick_primary, place_score, tokens
from models.profile import PrimaryRule
from tests.edge.steps.examples import PROFILES, SIZE, VEHICLE, graded, seen

PRODUCT = PROFILES["product-catalog"]
CORNER = (0.0, 0.0, 200.0, 200.0)


def test_the_thing_the_title_speaks_of_wins_over_a_larger_one() -> None:
    found = (seen("table", box=(0, 0, 1000, 800)), seen("lamp", box=CORNER))
    picked = pick_primary(found, SIZE, PRODUCT, {"title": "Brass lamps from 1960"})
    assert picked is not None
    assert picked.index == 1
    assert "'lamp' matches 100%" in picked.reason


def test_without_a_title_the_larger_and_more_central_one_wins() -> None:
    found = (seen("lamp", box=CORNER), seen("table"))
    picked = pick_primary(found, SIZE, PRODUCT, {})
    assert picked is not None
    assert picked.index == 1


def test_the_colour_counts_as_part_of_the_label() -> None:
    found = (seen("shirt"), seen("shirt"), graded("blue", 0), graded("red", 1))
    picked = pick_primary(found, SIZE, PRODUCT, {"colour": "Red", "title": "shirt"})
    assert picked is not None
    assert picked.index == 1


def test_equal_scores_take_the_first() -> None:
    picked = pick_primary((seen("a"), seen("a")), SIZE, PRODUCT, {})
    assert picked is not None
    assert picked.index == 0


def test_a_field_the_rule_does_not_name_is_not_read() -> None:
    rule = replace(PRODUCT, primary=PrimaryRule(text=1, size=0, place=0, fields=("title",)))
    found = (seen("table"), seen("lamp"))
    picked = pick_primary(found, SIZE, rule, {"text": "lamp"})
    assert picked is not None
    assert (picked.index, picked.score) == (0, 0.0)


def test_what_is_not_shown_is_never_the_subject() -> None:
    assert pick_primary((seen("lamp", shown=False),), SIZE, PRODUCT, {"title": "lamp"}) is None


def test_a_profile_without_the_rule_picks_none() -> None:
    assert pick_primary((seen("dent"),), SIZE, VEHICLE, {}) is None


def test_words_are_compared_without_case_accents_and_plural() -> None:
    assert tokens("Café-TABLES, a 3x") == {"cafe", "table", "3x"}


@pytest.mark.parametrize(
    ("box", "score"),
    [((400, 300, 600, 500), 1.0), ((0, 0, 0, 0), 0.0), ((1000, 800, 1000, 800), 0.0)],
)
def test_the_centre_scores_one_and_a_corner_nothing(
    box: tuple[float, float, float, float], score: float
) -> None:
    assert place_score(box, SIZE) == pytest.approx(score)
