"""Every number of an estimate adds up, and comes from the table alone."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.steps.estimate import estimate, unpriced
from models.detection import Prediction, Source
from models.profile import Price, PriceTable, Profile
from tests.edge.steps.examples import SIZE, VEHICLE, graded, seen


def with_table(*rows: Price, rate: str = "0.19", currency: str = "EUR") -> Profile:
    return replace(VEHICLE, prices=PriceTable(currency, rate, rows))


def test_things_of_one_label_and_grade_share_a_line() -> None:
    found = (seen("dent"), seen("dent"), seen("rust"), graded("minor", 0), graded("minor", 1))
    profile = with_table(Price("dent", "90.00", "minor"), Price("rust", "70.10"))
    made = estimate(found, SIZE, profile)
    assert made is not None
    said = [(x.label, x.grade, x.count, x.unit_price, x.amount) for x in made.lines]
    assert said == [("dent", "minor", 2, "90.00", "180.00"), ("rust", "", 1, "70.10", "70.10")]
    assert (made.subtotal, made.tax, made.total) == ("250.10", "47.52", "297.62")


def test_the_first_row_that_fits_label_grade_and_size_counts() -> None:
    profile = with_table(
        Price("dent", "1.00", "minor"), Price("dent", "2.00", max_area=0.01), Price("dent", "3.00")
    )
    large, small = seen("dent"), seen("dent", box=(0, 0, 80, 80))
    made = estimate((large, small, graded("minor", 0)), SIZE, profile)
    assert made is not None
    assert [x.unit_price for x in made.lines] == ["1.00", "2.00"]
    without = estimate((large,), SIZE, profile)
    assert without is not None
    assert without.lines[0].unit_price == "3.00"


def test_one_label_and_grade_at_two_prices_makes_two_lines_that_each_add_up() -> None:
    profile = with_table(Price("dent", "2.00", max_area=0.01), Price("dent", "3.00"))
    made = estimate((seen("dent"), seen("dent", box=(0, 0, 80, 80))), SIZE, profile)
    assert made is not None
    assert [(x.count, x.amount) for x in made.lines] == [(1, "3.00"), (1, "2.00")]


def test_tax_is_rounded_half_up_to_cents() -> None:
    made = estimate((seen("dent"),), SIZE, with_table(Price("dent", "0.50"), rate="0.05"))
    assert made is not None
    assert (made.tax, made.total) == ("0.03", "0.53")


@pytest.mark.parametrize(
    ("currency", "total"), [("EUR", "11.90"), ("JPY", "12"), ("KWD", "11.900")]
)
def test_cents_are_the_currency_s_own(currency: str, total: str) -> None:
    made = estimate((seen("dent"),), SIZE, with_table(Price("dent", "10"), currency=currency))
    assert made is not None
    assert made.total == total


def test_what_is_not_shown_costs_nothing() -> None:
    assert estimate((seen("dent", 0.2, shown=False),), SIZE, VEHICLE) is None


def test_a_grade_that_is_not_shown_changes_no_price() -> None:
    hidden = Prediction("severe", 0.2, (0, 0, 1, 1), Source.CLASSIFIER, refines=0, shown=False)
    assert estimate((seen("dent"), hidden), SIZE, VEHICLE) == estimate(
        (seen("dent"),), SIZE, VEHICLE
    )


def test_the_surest_of_two_grades_counts() -> None:
    made = estimate(
        (seen("dent"), graded("minor", 0, 0.6), graded("severe", 0, 0.7)), SIZE, VEHICLE
    )
    assert made is not None
    assert made.lines[0].grade == "severe"


def test_a_profile_without_a_table_makes_no_estimate() -> None:
    assert estimate((seen("dent"),), SIZE, replace(VEHICLE, prices=None)) is None


def test_what_no_row_fits_is_named_and_has_no_line() -> None:
    profile = with_table(Price("dent", "1.00"))
    assert profile.prices is not None
    assert unpriced((seen("dent"), seen("rust")), SIZE, profile.prices) == ("rust",)
    made = estimate((seen("dent"), seen("rust")), SIZE, profile)
    assert made is not None
    assert len(made.lines) == 1


amounts = st.decimals(0, 99999, places=3, allow_nan=False).map(lambda d: f"{d:f}")
boxes = st.tuples(st.floats(0, 500), st.floats(0, 400), st.floats(500, 1000), st.floats(400, 800))
things = st.lists(
    st.tuples(st.sampled_from("abc"), boxes, st.sampled_from(["", "x", "y"])), max_size=9
)
rows = st.lists(
    st.builds(
        Price,
        label=st.sampled_from("abc"),
        price=amounts,
        grade=st.sampled_from(["", "x", "y"]),
        max_area=st.sampled_from([0.1, 0.5, 1.0]),
    ),
    max_size=8,
)


@given(
    things=things,
    rows=rows,
    rate=st.decimals(0, 1, places=4).map(lambda d: f"{d:f}"),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_the_lines_make_the_subtotal_and_subtotal_and_tax_the_total(
    things: list[tuple[str, tuple[float, float, float, float], str]],
    rows: list[Price],
    rate: str,
    currency: str,
) -> None:
    found = [seen(label, box=box) for label, box, _ in things]
    found += [graded(grade, i) for i, (_, _, grade) in enumerate(things) if grade]
    made = estimate(found, SIZE, with_table(*rows, rate=rate, currency=currency))
    if made is None:
        return
    cents = Decimal(made.total).as_tuple().exponent
    amounts = [Decimal(line.amount) for line in made.lines]
    assert all(Decimal(x.unit_price) * x.count == Decimal(x.amount) for x in made.lines)
    assert Decimal(made.subtotal) == sum(amounts)
    exact = Decimal(made.subtotal) * Decimal(rate)
    assert Decimal(made.tax) == exact.quantize(Decimal(made.total), rounding=ROUND_HALF_UP)
    assert Decimal(made.total) == Decimal(made.subtotal) + Decimal(made.tax)
    assert {Decimal(x).as_tuple().exponent for x in (made.subtotal, made.tax)} == {cents}
    priced = len(found) - sum(1 for _, _, grade in things if grade)
    assert sum(x.count for x in made.lines) <= priced
