"""Facts hold nothing that could be more than words to whoever shows them."""

from __future__ import annotations

import pytest

from models.case import Outcome
from models.facts import Facts, Finding
from models.jsonable import InvalidWordError, from_json, to_json


def facts(**changed: object) -> Facts:
    return Facts(**{"subject": "vehicle", "outcome": Outcome.ACCEPTED, **changed})  # type: ignore[arg-type]


def test_facts_survive_json() -> None:
    whole = facts(
        findings=(Finding("dent", 2, 0.9, "severe"), Finding("rust", 1, 0.5, place="top")),
        reasons=("a person always looks at 'rust'",),
        total="12.50",
        currency="EUR",
        next_step="Go.",
        always=("Always.",),
        more=3,
    )
    assert from_json(Facts, to_json(whole)) == whole


@pytest.mark.parametrize("field", ["reasons", "always"])
@pytest.mark.parametrize(
    "text", ["<script>", "a\nb", "a\x00b", "\u202ereversed", "{{x}}", "a|b", "", "x" * 401]
)
def test_a_sentence_with_mark_up_or_control_characters_is_refused(field: str, text: str) -> None:
    with pytest.raises(InvalidWordError, match=field):
        facts(**{field: (text,)})


@pytest.mark.parametrize("total", ["-1", "1,000.00", "1e9", "free", "١٢"])
def test_a_total_that_is_no_decimal_is_refused(total: str) -> None:
    with pytest.raises(InvalidWordError, match="total"):
        facts(total=total, currency="EUR")


def test_a_total_without_a_currency_is_refused() -> None:
    with pytest.raises(InvalidWordError, match="currency"):
        facts(total="1.00")


def test_a_place_that_is_no_ninth_of_the_picture_is_refused() -> None:
    with pytest.raises(InvalidWordError, match="place"):
        Finding("dent", 1, 0.9, place="engine bay")


def test_more_findings_than_a_text_can_name_are_refused() -> None:
    with pytest.raises(InvalidWordError, match="findings"):
        facts(findings=tuple(Finding(f"l{i}", 1, 0.5) for i in range(25)))
