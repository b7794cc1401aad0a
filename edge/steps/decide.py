"""What was seen → what is decided about it, and why, in words a reviewer can act on.

Never a confident guess: whatever is unclear goes to a person, and the reason names label, value and
threshold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.steps.estimate import unpriced
from models.case import Decision, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.detection import Doubt, Prediction
    from models.profile import Profile
    from models.quality import Quality


def decide(
    quality: Quality,
    predictions: Sequence[Prediction],
    out_of_domain: bool,
    missing: Sequence[str],
    profile: Profile,
    doubts: Sequence[Doubt] = (),
) -> Decision:
    """Decide about one photo.

    Args:
        quality: the verdict of the quality gate.
        predictions: everything above the profile's `keep`, shown or not.
        out_of_domain: True where the classifier never learned such a thing.
        missing: ids of models that the profile names and that aren't installed.
        profile: whose rules apply.
        doubts: where the classifier can't settle for one label.

    Returns:
        `retake` where the photo is not usable; `needs_review` with every reason that applies;
        `accepted` only where there is none. Reasons are clauses without a full stop, to be joined.
    """
    if not quality.usable:
        flaws = ", ".join(flaw.value.replace("_", " ") for flaw in quality.flaws)
        return Decision(Outcome.RETAKE, (f"the photo is {flaws}",))
    waiting = [model for model in missing if model not in profile.optional_ids]
    reasons = (
        _missing(waiting, profile)
        + (_out_of_domain() if out_of_domain else ())
        + (() if waiting else _seen(quality, predictions, profile))
        + _undecided(doubts, predictions, profile)
    )
    return Decision(Outcome.NEEDS_REVIEW if reasons else Outcome.ACCEPTED, reasons)


def _missing(waiting: Sequence[str], profile: Profile) -> tuple[str, ...]:
    if not waiting:
        return ()
    names = ", ".join(f"'{model}'" for model in waiting)
    said = profile.waits_for.rstrip(".")
    reason = f"nothing looked at the photo, since the model {names} does not serve here"
    return (reason, said[:1].lower() + said[1:]) if said else (reason,)


def _out_of_domain() -> tuple[str, ...]:
    return ("the photo shows something that the model was never trained on",)


def _undecided(
    doubts: Sequence[Doubt], predictions: Sequence[Prediction], profile: Profile
) -> tuple[str, ...]:
    """One clause for each kind of doubt, however many detections share it."""
    what = profile.classifier.attribute if profile.classifier else "class"
    clauses: dict[str, int] = {}
    for doubt in doubts:
        of = "" if doubt.refines is None else f" of '{predictions[doubt.refines].label}'"
        open_ = " or ".join(f"'{label}'" for label in doubt.possible)
        clause = f"the {what}{of} " + (f"may be {open_}" if open_ else "can't be told")
        clauses[clause] = clauses.get(clause, 0) + 1
    return tuple(text if n == 1 else f"{text} ({n} times)" for text, n in clauses.items())


def _seen(quality: Quality, predictions: Sequence[Prediction], profile: Profile) -> tuple[str, ...]:
    shown = [p for p in predictions if p.shown]
    if not shown:
        return _nothing(predictions, profile)
    size = (quality.measures.width, quality.measures.height)
    return (
        _unsure(shown, profile)
        + _always_seen(shown, profile)
        + _priceless(predictions, size, profile)
    )


def _nothing(predictions: Sequence[Prediction], profile: Profile) -> tuple[str, ...]:
    if predictions:
        best = max(predictions, key=lambda p: p.confidence)
        return (
            f"nothing was found for certain, the best guess is '{best.label}' "
            f"with {best.confidence:.2f}, too little to be shown",
        )
    return () if profile.decision.accept_empty else ("nothing the model knows was found",)


def _unsure(shown: Sequence[Prediction], profile: Profile) -> tuple[str, ...]:
    threshold = profile.decision.conf_threshold
    below = [p for p in shown if p.confidence < threshold]
    if not below:
        return ()
    worst = min(below, key=lambda p: p.confidence)
    more = f" ({len(below)} of {len(shown)} are below it)" if len(below) > 1 else ""
    return (
        f"the confidence of '{worst.label}', {_under(worst.confidence, threshold)}, "
        f"is below the threshold {threshold:.2f}{more}",
    )


def _under(value: float, threshold: float) -> str:
    """Two digits, or as many as it takes to show that `value` is below `threshold`."""
    for digits in range(2, 6):
        if f"{value:.{digits}f}" < f"{threshold:.{digits}f}":
            return f"{value:.{digits}f}"
    return repr(value)


def _always_seen(shown: Sequence[Prediction], profile: Profile) -> tuple[str, ...]:
    labels = dict.fromkeys(p.label for p in shown if p.label in profile.decision.review_labels)
    return tuple(f"a person always looks at '{label}'" for label in labels)


def _priceless(
    predictions: Sequence[Prediction], size: tuple[int, int], profile: Profile
) -> tuple[str, ...]:
    if profile.prices is None:
        return ()
    without = dict.fromkeys(unpriced(predictions, size, profile.prices))
    return tuple(f"the price table has no row that fits '{label}'" for label in without)
