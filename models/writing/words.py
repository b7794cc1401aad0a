"""How facts are put into English: nouns, counts, places; and nothing a page could stumble over."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from models.facts import MAX_SENTENCE, PLACES, is_plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.facts import Facts, Finding

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
PREPOSITIONS = {
    **dict.fromkeys(PLACES, "in the"),
    **dict.fromkeys(("top", "bottom"), "at the"),
    **dict.fromkeys(("left", "right"), "on the"),
}
"""Place → the words before it."""


def plain_word(text: str) -> str:
    """A label or a grade as words: letters, digits, single spaces, hyphens; never empty.

    Whatever else it holds (mark-up, quotes, control and direction characters, a chat template's
    markers) becomes a space, so that it means nothing to a page, a grammar or a language model.
    """
    folded = unicodedata.normalize("NFKC", text)
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c == "-" else " " for c in folded)
    words = " ".join(kept.split())[:60].strip(" -")
    return words or "thing"


def plain_sentence(text: str) -> str:
    """Text as one sayable line: what is not plain becomes a space."""
    line = " ".join("".join(c if is_plain(c) else " " for c in text).split())
    return line[:MAX_SENTENCE].strip()


def number(count: int) -> str:
    """A count in words up to twelve, in digits above."""
    return NUMBERS[count] if count < len(NUMBERS) else str(count)


def pluralise(noun: str) -> str:
    """The regular English plural of a noun's last word."""
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in ("", *"aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}s"


def noun(finding: Finding) -> str:
    """What the finding is called, with its grade before it, in the number it comes in."""
    one = plain_word(finding.singular or finding.label)
    many = plain_word(finding.plural) if finding.plural else pluralise(one)
    name = one if finding.count == 1 else many
    return f"{plain_word(finding.grade)} {name}" if finding.grade else name


def phrases(finding: Finding) -> tuple[str, ...]:
    """Every way to say how many of what, the template's first: `two minor scratches`."""
    name = noun(finding)
    if finding.count == 1:
        return (f"{article(name)} {name}", f"one {name}")
    return tuple(dict.fromkeys((f"{number(finding.count)} {name}", f"{finding.count} {name}")))


def more_phrases(count: int) -> tuple[str, ...]:
    """Every way to say how many further things there are."""
    name = "further finding" if count == 1 else "further findings"
    return tuple(dict.fromkeys((f"{number(count)} {name}", f"{count} {name}")))


def article(name: str) -> str:
    """`a` or `an`, by the first letter."""
    return "an" if name[:1].casefold() in tuple("aeiou") else "a"


def place_clause(finding: Finding) -> str:
    """Where it is, with a space before: ` in the upper left`; "" where that isn't known."""
    return f" {PREPOSITIONS[finding.place]} {finding.place}" if finding.place else ""


def is_or_are(finding: Finding) -> str:
    """The verb that goes with how many there are."""
    return "is" if finding.count == 1 else "are"


def placed_first(finding: Finding, facts: Facts) -> tuple[str, ...]:
    """Ways to begin a sentence with where it is; empty where that isn't known."""
    if not finding.place:
        return ()
    where = capital(f"{place_clause(finding).strip()} of the {photo_of(facts)}")
    between = (f" there {is_or_are(finding)} ", ", the model found ", ", the model marked ")
    return tuple(f"{where}{said}{phrases(finding)[0]}" for said in between)


def sureness(facts: Facts) -> str:
    """How sure the model was at most, `a confidence of up to 91 %`; "" where that isn't known."""
    if not facts.findings or facts.more:
        return ""
    only = len(facts.findings) == 1 and facts.findings[0].count == 1
    most = max(finding.confidence for finding in facts.findings)
    percent = 100 if most == 1 else min(99, round(100 * most))
    return f"a confidence of {'' if only else 'up to '}{percent} %"


def capital(text: str) -> str:
    """The text with a capital letter first."""
    return text[:1].upper() + text[1:]


def join(parts: Sequence[str]) -> str:
    """A list in English: `a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def photo_of(facts: Facts) -> str:
    """What the photo is of: `photo of the vehicle`."""
    subject = plain_word(facts.subject)
    return "photo" if subject == "photo" else f"photo of the {subject}"


def reasons_of(facts: Facts) -> str:
    """All reasons as one clause."""
    lines = (" ".join(reason.split()).rstrip(". ") for reason in facts.reasons)
    return "; ".join(line for line in lines if line)


def sentence(text: str) -> str:
    """Text with a full stop, where it has no end of its own."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
