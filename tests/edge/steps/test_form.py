"""A form takes what the profile asks, cleaned and bounded, and says what is wrong with the rest."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import BadFormError
from edge.steps.form import MAX_BYTES, clean, validate_form
from models.profile import FieldKind, FormField, Profile
from tests.edge.steps.examples import PROFILES, VEHICLE

FIELDS = (
    FormField("name", "Name", required=True, max_length=20),
    FormField("count", "Count", FieldKind.INTEGER, minimum=0, maximum=10),
    FormField("weight", "Weight", FieldKind.NUMBER, minimum=0.5),
    FormField("season", "Season", FieldKind.CHOICE, choices=("spring", "autumn")),
    FormField("urgent", "Urgent", FieldKind.FLAG),
)
PROFILE = replace(VEHICLE, form=FIELDS)


def test_values_come_back_typed_and_in_the_profile_s_order() -> None:
    given_ = {"urgent": "on", "weight": "2,5", "count": "7", "season": "autumn", "name": " Ada "}
    assert list(validate_form(given_, PROFILE).items()) == [
        ("name", "Ada"),
        ("count", 7),
        ("weight", 2.5),
        ("season", "autumn"),
        ("urgent", True),
    ]


def test_json_numbers_and_flags_are_taken_as_they_are() -> None:
    typed = validate_form({"name": "x", "count": 3, "weight": 1, "urgent": False}, PROFILE)
    assert typed == {"name": "x", "count": 3, "weight": 1.0, "urgent": False}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_an_empty_form_is_fine_where_nobody_can_fill_it_in(profile: Profile) -> None:
    assert validate_form({}, profile, complete=False) == {}


def test_empty_values_are_left_out() -> None:
    assert validate_form({"name": "x", "season": "", "count": None}, PROFILE) == {"name": "x"}


def test_a_missing_required_field_is_named_as_people_read_it() -> None:
    with pytest.raises(BadFormError, match="missing: Name"):
        validate_form({"name": "\u202e \t"}, PROFILE)


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(BadFormError, match="'milage'") as e:
        validate_form({"milage": 1}, VEHICLE)
    assert e.value.hint == "Did you mean 'mileage'?"


def test_an_unknown_key_like_no_other_gets_the_list() -> None:
    with pytest.raises(BadFormError) as e:
        validate_form({"<script>": 1}, VEHICLE)
    assert e.value.hint.startswith("Known fields: client, plate")


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": "seven"},
        {"count": 11},
        {"count": -1},
        {"count": 1.5},
        {"count": True},
        {"count": "٣"},
        {"count": 10**400},
        {"weight": float("nan")},
        {"weight": float("inf")},
        {"weight": "1e3"},
        {"weight": 0.4},
        {"season": "winter"},
        {"season": ["spring"]},
        {"urgent": "perhaps"},
        {"urgent": 1},
        {"name": "x" * 21},
        {"name": ["x"]},
        {"name": {"x": 1}},
        {"name": True},
    ],
    ids=str,
)
def test_a_value_of_the_wrong_kind_or_size_is_refused_with_a_hint(wrong: dict[str, object]) -> None:
    with pytest.raises(BadFormError) as e:
        validate_form({"name": "x", **wrong}, PROFILE)
    assert e.value.hint
    assert len(e.value.message) < 120


def test_more_fields_than_the_limit_are_refused_before_they_are_looked_at() -> None:
    with pytest.raises(BadFormError, match="33 fields"):
        validate_form({f"f{i}": "" for i in range(33)}, PROFILE)


def test_more_text_than_the_limit_is_refused() -> None:
    with pytest.raises(BadFormError, match="bytes"):
        validate_form({"notes": "é" * (MAX_BYTES // 2 + 1)}, VEHICLE)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a\x00b\x1b[31m", "ab[31m"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree four"),
        ("\u202eabc\u2066", "abc"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("e\u0301", "é"),
        ("\ud800x", "x"),
    ],
)
def test_control_and_direction_characters_are_taken_out(typed: str, kept: str) -> None:
    assert clean(typed) == kept


@given(st.dictionaries(st.text(max_size=8), st.text() | st.integers() | st.floats(), max_size=40))
def test_whatever_comes_either_fits_or_is_a_bad_form(given_: dict[str, object]) -> None:
    with suppress(BadFormError):  # any other exception fails this test
        assert set(validate_form(given_, VEHICLE)) <= {field.name for field in VEHICLE.form}
