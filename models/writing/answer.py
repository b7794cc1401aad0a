"""What a language model gave → a verified text, or the reason why it is not used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from models.writing import options
from models.writing.verify import verify

if TYPE_CHECKING:
    from models.facts import Facts


class UnfaithfulError(Exception):
    """The answer is not what was asked for, or says what is no fact; the message says which."""


def read_answer(raw: str, facts: Facts) -> str:
    """Make the text of a model's answer, trusting neither the grammar nor whoever passed it on.

    Args:
        raw: the JSON object that the grammar asks for.
        facts: what it was made from.

    Returns:
        Two to five sentences.

    Raises:
        UnfaithfulError: it was cut off, is no such object, or does not agree with the facts.
    """
    if len(raw.encode(errors="replace")) > options.longest(facts):
        raise UnfaithfulError("the answer is longer than any that is allowed")
    try:
        chosen = json.loads(raw)
    except (ValueError, RecursionError) as e:
        raise UnfaithfulError(f"the answer is no JSON: {e}") from e
    if not isinstance(chosen, dict) or tuple(chosen) not in options.orders(facts):
        raise UnfaithfulError("the answer is another object")
    if not all(isinstance(said, str) and said.strip() for said in chosen.values()):
        raise UnfaithfulError("the answer holds something that is no sentence")
    text = options.compose(chosen, facts)
    problems = verify(text, facts)
    if problems:
        raise UnfaithfulError("; ".join(problems)[:400])
    return text
