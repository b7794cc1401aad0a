"""The sentences that a text may be made of, as menus; whatever is chosen, it is true of the facts.

The first choice of every menu is close to the template's words. None says `it` or `this` of what
another sentence said: the sentences stand in several orders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.case import Outcome
from models.writing import words

if TYPE_CHECKING:
    from models.facts import Facts

LEADS = (
    "The {photo} shows ",
    "In the {photo}, the model found ",
    "The model found this in the {photo}: ",
    "This can be seen in the {photo}: ",
    "In the {photo}, the model marked ",
    "Visible in the {photo}: ",
    "The model marked this in the {photo}: ",
    "The {photo} shows this: ",
    "Seen in the {photo}: ",
    "This is what the {photo} shows: ",
)
ENDINGS = (
    " can be seen in the {photo}",
    " {was} found in the {photo}",
    " {is} visible in the {photo}",
    " {was} marked in the {photo}",
    " {is} what the {photo} shows",
)
NOTHING = (
    "Nothing is marked in the {photo}.",
    "The model marked nothing in the {photo}.",
    "In the {photo}, nothing is marked.",
    "The {photo} is without a finding.",
    "The model found nothing to mark in the {photo}.",
    "In the {photo}, the model marked nothing.",
    "Nothing was found in the {photo}.",
    "There is nothing marked in the {photo}.",
)
RETAKE = (
    "The {photo} has to be taken again.",
    "The {photo} can't be used as it is.",
    "A new {photo} is needed.",
    "The {photo} is not usable as it is.",
    "Another {photo} is needed.",
    "This {photo} can't be used.",
    "The {photo} is not good enough to be used.",
    "The {photo} is not usable.",
    "The {photo} as it is can't be used.",
    "The {photo} is not good enough as it is.",
)
WHY = (
    "The reason.",
    "This is why.",
    "What is wrong.",
    "The reason is this.",
    "The trouble.",
    "The trouble is this.",
    "This is the reason.",
    "This is what is wrong.",
)
NO_REASON = ("It is not usable as it is.", "As it is, it can't be used.")
REVIEW = (
    "A person has to look at the {photo}.",
    "The {photo} needs a look by a person.",
    "Please have a person look at the {photo}.",
    "The {photo} has to be seen by a person.",
    "A look at the {photo} by a person is needed.",
    "Please let a person look at the {photo}.",
    "A person has to see the {photo}.",
    "The {photo} is for a person to look at.",
    "Please show the {photo} to a person.",
    "The {photo} has to go to a person.",
)
SURE = (
    "The model was sure enough of everything it marked.",
    "Everything that is marked reached the confidence that is asked for.",
    "The model was sure enough of all that it marked.",
    "The {photo} is accepted: the model was sure enough.",
    "The {photo} was accepted, since the model was sure enough.",
    "All that is marked reached the confidence that is asked for.",
    "The model was sure enough, so the {photo} is accepted.",
    "The {photo} is accepted as it is.",
    "As the model was sure enough, the {photo} is accepted.",
    "The {photo} is accepted.",
)
CLEAR = (
    "A photo without a finding is accepted here.",
    "Such a photo is accepted here.",
    "The {photo} is accepted.",
    "The {photo} is accepted as it is.",
    "Without a finding, the {photo} is accepted here.",
    "As a photo without a finding, it is accepted here.",
)
TOTAL = (
    "The estimate comes to {amount}, tax included.",
    "With tax, the estimate comes to {amount}.",
    "In all, the estimate comes to {amount}, tax included.",
    "The estimate is {amount} with tax.",
    "Tax included, the estimate comes to {amount}.",
    "The total is {amount}, tax included.",
    "The estimate, tax included, is {amount}.",
    "With tax, the total comes to {amount}.",
)
SO_FAR = (
    "The estimate so far comes to {amount}, tax included.",
    "So far, with tax, the estimate comes to {amount}.",
    "So far, the estimate is {amount} with tax.",
    "Tax included, the estimate so far comes to {amount}.",
    "The estimate so far, tax included, is {amount}.",
    "So far, the total is {amount}, tax included.",
    "The total so far comes to {amount} with tax.",
    "So far, tax included, the total comes to {amount}.",
)


def leads(facts: Facts) -> tuple[str, ...]:
    """What may stand before the list of findings."""
    return _about(LEADS, facts)


def endings(facts: Facts) -> tuple[str, ...]:
    """What may stand behind the list of findings, in its number."""
    many = len(facts.findings) > 1 or facts.more > 0 or facts.findings[0].count > 1
    verbs = {"is": "are" if many else "is", "was": "were" if many else "was"}
    return tuple(text.format(photo=words.photo_of(facts), **verbs) for text in ENDINGS)


def without_findings(facts: Facts) -> tuple[str, ...]:
    """What may be said where there is no list: nothing was seen, or the photo can't be used."""
    return _about(RETAKE if facts.outcome is Outcome.RETAKE else NOTHING, facts)


def decided(facts: Facts) -> tuple[str, ...]:
    """What may be said of the outcome after what was seen."""
    return tuple(text.format(photo="photo") for text in _decided(facts))


def decided_first(facts: Facts) -> tuple[str, ...]:
    """The same where it opens the text: each of these says which photo it speaks of."""
    return tuple(
        text.format(photo=words.photo_of(facts)) for text in _decided(facts) if "{photo}" in text
    )


def comes_to(facts: Facts) -> tuple[str, ...]:
    """What may be said of the total."""
    menu = TOTAL if facts.outcome is Outcome.ACCEPTED else SO_FAR
    return tuple(text.format(amount=f"{facts.currency} {facts.total}") for text in menu)


def _decided(facts: Facts) -> tuple[str, ...]:
    if facts.outcome is Outcome.RETAKE:
        return WHY if facts.reasons else NO_REASON
    if facts.outcome is Outcome.NEEDS_REVIEW:
        return REVIEW
    return SURE if facts.findings else CLEAR


def _about(menu: tuple[str, ...], facts: Facts) -> tuple[str, ...]:
    return tuple(text.format(photo=words.photo_of(facts)) for text in menu)
