"""The same facts always ask for the same manner, and other facts for another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given

from models.writing import options
from models.writing.manner import FORMS, LENGTHS, ORDERS, TONES, manner_of
from models.writing.prompt import messages
from tests.models.writing.cases import EXAMPLES, REVIEW, nasty_facts

if TYPE_CHECKING:
    from models.facts import Facts


@given(nasty_facts)
def test_the_manner_is_always_one_the_facts_allow(facts: Facts) -> None:
    manner = manner_of(facts)
    assert manner == manner_of(facts)
    assert manner.order in options.orders(facts)
    assert manner.tone in TONES
    assert manner.form in FORMS
    assert manner.length in LENGTHS


def test_every_order_has_a_name() -> None:
    assert {order for facts in EXAMPLES.values() for order in options.orders(facts)} <= set(ORDERS)


def test_the_model_is_told_the_manner() -> None:
    assert f'"manner": "{manner_of(REVIEW).words}"' in messages(REVIEW)[-1]["content"]


def test_other_facts_ask_for_another_manner_about_evenly() -> None:
    tones = Counter(manner_of(replace(REVIEW, total=f"{i}.00")).tone for i in range(1000))
    assert set(tones) == set(TONES)
    assert max(tones.values()) < 2 * min(tones.values())
