"""What a model gives is used only where it is the object that was asked for, and faithful."""

from __future__ import annotations

import json
import random

import pytest

from edge.writing.answer import UnfaithfulError, read_answer
from models.case import Outcome
from models.facts import Facts, Finding
from models.writing import options
from models.writing.prompt import messages
from tests.edge.steps.injections import INJECTIONS
from tests.models.writing.cases import REVIEW, chosen

GOOD = chosen(REVIEW, random.Random(1))


def test_control_a_good_answer_becomes_a_text() -> None:
    assert read_answer(json.dumps(GOOD), REVIEW) == options.compose(GOOD, REVIEW)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "null",
        "[]",
        "[" * 300,
        '"text"',
        json.dumps(GOOD)[:-1],
        json.dumps(GOOD) + "x",
        json.dumps({**GOOD, "more": "x"}),
        json.dumps({"shows": GOOD["shows"]}),
        json.dumps({**GOOD, "total": 1285.20}),
        json.dumps({**GOOD, "total": ""}),
        json.dumps({**GOOD, "shows": "x" * 9999}),
        json.dumps({**GOOD, "shows": "The photo shows a severe dent."}),
        json.dumps({**GOOD, "outcome": "The case is accepted."}),
        json.dumps({**GOOD, "shows": GOOD["shows"] + "\u0000"}),
        "\ud800",
    ],
)
def test_anything_else_is_refused_with_a_reason(raw: str) -> None:
    with pytest.raises(UnfaithfulError) as e:
        read_answer(raw, REVIEW)
    assert 0 < len(str(e.value)) < 600


def test_no_string_reaches_the_model_as_more_than_plain_words() -> None:
    markers = ("<|", "|>", "[INST]", "</s>", "<s>", "{{", "{%", "```", "\x00", "\u202e", "###")
    for text in INJECTIONS:
        if not 0 < len(text) <= 80:
            continue
        finding = Finding(text, 1, 0.9, text, "", text, text)
        told = "".join(m["content"] for m in messages(Facts(text, Outcome.ACCEPTED, (finding,))))
        assert not [marker for marker in markers if marker in told], text


def test_the_model_sees_no_reason_and_no_closing_sentence() -> None:
    told = "".join(m["content"] for m in messages(REVIEW))
    for said in (*REVIEW.reasons, REVIEW.next_step, *REVIEW.always):
        assert said not in told
