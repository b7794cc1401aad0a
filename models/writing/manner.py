"""How a text is to be put: a tone, a form, an order, a length, drawn from the facts themselves.

The engine always takes the likeliest word, so the same question gets the same answer. What varies
the texts is therefore part of the question; the same facts still give the same text.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.writing import options

if TYPE_CHECKING:
    from models.facts import Facts

TONES = (
    *("plain", "formal", "calm", "exact", "friendly"),
    *("dry", "courteous", "brisk", "modest", "clear"),
)
FORMS = ("note", "report", "list", "letter", "record", "notice", "entry", "memo")
LENGTHS = ("usual", "brief", "full")
ORDERS = {
    (options.SHOWS, options.OUTCOME): "as seen",
    (options.VERDICT, options.SHOWS): "decision first",
    options.AS_SEEN: "as seen",
    options.SUM_FIRST: "sum first",
    options.DECISION_LAST: "decision last",
    options.DECISION_FIRST: "decision first",
}
"""Order → what it is called."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How one text is to be put."""

    tone: str
    """One of `TONES`."""
    form: str
    """One of `FORMS`."""
    length: str
    """One of `LENGTHS`."""
    order: tuple[str, ...]
    """One of the orders that these facts allow."""

    @property
    def words(self) -> str:
        """For a prompt: `calm report, decision first, brief`."""
        return f"{self.tone} {self.form}, {ORDERS[self.order]}, {self.length}"


def manner_of(facts: Facts) -> Manner:
    """Draw the manner of these facts; always the same for the same facts."""
    digest = hashlib.sha256(repr(facts).encode(errors="replace")).digest()
    orders = options.orders(facts)
    return Manner(
        TONES[digest[0] % len(TONES)],
        FORMS[digest[1] % len(FORMS)],
        LENGTHS[digest[2] % len(LENGTHS)],
        orders[digest[3] % len(orders)],
    )
