"""Shown predictions × the profile's price table → an estimate. Every number is a decimal.

Nothing of a form and no language model comes near this.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from models.case import Estimate, PriceLine
from models.detection import Source, area

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models.detection import Prediction
    from models.profile import PriceTable, Profile

EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""ISO 4217: digits behind the point, where they aren't 2."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was found, as the price table sees it."""

    label: str
    """The detector's label."""
    grade: str
    """The classifier's word for how bad, or ""."""
    share: float
    """Of the frame that its box fills, 0..1."""


def items(predictions: Sequence[Prediction], size: tuple[int, int]) -> tuple[Item, ...]:
    """Pair every shown thing with its grade.

    Args:
        predictions: of one photo; a classifier's refer to the detector's by their index.
        size: width and height of the upright original, pixels.
    """
    frame = float(size[0] * size[1])
    return tuple(
        Item(p.label, grade_of(i, predictions), min(1.0, area(p.box) / frame))
        for i, p in enumerate(predictions)
        if p.shown and p.refines is None
    )


def grade_of(index: int, predictions: Sequence[Prediction]) -> str:
    """The surest shown classifier's label for the prediction `index`, or ""."""
    grades = [p for p in predictions if p.refines == index and p.shown]
    grades = [p for p in grades if p.source is Source.CLASSIFIER]
    return max(grades, key=lambda p: p.confidence).label if grades else ""


def unpriced(
    predictions: Sequence[Prediction], size: tuple[int, int], table: PriceTable
) -> tuple[str, ...]:
    """Labels of the shown things that no row of the table fits."""
    found = items(predictions, size)
    return tuple(item.label for item in found if _price(item, table) is None)


def estimate(
    predictions: Sequence[Prediction], size: tuple[int, int], profile: Profile
) -> Estimate | None:
    """Compute what the shown things come to.

    Things of one label, grade and price share a line. What no row fits has no line, and `decide`
    sends such a case to a person.

    Args:
        predictions: of one photo.
        size: width and height of the upright original, pixels.
        profile: whose price table applies.

    Returns:
        Subtotal = Σ lines, tax = subtotal × rate rounded half up to the currency's cents,
        total = subtotal + tax; None where there is no table or nothing to price.
    """
    table = profile.prices
    if table is None:
        return None
    unit = Decimal(1).scaleb(-EXPONENTS.get(table.currency, 2))
    priced = ((item, _price(item, table)) for item in items(predictions, size))
    lines = _lines(((i, _round(p, unit)) for i, p in priced if p is not None), unit)
    if not lines:
        return None
    subtotal = sum((Decimal(line.amount) for line in lines), Decimal(0))
    tax = _round(subtotal * Decimal(table.tax_rate), unit)
    return Estimate(
        currency=table.currency,
        lines=lines,
        subtotal=_text(subtotal, unit),
        tax=_text(tax, unit),
        total=_text(subtotal + tax, unit),
    )


def _price(item: Item, table: PriceTable) -> Decimal | None:
    for row in table.rows:
        fits = row.label == item.label and row.grade in ("", item.grade)
        if fits and item.share <= row.max_area:
            return Decimal(row.price)
    return None


def _lines(priced: Iterable[tuple[Item, Decimal]], unit: Decimal) -> tuple[PriceLine, ...]:
    counts: dict[tuple[str, str, Decimal], int] = {}
    for item, price in priced:
        key = (item.label, item.grade, price)
        counts[key] = counts.get(key, 0) + 1
    return tuple(
        PriceLine(label, grade, count, _text(price, unit), _text(price * count, unit))
        for (label, grade, price), count in counts.items()
    )


def _round(value: Decimal, unit: Decimal) -> Decimal:
    return value.quantize(unit, rounding=ROUND_HALF_UP)


def _text(value: Decimal, unit: Decimal) -> str:
    return f"{value.quantize(unit):f}"
