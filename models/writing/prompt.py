"""What a language model is told: the facts as JSON, in words without meaning to a template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict

from models.case import Outcome
from models.writing import words
from models.writing.manner import manner_of

if TYPE_CHECKING:
    from models.facts import Facts


class Message(TypedDict):
    """One turn of a chat."""

    role: str
    """system or user."""
    content: str
    """What is said."""


TASK = (
    "You write short notes about photos. Use only the facts you are given. Answer with one JSON "
    "object: shows (what is seen), outcome or verdict (what was decided) and, where there is an "
    "estimate, total. Each is one plain English sentence, as a calm and exact expert would write "
    "it; manner says in which tone, form, order and length."
)


def messages(facts: Facts) -> tuple[Message, ...]:
    """The chat that asks for the text.

    Labels, grades and the subject come as plain words. What is said word for word (reasons, next
    step, closing sentences) is not shown to the model at all; nothing of a form is in the facts.
    """
    found = [{"count": f.count, "what": words.noun(f), "where": f.place} for f in facts.findings]
    told = {
        "photo_of": words.plain_word(facts.subject),
        "decided": facts.outcome.value.replace("_", " "),
        "found": [] if facts.outcome is Outcome.RETAKE else found,
        "further_findings": facts.more,
        "sure": words.sureness(facts),
        "estimate": f"{facts.currency} {facts.total}".strip() if facts.total else "none",
        "reasons": len(facts.reasons),
        "manner": manner_of(facts).words,
    }
    return (
        {"role": "system", "content": TASK},
        {"role": "user", "content": json.dumps(told, ensure_ascii=False)},
    )
