"""Checks a text against the facts, knowing nothing of the grammar that is said to have made it.

Everything that carries a fact is taken out of the text first: sentences that stand word for word,
the amount, and each finding as a whole (count, grade, noun, place). What is left has to be made of
a short list of words without meaning of their own. So a number, a label, a grade, a place or a
denial that isn't in the facts can't be said in any way, and nothing that is can be left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from models.case import Outcome
from models.facts import is_plain
from models.writing import words

if TYPE_CHECKING:
    from models.facts import Facts, Finding

MAX_LENGTH = 4000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALWAYS_FINE = _words(
    "a all also and are as at be been can found have here in is it marked model of photo please "
    "seen shows that the there this to together visible was well were what with"
)
"""Words that say nothing about any case."""
BY_OUTCOME = {
    Outcome.ACCEPTED: _words(
        "accepted asked confidence enough everything for reached since so sure"
    ),
    Outcome.NEEDS_REVIEW: _words("by for go has let look needed needs person see show"),
    Outcome.RETAKE: _words("again another as has needed new reason take taken trouble why wrong"),
}
"""Words that say what was decided."""
NOT_USABLE = re.compile(r"\b(?:can't be used|not usable|not good enough(?: to be used)?)\b")
"""Said as a whole, of a photo that has to be taken again."""
WITHOUT_FINDINGS = _words("finding mark nothing without")
ACCEPTED_WITHOUT = _words("such")
WITH_TOTAL = _words("comes estimate included tax total")
SO_FAR = _words("far so")
WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")


def verify(text: str, facts: Facts) -> tuple[str, ...]:
    """Say everything that is wrong with a text about these facts.

    Returns:
        What was found, for the log; empty where the text is faithful.
    """
    if not is_plain(text) or len(text) > MAX_LENGTH:
        return ("not plain text",)
    problems: list[str] = []
    rest = _verbatim(text, facts, problems)
    rest = _amount(rest, facts, problems)
    rest = _findings(rest, facts, problems)
    rest = _sureness(rest, facts)
    rest = rest.replace(words.photo_of(facts), " photo ")
    if facts.outcome is Outcome.RETAKE:
        rest = NOT_USABLE.sub(" ; ", rest)
    if re.search(r"[^\W_]*\d", rest):
        problems.append("a number that is no fact")
    if re.search(r"[^\w\s.,:;'-]", rest):
        problems.append("a sign that is no fact")
    if re.search(r"\b(\w+)\s+\1\b", rest):
        problems.append("a word twice in a row")
    allowed = _lexicon(facts)
    strange = {word for word in WORD.findall(rest.casefold()) if word not in allowed}
    problems += [f"'{word}' is no fact" for word in sorted(strange)]
    return tuple(problems)


def _verbatim(text: str, facts: Facts, problems: list[str]) -> str:
    """Take out what has to end the text, then the reasons."""
    closing = [words.sentence(s) for s in (facts.next_step, *facts.always) if s]
    for sentence in reversed(closing):
        text = text.rstrip()
        if text.endswith(sentence):
            text = text[: -len(sentence)]
        else:
            problems.append(f"does not end with '{sentence}'")
    reasons = words.reasons_of(facts)
    if reasons and facts.outcome is not Outcome.ACCEPTED:
        told = _without(text, reasons, before=": ")
        if told is None:
            problems.append(f"the reason '{reasons}' is left out")
        return text if told is None else told
    return text


def _amount(text: str, facts: Facts, problems: list[str]) -> str:
    if not facts.total:
        return text
    return _take(text, f"{facts.currency} {facts.total}", "the total is left out", problems)


def _findings(text: str, facts: Facts, problems: list[str]) -> str:
    """Take every finding out once, the longest way to say it first."""
    if facts.outcome is Outcome.RETAKE:
        return text
    sayings = [(_sayings(finding, facts), words.noun(finding)) for finding in facts.findings]
    if facts.more:
        sayings.append((words.more_phrases(facts.more), "further findings"))
    pending = sorted(sayings, key=lambda said: -max(map(len, said[0])))
    for ways, name in pending:
        for way in sorted(ways, key=len, reverse=True):
            taken = _without(text, way)
            if taken is not None:
                text = taken
                break
        else:
            problems.append(f"'{name}' is left out")
    return text


def _sayings(finding: Finding, facts: Facts) -> tuple[str, ...]:
    """Every way to say it; one with a capital letter where it may begin a sentence."""
    place = words.place_clause(finding)
    said = words.phrases(finding)
    plain = said + tuple(phrase + place for phrase in said if place)
    opening = tuple(map(words.capital, plain))
    return tuple(dict.fromkeys(plain + opening + words.placed_first(finding, facts)))


def _sureness(text: str, facts: Facts) -> str:
    """Take out how sure the model was; it need not be said."""
    sure = words.sureness(facts)
    taken = _without(text, sure) if sure else None
    return text if taken is None else taken


def _take(text: str, phrase: str, problem: str, problems: list[str]) -> str:
    taken = _without(text, phrase)
    if taken is None:
        problems.append(problem)
        return text
    return taken


def _without(text: str, phrase: str, before: str = r"(?<![\w.,-])") -> str | None:
    """The text without the first whole occurrence of the phrase; None where there is none."""
    found = re.search(rf"{before}{re.escape(phrase)}(?![\w-]|[.,]\d)", text)
    return None if found is None else f"{text[: found.start()]} ; {text[found.end() :]}"


def _lexicon(facts: Facts) -> frozenset[str]:
    said = ALWAYS_FINE | BY_OUTCOME[facts.outcome]
    if not facts.findings:
        said |= WITHOUT_FINDINGS
        said |= ACCEPTED_WITHOUT if facts.outcome is Outcome.ACCEPTED else frozenset()
    if facts.total:
        said |= WITH_TOTAL
        said |= SO_FAR if facts.outcome is not Outcome.ACCEPTED else frozenset()
    return said
