"""Whether a photo is usable, as words: what was measured, what is wrong, what to do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from models.jsonable import require


class Flaw(StrEnum):
    """Why a photo has to be taken again."""

    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    LOW_CONTRAST = "low_contrast"
    TOO_SMALL = "too_small"
    SUBJECT_TOO_SMALL = "subject_too_small"


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of a photo, on luma scaled so that its longer side is 640 pixels."""

    blur_score: float
    """Sharpness, ≥ 0: higher is sharper. `models.measures.sharpness` has the formula."""
    brightness: float
    """Mean luma, 0..1."""
    contrast: float
    """Standard deviation of luma, 0..0.5."""
    clipped_dark: float
    """Share of pixels at or next to black, 0..1."""
    clipped_bright: float
    """Share of pixels at or next to white, 0..1."""
    width: int
    """Of the upright original, pixels."""
    height: int
    """Of the upright original, pixels."""
    tellable: bool = True
    """False: it shows something, with too little structure to tell sharp from blurred; `blur_score`
    is 0 then."""

    def __post_init__(self) -> None:
        """Refuse numbers that no photo can have."""
        require(math.isfinite(self.blur_score) and self.blur_score >= 0, "blur_score", "≥ 0")
        for name in ("brightness", "contrast", "clipped_dark", "clipped_bright"):
            require(0.0 <= getattr(self, name) <= 1.0, name, "0..1", getattr(self, name))
        require(self.width > 0 and self.height > 0, "width, height", "at least one pixel")


@dataclass(frozen=True, slots=True)
class Quality:
    """The verdict of the quality gate."""

    measures: Measures
    """Of the whole frame."""
    flaws: tuple[Flaw, ...] = ()
    """What is wrong, worst first; empty means usable."""
    message: str = ""
    """What to do, in plain words, for the person with the camera; empty when usable."""
    subject_blur_score: float | None = None
    """Sharpness measured on the subject's box alone, once a detector found one."""

    def __post_init__(self) -> None:
        """A flawed photo must say what to do."""
        require(not self.flaws or bool(self.message), "message", "words, since there are flaws")

    @property
    def usable(self) -> bool:
        """True when nothing is wrong with the photo."""
        return not self.flaws
