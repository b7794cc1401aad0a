"""What a split of the rendered photos may look like: paints, light, places, cameras.

`train` and `plain` share one style and never a seed; `shift` shares nothing with them that
can be seen before the damage itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tower_sync_server.render.arrays import Rgb

Split = Literal["train", "plain", "shift"]
"""Which photos: for training, held out alike, held out and unlike."""
Range = tuple[float, float]
"""Lowest and highest value of something drawn uniformly."""


@dataclass(frozen=True, slots=True)
class Style:
    """The look of one split."""

    paints: tuple[Rgb, ...]
    """Lacquer colours, sRGB."""
    environments: tuple[str, ...]
    """Names of what the lacquer reflects, see environment.RECIPES."""
    backgrounds: tuple[str, ...]
    """Names of what stands behind the vehicle, see background.RECIPES."""
    others: tuple[str, ...]
    """Names of the photos of something else, see other.MOTIFS."""
    exposure: Range
    """Stops around the right exposure."""
    white_balance: Range
    """Gain of red over blue, 1 is neutral."""
    noise: Range
    """Deviation of the sensor's noise at mid grey, 1 is white."""
    jpeg: Range
    """JPEG quality, 1..100."""
    tilt: Range
    """How far the corners of the panel move outwards, in parts of the photo's side."""
    roll: Range
    """Rotation of the camera in degrees, to either side."""


PLAIN = Style(
    paints=(
        (232, 233, 232), (246, 246, 242), (186, 190, 194), (142, 147, 152), (92, 97, 102),
        (58, 62, 68), (26, 27, 30), (16, 17, 20), (30, 52, 104), (44, 82, 140), (22, 34, 62),
        (150, 24, 30), (178, 36, 34), (104, 18, 28), (108, 116, 126), (206, 208, 206),
    ),
    environments=("overcast", "sunny", "street", "hedge", "lot"),
    backgrounds=("street", "hedge", "lot", "facade"),
    others=("brick", "page", "table", "leaves", "landscape"),
    exposure=(-0.55, 0.45),
    white_balance=(0.90, 1.12),
    noise=(0.002, 0.016),
    jpeg=(62.0, 95.0),
    tilt=(0.01, 0.13),
    roll=(0.0, 7.0),
)  # fmt: skip
SHIFT = Style(
    paints=(
        (38, 84, 58), (24, 62, 66), (226, 182, 34), (214, 98, 28), (112, 80, 58), (198, 178, 142),
        (86, 44, 96), (152, 172, 92), (64, 138, 148), (170, 120, 84), (128, 58, 74), (70, 96, 84),
    ),
    environments=("garage", "sunset", "snowfield", "night"),
    backgrounds=("workshop", "snow", "sand", "dusk"),
    others=("fabric", "plate", "keyboard", "landscape_dusk"),
    exposure=(-0.85, 0.70),
    white_balance=(0.78, 1.32),
    noise=(0.010, 0.030),
    jpeg=(42.0, 85.0),
    tilt=(0.03, 0.18),
    roll=(2.0, 11.0),
)  # fmt: skip

_STYLES: dict[Split, Style] = {"train": PLAIN, "plain": PLAIN, "shift": SHIFT}
_NUMBERS: dict[Split, int] = {"train": 1, "plain": 2, "shift": 3}


def style_of(split: Split) -> Style:
    """Return the look of `split`."""
    return _STYLES[split]


def number_of(split: Split) -> int:
    """Return the number that keeps the random streams of the splits apart."""
    return _NUMBERS[split]
