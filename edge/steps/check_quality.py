"""What was measured of a photo → whether it is usable, and if not, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.jsonable import require
from models.quality import Flaw, Measures, Quality

if TYPE_CHECKING:
    from models.profile import QualityRules

MESSAGES = {
    Flaw.TOO_SMALL: "The photo has too few pixels: send the original, not a preview.",
    Flaw.TOO_DARK: "It is too dark: turn a light on or go to a window, then take the photo again.",
    Flaw.TOO_BRIGHT: "It is too bright: turn away from the sun or the lamp, then take it again.",
    Flaw.LOW_CONTRAST: "There is nothing to see: wipe the lens, point at the subject, try again.",
    Flaw.BLURRED: "It is blurred: hold still, tap on the subject to focus, then take it again.",
    Flaw.SUBJECT_TOO_SMALL: "The subject is too small: go 20 cm closer, then take the photo again.",
}
"""Flaw → what to do, worst flaw first; a profile's own words take their place."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What was measured of the largest detection, once a detector found one."""

    share: float
    """Its box's share of the frame, 0..1."""
    blur_score: float | None
    """Sharpness on its box; None where there is too little structure on it to tell."""

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        require(0 <= self.share <= 1, "share", "0..1", self.share)


def check_quality(
    measures: Measures,
    rules: QualityRules,
    subject: Subject | None = None,
    *,
    looked: bool = True,
) -> Quality:
    """Judge a photo.

    Args:
        measures: of the whole frame.
        rules: the profile's, with what the settings put in their place.
        subject: None before a detector has looked, or where it found nothing.
        looked: False while a detector has yet to look: a frame that is a little soft is not called
            blurred then, since its subject may be sharp.

    Returns:
        Every flaw, worst first, and what to do about the worst. Where exposure is to blame,
        contrast isn't blamed too.
    """
    frame = measures.blur_score if measures.tellable else None
    sharp = subject.blur_score if subject else None
    found = {
        Flaw.TOO_SMALL: min(measures.width, measures.height) < rules.min_side,
        Flaw.TOO_DARK: measures.brightness < rules.min_brightness
        or measures.clipped_dark > rules.max_clipped,
        Flaw.TOO_BRIGHT: measures.brightness > rules.max_brightness
        or measures.clipped_bright > rules.max_clipped,
        Flaw.LOW_CONTRAST: measures.contrast < rules.min_contrast,
        Flaw.BLURRED: rules.is_blurred(frame, sharp) if looked else rules.is_surely_blurred(frame),
        Flaw.SUBJECT_TOO_SMALL: subject is not None and subject.share < rules.min_subject,
    }
    if found[Flaw.TOO_DARK] or found[Flaw.TOO_BRIGHT]:
        found[Flaw.LOW_CONTRAST] = False
    flaws = tuple(flaw for flaw in MESSAGES if found[flaw])
    message = rules.messages.get(flaws[0], MESSAGES[flaws[0]]) if flaws else ""
    return Quality(measures, flaws, message, sharp)
