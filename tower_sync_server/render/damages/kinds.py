"""All kinds of damage by name, and what each of them can happen to."""

from __future__ import annotations

from dataclasses import dataclass

from tower_sync_server.render.damages import (
    broken_lamp,
    crack,
    dent,
    paint_chip,
    rust,
    scratch,
)
from tower_sync_server.render.damages.base import Inflict


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of damage."""

    name: str
    """The label, as the profile spells it."""
    inflict: Inflict
    """Draws it."""
    zones: tuple[str, ...]
    """Maps of the surface it can happen to; one is drawn among those there are."""
    margin: float
    """Preferred distance from the zone's edge, in parts of the panel."""


KINDS: tuple[Kind, ...] = (
    Kind("scratch", scratch.inflict, ("body", "body", "body", "trim"), 0.12),
    Kind("dent", dent.inflict, ("body",), 0.13),
    Kind("crack", crack.inflict, ("body", "trim", "glass", "glass"), 0.12),
    Kind("rust", rust.inflict, ("body",), 0.07),
    Kind("paint_chip", paint_chip.inflict, ("body",), 0.08),
    Kind("broken_lamp", broken_lamp.inflict, ("lamp",), 0.0),
)
"""Every kind; the place in the list is the class number the detector is trained with."""

LABELS: tuple[str, ...] = tuple(kind.name for kind in KINDS)
"""The labels in the order of their class numbers."""
