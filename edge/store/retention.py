"""What may go when there is too much of it: decided here, without touching anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Kind(StrEnum):
    """What there can be too much of."""

    IMAGE = "image"
    """An original."""
    THUMB = "thumb"
    """A thumbnail."""
    CASE = "case"
    """A case with all its files."""
    DELETED = "deleted"
    """The same, after a person deleted it."""
    STAGED = "staged"
    """A checked photo that may become a case."""
    SET_ASIDE = "set_aside"
    """A damaged database."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One thing that takes room."""

    kind: Kind
    """What."""
    name: str
    """SHA-256, case id, image id or folder."""
    size: int
    """Bytes."""
    at: datetime
    """Since when it counts: created, deleted, staged, set aside."""
    held: str = ""
    """Why it must stay, or ""."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each kind is kept, and for how long."""

    image_bytes: int
    """Of all originals."""
    thumb_bytes: int
    """Of all thumbnails."""
    case_age: timedelta
    """From which a case may go."""
    deleted_age: timedelta
    """From which a deleted case can't be restored."""
    staged_age: timedelta
    """For which a checked photo waits."""
    staged_bytes: int
    """Of all staged photos."""
    set_aside_age: timedelta = timedelta(days=90)
    """From which a damaged database goes."""
    image_age: timedelta = timedelta(0)
    """Before which no original and no thumbnail goes, however much room they take."""

    def of_bytes(self, kind: Kind) -> int | None:
        """Bytes of a kind above which the oldest go; None where only age counts."""
        limits = {
            Kind.IMAGE: self.image_bytes,
            Kind.THUMB: self.thumb_bytes,
            Kind.STAGED: self.staged_bytes,
        }
        return limits.get(kind)

    def of_age(self, kind: Kind) -> timedelta | None:
        """Age of a kind from which it goes; None where only bytes count."""
        limits = {
            Kind.CASE: self.case_age,
            Kind.DELETED: self.deleted_age,
            Kind.STAGED: self.staged_age,
            Kind.SET_ASIDE: self.set_aside_age,
        }
        return limits.get(kind)


@dataclass(frozen=True, slots=True)
class Evictions:
    """What goes, and what should go and can't."""

    go: tuple[Holding, ...]
    """Oldest first."""
    reason: str = ""
    """Where a limit can't be kept: which one and why, in words for people; else ""."""


def decide_evictions(rows: Iterable[Holding], now: datetime, limits: Limits) -> Evictions:
    """Decide what goes: what is too old, and the oldest of what is too much; never what is held.

    Args:
        rows: everything there is, in any order.
        now: wall time.
        limits: how much is kept.
    """
    kinds: dict[Kind, list[Holding]] = {}
    for row in sorted(rows, key=lambda row: row.at):
        kinds.setdefault(row.kind, []).append(row)
    go: list[Holding] = []
    reasons: list[str] = []
    for kind, holdings in kinds.items():
        too_old = _too_old(holdings, now, limits.of_age(kind))
        going = [row for row in too_old if not row.held]
        gone = set(going)
        rest = [row for row in holdings if row not in gone]
        rest = [_young(row, now, limits.image_age) for row in rest]
        more, over = _too_much(rest, limits.of_bytes(kind))
        go += going + more
        reasons += _why_not(kind, [row for row in too_old if row.held], over, rest)
    return Evictions(tuple(go), " ".join(reasons))


def _young(row: Holding, now: datetime, age: timedelta) -> Holding:
    """The same, held where it is an image that is too young to go."""
    images = (Kind.IMAGE, Kind.THUMB)
    if not age or row.held or row.kind not in images or now - row.at >= age:
        return row
    return replace(row, held="too young")


def _too_old(holdings: Sequence[Holding], now: datetime, age: timedelta | None) -> list[Holding]:
    return [] if age is None else [row for row in holdings if now - row.at >= age]


def _too_much(holdings: Sequence[Holding], limit: int | None) -> tuple[list[Holding], int]:
    """The oldest that go to get below `limit`, and the bytes above it that are left."""
    over = 0 if limit is None else sum(row.size for row in holdings) - limit
    going = []
    for row in holdings:
        if over <= 0:
            break
        if not row.held:
            going.append(row)
            over -= row.size
    return going, max(0, over)


def _why_not(
    kind: Kind, held_old: Sequence[Holding], over: int, holdings: Sequence[Holding]
) -> list[str]:
    reasons = []
    if over:
        why = _causes([row for row in holdings if row.held])
        reasons.append(f"{over / 1e6:.1f} MB of {kind.value}s over the limit can't go: {why}.")
    if held_old:
        why = _causes(held_old)
        reasons.append(f"{len(held_old)} old {kind.value}s can't go: {why}.")
    return reasons


def _causes(held: Sequence[Holding]) -> str:
    counts: dict[str, int] = {}
    for row in held:
        counts[row.held] = counts.get(row.held, 0) + 1
    return ", ".join(f"{count} {cause}" for cause, count in sorted(counts.items()))
