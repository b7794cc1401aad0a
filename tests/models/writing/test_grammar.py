"""The grammar says exactly what the choices say, whatever characters are in them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.writing import options
from models.writing.grammar import grammar_of, literal, schema_of
from tests.edge.steps.injections import INJECTIONS
from tests.models.writing.cases import EXAMPLES, REVIEW

if TYPE_CHECKING:
    from models.facts import Facts

ESCAPE = re.compile(r"\\x([0-9A-F]{2})|\\u([0-9A-F]{4})|\\U([0-9A-F]{8})")


def read(text: str) -> str:
    """A GBNF literal as llama.cpp reads it."""
    return ESCAPE.sub(lambda m: chr(int(m[1] or m[2] or m[3], 16)), text[1:-1])


@pytest.mark.parametrize("text", INJECTIONS)
def test_a_literal_is_read_back_as_it_was(text: str) -> None:
    assert read(literal(text)) == text


@given(st.text())
def test_a_literal_holds_no_quote_bracket_or_line_end(text: str) -> None:
    inside = literal(text)[1:-1]
    assert not re.search(r'["\[\]{}()|\n\r*+?]', inside.replace("(", "").replace(")", ""))
    assert read(literal(text)) == text


@pytest.mark.parametrize("facts", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_every_rule_is_one_line_and_every_name_is_defined(facts: Facts) -> None:
    lines = grammar_of(facts).strip().splitlines()
    defined = [line.split(" ::= ")[0] for line in lines]
    assert defined == ["root", *(f"{name}-words" for name in options.slots(facts))]


def test_numbers_and_labels_of_the_case_are_all_there_is() -> None:
    words = " ".join(re.findall(r'"([^"]*)"', grammar_of(REVIEW)))
    plain = ESCAPE.sub(" ", words)
    assert set(re.findall(r"\d+(?:\.\d+)?", plain)) == {"2", "91", "1285.20"}


def test_the_schema_takes_the_slots_and_nothing_else() -> None:
    made = schema_of(REVIEW)
    assert [set(each["required"]) for each in made["anyOf"]] == [
        {"shows", "outcome", "total"},
        {"verdict", "shows", "total"},
        {"total", "shows", "outcome"},
        {"shows", "total", "outcome"},
    ]
    assert not any(each["additionalProperties"] for each in made["anyOf"])
    assert json.loads(json.dumps(made)) == made
