"""What is published, what waits, and what is to be written: as values."""

from __future__ import annotations

from dataclasses import dataclass

from models.rollout import Rollout
from tower_sync_server.releases.tuf_words import Metadata, Root, Snapshot, Targets, Timestamp


@dataclass(frozen=True, slots=True)
class Published:
    """What devices see, as far as there is something."""

    root: Metadata[Root] | None = None
    """The last one."""
    targets: Metadata[Targets] | None = None
    """What people offer."""
    rollout: Metadata[Targets] | None = None
    """What the tower holds back: the signature over it."""
    held: Rollout = Rollout()
    """The same, its content."""
    snapshot: Metadata[Snapshot] | None = None
    """Which of the others belong together."""
    timestamp: Metadata[Timestamp] | None = None
    """Which snapshot is the last."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What still lacks signatures, or the rest of which does."""

    root: Metadata[Root] | None = None
    """The next root."""
    targets: Metadata[Targets] | None = None
    """The next targets."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Signatures that something waits for."""

    role: str
    """What is to be signed."""
    count: int
    """How many more signatures."""
    signers: tuple[str, ...]
    """Who could give them: names, or the beginnings of key ids."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write, in this order, so that devices see a whole repository at every moment."""

    result: Published
    """What is published afterwards."""
    writes: tuple[tuple[str, bytes], ...]
    """Name in the metadata folder → content; the timestamp comes last."""
    rollout: bytes | None
    """The `rollout.json` to be written before all of these; None where it stays."""
    missing: tuple[Missing, ...]
    """What can't be published yet."""
