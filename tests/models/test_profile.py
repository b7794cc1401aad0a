"""The four profiles that ship, and what a profile's file may not say."""

from __future__ import annotations

import pytest

from models.jsonable import InvalidWordError, from_json, to_json
from models.profile import ClassifierUse, Price, PriceTable, Profile, load_all, parse, shipped

PROFILES = load_all(shipped())
DAMAGES = ("scratch", "dent", "crack", "rust", "paint_chip", "broken_lamp")
SMALL = """
id = "small"
title = "Small"
[quality]
blur_threshold = 100.0
[detector]
model = "d"
[classifier]
model = "c"
"""


def test_four_profiles_ship() -> None:
    assert set(PROFILES) == {"vehicle-damage", "skin", "crop-pest", "product-catalog"}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_a_shipped_profile_survives_json(profile: Profile) -> None:
    assert from_json(Profile, to_json(profile)) == profile


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_a_shipped_profile_says_what_it_waits_for_by_name(profile: Profile) -> None:
    assert profile.model_ids[0] in profile.waits_for


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_a_shipped_profile_says_what_to_do_for_every_outcome(profile: Profile) -> None:
    assert set(profile.summary.next_step) == {"accepted", "needs_review", "retake"}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_a_shipped_profile_asks_each_question_once(profile: Profile) -> None:
    names = [field.name for field in profile.form]
    assert len(names) == len(set(names)) > 0


def test_the_vehicle_form_asks_what_a_garage_asks() -> None:
    names = [field.name for field in PROFILES["vehicle-damage"].form]
    assert names == ["client", "plate", "make", "model", "year", "mileage", "notes"]


@pytest.mark.parametrize("grade", ["", "minor", "moderate", "severe"])
@pytest.mark.parametrize("label", DAMAGES)
def test_every_damage_of_any_severity_and_size_has_a_price(label: str, grade: str) -> None:
    table = PROFILES["vehicle-damage"].prices
    assert table is not None
    rows = [r for r in table.rows if r.label == label and r.grade in ("", grade)]
    assert max(row.max_area for row in rows) == 1.0


def test_the_vehicle_profile_serves_with_its_detector_alone() -> None:
    assert PROFILES["vehicle-damage"].optional_ids == ("vehicle-damage-severity",)


def test_the_skin_profile_says_that_it_is_no_diagnosis() -> None:
    assert any("not a diagnosis" in sentence for sentence in PROFILES["skin"].summary.always)


def test_a_skin_case_has_an_overview_and_a_close_up_and_keeps_no_metadata() -> None:
    skin = PROFILES["skin"]
    assert [shot.name for shot in skin.shots] == ["overview", "close_up"]
    assert not skin.keep_metadata


def test_a_model_is_required_unless_the_profile_says_otherwise() -> None:
    assert ClassifierUse(model="c").required
    assert parse(SMALL).optional_ids == ()


def test_a_classifier_that_stands_alone_is_never_optional() -> None:
    alone = SMALL.replace('[detector]\nmodel = "d"\n', "") + "required = false\n"
    assert parse(alone).optional_ids == ()


@pytest.mark.parametrize("price", ["", "-1", "1e3", "NaN", "12,50", "٣", "1.", "Infinity", "0x10"])
def test_a_price_that_is_no_decimal_is_refused(price: str) -> None:
    with pytest.raises(InvalidWordError, match="price"):
        Price(label="dent", price=price)


@pytest.mark.parametrize(("currency", "rate"), [("eur", "0.1"), ("EURO", "0.1"), ("EUR", "1.01")])
def test_a_table_with_an_odd_currency_or_tax_is_refused(currency: str, rate: str) -> None:
    with pytest.raises(InvalidWordError):
        PriceTable(currency=currency, tax_rate=rate)


@pytest.mark.parametrize(
    "line",
    [
        'always = ["<b>bold</b>"]',
        'always = ["two\\nlines"]',
        'next_step = { accepted = "{{ config }}" }',
        'nouns = { rust = "only one" }',
        'nouns = { rust = "one|two|three" }',
    ],
)
def test_words_that_could_mean_something_to_a_page_are_refused(line: str) -> None:
    with pytest.raises(InvalidWordError):
        parse(f"{SMALL}[summary]\n{line}\n")


def test_a_key_nobody_knows_is_named() -> None:
    with pytest.raises(InvalidWordError, match="blur_treshold"):
        parse(SMALL.replace("blur_threshold", "blur_treshold"))
