"""What a language model may choose between: each part of each sentence, listed from the facts.

Whatever it chooses, the result is English and says what the facts say. The first choice of every
part is close to the template's words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.writing import words
from models.case import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.facts import Facts

Slot = tuple[tuple[str, ...], ...]
"""One sentence or two as a chain of parts; each part is the list of its choices."""

MAX_SENTENCES = 5


def slots(facts: Facts) -> dict[str, Slot]:
    """Every sentence that the model is to choose the words of.

    Returns:
        `shows` and `outcome`, and `total` where there is one; in the order of the text.
    """
    chosen = {"shows": _shows(facts), "outcome": _outcome(facts)}
    return chosen | ({"total": _total(facts)} if facts.total else {})


def compose(chosen: Mapping[str, str], facts: Facts) -> str:
    """Put the chosen sentences and what is said word for word together."""
    reasons = words.reasons_of(facts)
    outcome = chosen["outcome"]
    if reasons and facts.outcome is not Outcome.ACCEPTED:
        outcome = f"{outcome.rstrip('.')}: {reasons}"
    said = (chosen["shows"], outcome, chosen.get("total", ""), facts.next_step, *facts.always)
    return " ".join(words.sentence(part) for part in said if part.strip())


def longest(facts: Facts) -> int:
    """Bytes of the longest answer, as JSON, that the choices allow."""
    parts = (part for slot in slots(facts).values() for part in slot)
    text = sum(max(len(choice.encode()) for choice in part) for part in parts)
    return text + sum(len(name) + 6 for name in slots(facts)) + 2


def _shows(facts: Facts) -> Slot:
    photo = words.photo_of(facts)
    if facts.outcome is Outcome.RETAKE:
        return ((f"The {photo} has to be taken again.", f"Please take the {photo} again."),)
    if not facts.findings:
        return (
            (f"Nothing is marked in the {photo}.", f"The model marked nothing in the {photo}."),
        )
    leads = (
        f"The {photo} shows ",
        f"In the {photo}, the model found ",
        f"The model found this in the {photo}: ",
        f"This can be seen in the {photo}: ",
    )
    return (leads, *_list(_items(facts), _spare(facts)), (".",))


def _items(facts: Facts) -> list[tuple[str, ...]]:
    items = []
    for finding in facts.findings:
        place = words.place_clause(finding)
        said = words.phrases(finding)
        items.append(tuple(phrase + place for phrase in said) + (said if place else ()))
    return items + ([words.more_phrases(facts.more)] if facts.more else [])


def _list(items: list[tuple[str, ...]], spare: int) -> Slot:
    """The items with what may stand between them; the last may begin a sentence of its own."""
    last = (
        " and ",
        " as well as ",
        ", together with ",
        *((". The model also marked ",) * (spare > 0)),
    )
    parts: list[tuple[str, ...]] = []
    for index, item in enumerate(items):
        if index:
            parts.append(last if index == len(items) - 1 else (", ",))
        parts.append(item)
    return tuple(parts)


def _spare(facts: Facts) -> int:
    """How many sentences more than the needed ones the text may have."""
    needed = 2 + bool(facts.total) + bool(facts.next_step) + len(facts.always)
    return MAX_SENTENCES - needed


def _outcome(facts: Facts) -> Slot:
    said: tuple[str, ...]
    if facts.outcome is Outcome.RETAKE:
        said = ("The reason.", "This is why.") if facts.reasons else ("It is not usable as it is.",)
    elif facts.outcome is Outcome.NEEDS_REVIEW:
        said = (
            "A person has to look at it.",
            "It needs a look by a person.",
            "Please have a person look at it.",
        )
    elif facts.findings:
        said = (
            "The model was sure enough of everything it marked.",
            "Everything that is marked reached the confidence that is asked for.",
            "The model was sure enough of all of it.",
        )
    else:
        said = ("A photo without a finding is accepted here.", "Such a photo is accepted here.")
    return (said,)


def _total(facts: Facts) -> Slot:
    amount = f"{facts.currency} {facts.total}"
    if facts.outcome is Outcome.ACCEPTED:
        return (
            (
                f"The estimate comes to {amount}, tax included.",
                f"With tax, the estimate comes to {amount}.",
                f"In all this comes to {amount}, tax included.",
            ),
        )
    return (
        (
            f"The estimate so far comes to {amount}, tax included.",
            f"So far, with tax, the estimate comes to {amount}.",
        ),
    )
