"""Which of several things is the subject: by match with the form's words, by size and by place."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.steps.estimate import grade_of
from models.detection import area

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.case import FormValue
    from models.detection import Box, Prediction
    from models.profile import PrimaryRule, Profile


REASON = "the subject is picked: "
"""How the reason of a pick begins: it explains, and asks nobody to look."""


@dataclass(frozen=True, slots=True)
class Primary:
    """The thing that was picked, and why."""

    index: int
    """Of the prediction."""
    score: float
    """Weighted mean of the three scores, 0..1."""
    reason: str
    """The three scores, in words."""


def pick_primary(
    predictions: Sequence[Prediction],
    size: tuple[int, int],
    profile: Profile,
    form: Mapping[str, FormValue],
) -> Primary | None:
    """Pick the subject among the shown things.

    Args:
        predictions: of one photo.
        size: width and height of the upright original, pixels.
        profile: whose rule applies.
        form: validated; only the rule's fields are read, and only compared with labels.

    Returns:
        The best, on equal scores the first; None without a rule or without anything shown.
    """
    rule = profile.primary
    if rule is None:
        return None
    words = frozenset().union(*(tokens(str(form.get(name) or "")) for name in rule.fields))
    scored = [
        _score(i, predictions, size, words, rule)
        for i, p in enumerate(predictions)
        if p.shown and p.refines is None
    ]
    return max(scored, key=lambda found: (found.score, -found.index), default=None)


def tokens(text: str) -> frozenset[str]:
    """Words of `text`, folded: no case, no accents, no plural s, at least two letters."""
    folded = unicodedata.normalize("NFKD", text[:10_000]).casefold()
    bare = "".join(char for char in folded if not unicodedata.combining(char))
    words = re.findall(r"[^\W_]{2,}", bare)
    return frozenset(w[:-1] if len(w) > 3 and w.endswith("s") else w for w in words)


def place_score(box: Box, size: tuple[int, int]) -> float:
    """How near the box's centre is to the frame's: 1 in the centre, 0 in a corner."""
    dx = (box[0] + box[2]) / size[0] - 1
    dy = (box[1] + box[3]) / size[1] - 1
    return max(0.0, 1 - math.hypot(dx, dy) / math.sqrt(2))


def _score(
    index: int,
    predictions: Sequence[Prediction],
    size: tuple[int, int],
    words: frozenset[str],
    rule: PrimaryRule,
) -> Primary:
    found = predictions[index]
    label = tokens(f"{found.label} {grade_of(index, predictions)}".replace("_", " "))
    match = len(label & words) / len(label) if label else 0.0
    share = min(1.0, area(found.box) / (size[0] * size[1]))
    place = place_score(found.box, size)
    weight = rule.text + rule.size + rule.place
    score = (rule.text * match + rule.size * share + rule.place * place) / weight if weight else 0.0
    reason = (
        f"{REASON}'{found.label}' matches {match:.0%} with the text, fills {share:.0%} "
        f"of the picture, and is {place:.0%} central"
    )
    return Primary(index, score, reason)
