"""What a language model gave → a verified text: the JSON schema first, then the facts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema  # type: ignore[import-untyped,unused-ignore]

from models.writing import answer
from models.writing.answer import UnfaithfulError
from models.writing.grammar import schema_of

__all__ = ["UnfaithfulError", "read_answer"]

if TYPE_CHECKING:
    from models.facts import Facts


def read_answer(raw: str, facts: Facts) -> str:
    """Make the text of a model's answer; see `models.writing.answer.read_answer`.

    Raises:
        UnfaithfulError: it does not fit the schema, or `models.writing.answer` refuses it.
    """
    text = answer.read_answer(raw, facts)
    try:
        jsonschema.validate(json.loads(raw), schema_of(facts))
    except jsonschema.ValidationError as e:
        raise UnfaithfulError(f"the answer is another object: {e.message[:200]}") from e
    return text
