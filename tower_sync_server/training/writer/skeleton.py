"""A text without its facts: what is left is how it is put."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.writing import options, words

if TYPE_CHECKING:
    from models.facts import Facts

_VERB = re.compile(r"\b(?:is|are|was|were)\b")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def skeleton(text: str, facts: Facts) -> str:
    """Mask every fact: things with their counts and grades, places, amounts, fixed sentences."""
    for sentence in filter(None, (facts.next_step, *facts.always)):
        text = text.replace(words.sentence(sentence), "[said]")
    if reasons := words.reasons_of(facts):
        text = text.replace(reasons, "[reason]")
    if facts.total:
        text = text.replace(f"{facts.currency} {facts.total}", "[amount]")
    places = [words.place_clause(finding) for finding in facts.findings]
    for ways, place in zip(options.items(facts), (*places, ""), strict=False):
        text = _without_item(text, ways, place)
    for place in filter(None, places):
        text = text.replace(words.capital(place.strip()), "[place]")
    text = text.replace(words.photo_of(facts), "[photo]")
    return _NUMBER.sub("[number]", _VERB.sub("[be]", text))


def _without_item(text: str, ways: tuple[str, ...], place: str) -> str:
    for way in sorted(ways, key=len, reverse=True):
        mark = "[thing] [place]" if place and way.endswith(place) else "[thing]"
        for said in (way, words.capital(way)):
            text = re.sub(rf"(?<!\w){re.escape(said)}(?!\w)", mark, text, count=1)
    return text


def sentences(text: str) -> list[str]:
    """Cut a skeleton into its sentences."""
    return [part for part in re.split(r"(?<=[.!?])\s+", text) if part]
