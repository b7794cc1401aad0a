"""What a language model may choose between: each part of each sentence, listed from the facts.

Whatever it chooses, the result is English and says what the facts say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.case import Outcome
from models.writing import sentences, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.facts import Facts

Shape = tuple[tuple[str, ...], ...]
"""One sentence or two as a chain of parts; each part is the list of its choices."""
Slot = tuple[Shape, ...]
"""The shapes that one place of the text may take."""
Order = tuple[str, ...]
"""Names of slots, as they follow one another."""

MAX_SENTENCES = 5
SHOWS, OUTCOME, TOTAL, VERDICT = "shows", "outcome", "total", "verdict"
"""What is seen; what was decided; what it comes to; what was decided, where that comes first."""
AS_SEEN, SUM_FIRST, DECISION_LAST, DECISION_FIRST = (
    (SHOWS, OUTCOME, TOTAL),
    (TOTAL, SHOWS, OUTCOME),
    (SHOWS, TOTAL, OUTCOME),
    (VERDICT, SHOWS, TOTAL),
)
"""Every order there is; without a total its name is left out."""

ALIKE = (" and ", " as well as ")
"""What may stand before the last item of a list."""


def slots(facts: Facts) -> dict[str, Slot]:
    """Every place of the text that the model is to choose the words of.

    Returns:
        Name → shapes; which of them make one text is what `orders` says.
    """
    made = {SHOWS: _shows(facts), OUTCOME: ((sentences.decided(facts),),)}
    if facts.outcome is not Outcome.RETAKE:
        made[VERDICT] = ((sentences.decided_first(facts),),)
    if facts.total:
        made[TOTAL] = ((sentences.comes_to(facts),),)
    return made


def orders(facts: Facts) -> tuple[Order, ...]:
    """In which orders the slots may make a text, the template's first."""
    known: tuple[Order, ...] = (AS_SEEN, DECISION_FIRST, SUM_FIRST, DECISION_LAST)
    if facts.outcome is Outcome.RETAKE:
        known = (AS_SEEN,)
    if facts.total:
        return known
    return tuple(dict.fromkeys(tuple(n for n in o if n != TOTAL) for o in known))


def compose(chosen: Mapping[str, str], facts: Facts) -> str:
    """Put the chosen sentences, in their order, and what is said word for word together."""
    reasons = words.reasons_of(facts)
    said = []
    for name, text in chosen.items():
        if name in (OUTCOME, VERDICT) and reasons and facts.outcome is not Outcome.ACCEPTED:
            text = f"{text.rstrip('.')}: {reasons}"  # noqa: PLW2901
        said.append(text)
    said += [facts.next_step, *facts.always]
    return " ".join(words.sentence(part) for part in said if part.strip())


def longest(facts: Facts) -> int:
    """Bytes of the longest answer, as JSON, that the choices allow."""
    made = slots(facts)
    text = sum(max(_longest(shape) for shape in slot) for slot in made.values())
    return text + sum(len(name) + 6 for name in made) + 2


def _longest(shape: Shape) -> int:
    return sum(max(len(choice.encode()) for choice in part) for part in shape)


def _shows(facts: Facts) -> Slot:
    if facts.outcome is Outcome.RETAKE or not facts.findings:
        return ((sentences.without_findings(facts),),)
    found, spare = items(facts), _spare(facts) > 0
    leads, ends = sentences.leads(facts), ends_of(facts)
    shapes = [(leads, *_list(found, ALIKE), ends)]
    if len(found) > 1:
        shapes.append((leads, *_list(found, _apart(spare)), (".",)))
    opening = tuple(words.capital(said) for said in found[0] if not said[0].isdigit())
    shapes.append((opening, *_list(found, ALIKE[:1])[1:], sentences.endings(facts), ends))
    placed = words.placed_first(facts.findings[0], facts)
    if placed and len(found) == 1:
        shapes.append((placed, (".",)))
    elif placed:
        shapes.append((placed, _besides(spare), *_list(found[1:], ALIKE), (".",)))
    return tuple(shape for shape in shapes if all(shape))


def ends_of(facts: Facts) -> tuple[str, ...]:
    """The end of a sentence that lists everything, with or without how sure the model was."""
    sure = words.sureness(facts)
    return (".", f", with {sure}.", f", at {sure}.") if sure else (".",)


def items(facts: Facts) -> list[tuple[str, ...]]:
    """Each finding with every way to say it, first the ways with its place."""
    found = []
    for finding in facts.findings:
        place = words.place_clause(finding)
        said = words.phrases(finding)
        found.append(tuple(phrase + place for phrase in said) + (said if place else ()))
    return found + ([words.more_phrases(facts.more)] if facts.more else [])


def _apart(spare: bool) -> tuple[str, ...]:
    """What may set the last item apart; it may begin a sentence of its own."""
    own = (". The model also marked ", ". The model also found ", ". Also marked: ")
    return (", together with ", ", and also ", *(own if spare else ()))


def _besides(spare: bool) -> tuple[str, ...]:
    """What may stand between an item whose place came first and all others."""
    own = (". The model also marked ", ". Also marked: ")
    return ("; the model also marked ", "; the model also found ", *(own if spare else ()))


def _list(found: list[tuple[str, ...]], last: tuple[str, ...]) -> Shape:
    """The items with what stands between them; what `last` sets apart is no part of the list."""
    joined = found[:1]
    for index, item in enumerate(found[1:], 1):
        before = len(found) - 1 - index
        joiners = last if before == 0 else (", ",)
        if before == 1 and last[0] != ALIKE[0]:
            joiners = ALIKE[:1]
        joined += [joiners, item]
    return tuple(joined)


def _spare(facts: Facts) -> int:
    """How many sentences more than the needed ones the text may have."""
    needed = 2 + bool(facts.total) + bool(facts.next_step) + len(facts.always)
    return MAX_SENTENCES - needed
