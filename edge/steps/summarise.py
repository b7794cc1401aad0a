"""A case → the facts a text may speak of → the template's text: two to five plain sentences.

Facts are made of what models saw and what code decided. The form is no argument here: nothing that
somebody typed can reach a text, or the language model that may rewrite it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.steps.estimate import items
from edge.steps.primary import REASON
from models.case import Outcome
from models.detection import area
from models.facts import MAX_FINDINGS, MAX_REASONS, PLACES, Facts, Finding
from models.writing import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.case import Case, Decision, Estimate
    from models.detection import Box, Prediction
    from models.profile import Profile

SAID = 6
"""Kinds of findings that a text names one by one; the worst grade is always named."""


def facts_of(
    predictions: Sequence[Prediction],
    decision: Decision,
    profile: Profile,
    size: tuple[int, int],
    priced: Estimate | None = None,
) -> Facts:
    """Collect what may be said of a photo.

    Args:
        predictions: everything above `keep`; only what is shown is spoken of.
        decision: what was decided.
        profile: whose subject, nouns and sentences are used.
        size: width and height of the upright original, pixels.
        priced: the estimate, where there is one.

    Returns:
        Findings worst first: by the classifier's ranks, then by confidence.
    """
    accepted = decision.outcome is Outcome.ACCEPTED
    reasons = () if accepted else tuple(r for r in decision.reasons if not r.startswith(REASON))
    cleaned = tuple(c for c in map(words.plain_sentence, reasons) if c)
    findings = _findings(predictions, profile, size)
    said, rest = _named(findings, profile)
    return Facts(
        subject=words.plain_word(profile.summary.subject),
        outcome=decision.outcome,
        findings=said,
        reasons=cleaned[:MAX_REASONS],
        total=priced.total if priced else "",
        currency=priced.currency if priced else "",
        next_step=profile.summary.next_step.get(decision.outcome.value, ""),
        always=profile.summary.always,
        more=min(999, sum(finding.count for finding in rest)),
    )


def facts_of_case(case: Case, profile: Profile) -> Facts:
    """Collect what may be said of a stored case."""
    size = (case.images[0].width, case.images[0].height)
    return facts_of(case.predictions, case.decision, profile, size, case.estimate)


def template_text(facts: Facts) -> str:
    """Write the facts up without a language model: what, why or how sure, how much, what next."""
    said = (_shows(facts), _outcome(facts), _total(facts), facts.next_step, *facts.always)
    return " ".join(words.sentence(part) for part in said if part)


def place_of(box: Box, size: tuple[int, int]) -> str:
    """Which ninth of the picture the box's centre is in; "" where it fills half of it or more."""
    if area(box) >= 0.5 * size[0] * size[1]:
        return ""
    column = min(2, int(3 * (box[0] + box[2]) / (2 * size[0])))
    row = min(2, int(3 * (box[1] + box[3]) / (2 * size[1])))
    return PLACES[3 * row + column]


def _findings(
    predictions: Sequence[Prediction], profile: Profile, size: tuple[int, int]
) -> list[Finding]:
    shown = [p for p in predictions if p.shown and p.refines is None]
    groups: dict[tuple[str, str], list[Prediction]] = {}
    for item, prediction in zip(items(predictions, size), shown, strict=True):
        groups.setdefault((item.label, item.grade), []).append(prediction)
    found = [_finding(key, group, profile, size) for key, group in groups.items()]
    return sorted(found, key=lambda f: (-_rank(f, profile), -f.confidence))


def _finding(
    key: tuple[str, str], group: Sequence[Prediction], profile: Profile, size: tuple[int, int]
) -> Finding:
    label, grade = key
    singular, _, plural = profile.summary.nouns.get(label, "").partition("|")
    return Finding(
        label=label[:80],
        count=min(999, len(group)),
        confidence=max(p.confidence for p in group),
        grade=grade[:80],
        place=place_of(group[0].box, size) if len(group) == 1 else "",
        singular=singular.strip()[:80],
        plural=plural.strip()[:80],
    )


def _rank(finding: Finding, profile: Profile) -> int:
    """From 0 for the mildest; -1 for a grade that has no order."""
    ranks = profile.classifier.ranks if profile.classifier else ()
    return ranks.index(finding.grade) if finding.grade in ranks else -1


def _named(
    findings: Sequence[Finding], profile: Profile
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    ranks = profile.classifier.ranks if profile.classifier else ()
    worst = sum(bool(ranks) and finding.grade == ranks[-1] for finding in findings)
    count = min(max(SAID, worst), MAX_FINDINGS)
    return tuple(findings[:count]), tuple(findings[count:])


def _shows(facts: Facts) -> str:
    photo = words.photo_of(facts)
    if facts.outcome is Outcome.RETAKE:
        return f"The {photo} has to be taken again"
    if not facts.findings:
        return f"Nothing is marked in the {photo}"
    said = [words.phrases(f)[0] + words.place_clause(f) for f in facts.findings]
    said += words.more_phrases(facts.more)[:1] if facts.more else ()
    return f"The {photo} shows {words.join(said)}"


def _outcome(facts: Facts) -> str:
    reasons = words.reasons_of(facts)
    if facts.outcome is Outcome.RETAKE:
        return f"The reason: {reasons}" if reasons else "It is not usable as it is"
    if facts.outcome is Outcome.NEEDS_REVIEW:
        return f"A person has to look at it: {reasons}" if reasons else "A person has to look at it"
    if not facts.findings:
        return "A photo without a finding is accepted here"
    return "The model was sure enough of everything it marked"


def _total(facts: Facts) -> str:
    if not facts.total:
        return ""
    so_far = "" if facts.outcome is Outcome.ACCEPTED else " so far"
    return f"The estimate{so_far} comes to {facts.currency} {facts.total}, tax included"
