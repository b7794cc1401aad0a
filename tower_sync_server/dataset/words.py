"""What a dataset is made of: photos, what is on them, and which part of the set they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.detection import Box, require_box
from models.jsonable import require

Outline = tuple[float, ...]
"""Corners of a polygon: x1, y1, x2, y2, … in pixels."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing on a photo."""

    label: str
    """What it is."""
    box: Box
    """Pixels of the upright photo."""
    severity: str = ""
    """How bad, where somebody graded it."""
    area: float | None = None
    """Square pixels that it covers; None: its box's."""
    outlines: tuple[Outline, ...] = ()
    """Its outer outlines, where they are known."""

    def __post_init__(self) -> None:
        """Refuse a box that is none, and a thing without a name."""
        require_box(self.box)
        require(bool(self.label), "label", "a name")


@dataclass(frozen=True, slots=True)
class Labelled:
    """One photo and all that is on it."""

    name: str
    """Of its file, without the ending; tells it from every other of its split."""
    split: str
    """Which part of the set; frozen, so that nothing is measured on what was trained on."""
    width: int
    """Upright, pixels."""
    height: int
    """Upright, pixels."""
    marks: tuple[Mark, ...] = ()
    """What is on it; empty: nothing is, which is worth learning too."""
    suffix: str = ".jpg"
    """Ending of the file."""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """Where it comes from: a case, or a renderer's seed."""

    def __post_init__(self) -> None:
        """Refuse a name that would leave the folder."""
        require(bool(self.name) and not set(self.name) & set("/\\."), "name", "a file's", self.name)
        require(self.width > 0 and self.height > 0, "width, height", "at least one pixel")
