"""Whatever a model chooses, the text is English, faithful, and of two to five sentences."""

from __future__ import annotations

import json
import random
import re

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.facts import Facts, is_plain
from models.writing import options
from models.writing.answer import read_answer
from models.writing.grammar import schema_of
from models.writing.verify import verify
from tests.models.writing.cases import EXAMPLES, REVIEW, calm_facts, chosen, nasty_facts


def compact(answer: dict[str, str]) -> str:
    """As the grammar has it."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("facts", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_any_choice_is_faithful_and_has_two_to_five_sentences(facts: Facts) -> None:
    for seed in range(300):
        text = read_answer(compact(chosen(facts, random.Random(seed))), facts)
        ends = re.findall(r"[.!?](?= [A-Z]|$)", text)
        assert 2 <= len(ends) <= 5, text
        assert text[0].isupper()
        assert "  " not in text
        assert ".." not in text


def test_the_choices_make_more_than_one_text() -> None:
    texts = {options.compose(chosen(REVIEW, random.Random(i)), REVIEW) for i in range(300)}
    assert len(texts) > 100


def test_what_is_said_word_for_word_is_in_every_text() -> None:
    for seed in range(50):
        text = options.compose(chosen(REVIEW, random.Random(seed)), REVIEW)
        assert text.endswith(f"{REVIEW.next_step} {REVIEW.always[0]}")
        assert f": {REVIEW.reasons[0]}." in text


@settings(max_examples=150, deadline=None)
@given(facts=nasty_facts, seed=st.integers(0, 1000))
def test_any_choice_about_any_facts_is_plain_allowed_and_within_its_length(
    facts: Facts, seed: int
) -> None:
    answer = chosen(facts, random.Random(seed))
    jsonschema.validate(answer, schema_of(facts))
    assert len(compact(answer).encode()) <= options.longest(facts)
    assert is_plain(options.compose(answer, facts))


@settings(max_examples=150, deadline=None)
@given(facts=calm_facts, seed=st.integers(0, 1000))
def test_any_choice_about_facts_of_different_things_is_faithful(facts: Facts, seed: int) -> None:
    text = options.compose(chosen(facts, random.Random(seed)), facts)
    assert verify(text, facts) == ()
