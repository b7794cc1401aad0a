"""Decides what can be published: what is wholly signed, and with it everything that the tower
signs by itself. Signing is arithmetic; nothing is read or written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

from models.rollout import ROLLOUT as ROLLOUT_FILE
from models.rollout import Rollout, encode_rollout
from tower_sync_server.errors import OperatorError
from tower_sync_server.releases.keys import name_of
from tower_sync_server.releases.roles import (
    ROLLOUT,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    Lifetimes,
)
from tower_sync_server.releases.state import Missing, Pending, Plan, Published
from tower_sync_server.releases.tuf_words import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from tower_sync_server.releases.keys import Ring

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)


def plan(
    now: Published,
    pending: Pending,
    held: Rollout,
    ring: Ring,
    when: datetime,
    lifetimes: Lifetimes,
) -> Plan:
    """Decide what to publish.

    Args:
        now: what is published.
        pending: what people have begun; signatures may lack.
        held: what the tower wants to hold back.
        ring: the online keys, at least.
        when: wall time, UTC.
        lifetimes: of signatures.

    Raises:
        OperatorError: an online key isn't there.
    """
    root, targets, missing = _choose(now, pending)
    if root is None or targets is None:
        return Plan(now, (), None, missing)
    signer = _Online(root.signed, targets.signed, ring, when, lifetimes)
    rollout = signer.rollout(now, held)
    snapshot = signer.snapshot(now.snapshot, targets, rollout)
    timestamp = signer.timestamp(now.timestamp, snapshot)
    made = Published(root, targets, rollout, held, snapshot, timestamp)
    changed = held != now.held or now.rollout is None
    return Plan(made, tuple(_writes(now, made)), encode_rollout(held) if changed else None, missing)


def stick_timestamp(
    now: Published, ring: Ring, when: datetime, lifetimes: Lifetimes
) -> tuple[Metadata[Timestamp], Metadata[Timestamp]]:
    """Sign the timestamp of a stick, and the next one of the tower.

    The stick's is never served and holds for long; the tower's has the next number, so that a
    device which hears of it by air is not held back by a stick.

    Raises:
        OperatorError: nothing is published, or the key isn't there.
    """
    if now.root is None or now.targets is None or now.snapshot is None or now.timestamp is None:
        hint = "Publish something first: edgecase-tower release add MODEL_DIR"
        raise OperatorError("There is no repository to be written on a stick.", hint)
    signer = _Online(now.root.signed, now.targets.signed, ring, when, lifetimes)
    stick = signer.new_timestamp(now.timestamp, now.snapshot, lifetimes.stick)
    return stick, signer.new_timestamp(stick, now.snapshot, lifetimes.timestamp)


def missing_for_root(previous: Metadata[Root] | None, root: Metadata[Root]) -> Missing | None:
    """What a root still lacks: it is signed by the keys before it and by its own."""
    before = None if previous is None else previous.signed
    found = root.signed.get_root_verification_result(before, root.signed_bytes, root.signatures)
    if found.verified:
        return None
    lacking = [half for half in (found.first, found.second) if not half.verified]
    names = {name_of(key) for half in lacking for key in half.unsigned.values()}
    return Missing(ROOT, max(half.missing for half in lacking), tuple(sorted(names)))


def missing_for_targets(root: Root, targets: Metadata[Targets]) -> Missing | None:
    """What targets still lack under this root."""
    found = root.get_verification_result(TARGETS, targets.signed_bytes, targets.signatures)
    if found.verified:
        return None
    names = tuple(sorted(name_of(key) for key in found.unsigned.values()))
    return Missing(TARGETS, found.missing, names)


def _choose(
    now: Published, pending: Pending
) -> tuple[Metadata[Root] | None, Metadata[Targets] | None, tuple[Missing, ...]]:
    """The latest root and targets that are signed and fit each other.

    A new root waits for targets that it trusts: else devices would trust nothing in between.
    """
    told: list[Missing | None] = []
    if pending.root is not None:
        lacks_root = missing_for_root(now.root, pending.root)
        targets, lacks = _targets(pending.root.signed, now, pending)
        if lacks_root is None and targets is not None:
            return pending.root, targets, _all(lacks)
        told = [lacks_root, lacks]
    if now.root is None:
        return None, None, _all(*told)
    targets, lacks = _targets(now.root.signed, now, pending)
    return now.root, targets, _all(*(told or [lacks]))


def _targets(
    root: Root, now: Published, pending: Pending
) -> tuple[Metadata[Targets] | None, Missing | None]:
    lacks = None
    for targets in (pending.targets, now.targets):
        if targets is None:
            continue
        found = missing_for_targets(root, targets)
        if found is None:
            return targets, lacks
        lacks = lacks or found
    return None, lacks


def _all(*missing: Missing | None) -> tuple[Missing, ...]:
    return tuple(dict.fromkeys(m for m in missing if m is not None))


class _Online:
    """Signs what the tower signs by itself, where that is needed."""

    def __init__(
        self, root: Root, targets: Targets, ring: Ring, when: datetime, lifetimes: Lifetimes
    ) -> None:
        self._root = root
        self._targets = targets
        self._ring = ring
        self._when = when.replace(microsecond=0)
        self._lifetimes = lifetimes

    def rollout(self, now: Published, held: Rollout) -> Metadata[Targets]:
        life, left = self._lifetimes.online, self._lifetimes.online_left
        old = now.rollout
        if held == now.held and self._holds(old, self._targets, ROLLOUT, left):
            return cast("Metadata[Targets]", old)
        made = Targets(version=_next(old), expires=self._when + life)
        file = TargetFile.from_data(ROLLOUT_FILE, encode_rollout(held), ["sha256"])
        made.targets[ROLLOUT_FILE] = file
        return self._signed(made, self._targets, ROLLOUT)

    def snapshot(
        self, old: Metadata[Snapshot] | None, targets: Metadata[Targets], rollout: Metadata[Targets]
    ) -> Metadata[Snapshot]:
        life, left = self._lifetimes.online, self._lifetimes.online_left
        meta = {f"{TARGETS}.json": _meta_of(targets), f"{ROLLOUT}.json": _meta_of(rollout)}
        same = old is not None and old.signed.meta == meta
        if same and self._holds(old, self._root, SNAPSHOT, left):
            return cast("Metadata[Snapshot]", old)
        made = Snapshot(version=_next(old), expires=self._when + life, meta=meta)
        return self._signed(made, self._root, SNAPSHOT)

    def timestamp(
        self, old: Metadata[Timestamp] | None, snapshot: Metadata[Snapshot]
    ) -> Metadata[Timestamp]:
        left = self._lifetimes.timestamp_left
        same = old is not None and old.signed.snapshot_meta == _meta_of(snapshot)
        if same and self._holds(old, self._root, TIMESTAMP, left):
            return cast("Metadata[Timestamp]", old)
        return self.new_timestamp(old, snapshot, self._lifetimes.timestamp)

    def new_timestamp(
        self, old: Metadata[Timestamp] | None, snapshot: Metadata[Snapshot], life: timedelta
    ) -> Metadata[Timestamp]:
        meta = _meta_of(snapshot)
        made = Timestamp(version=_next(old), expires=self._when + life, snapshot_meta=meta)
        return self._signed(made, self._root, TIMESTAMP)

    def _holds(
        self, old: Metadata[Any] | None, holder: Root | Targets, role: str, left: timedelta
    ) -> bool:
        """Whether a signature is still good, and for long enough."""
        if old is None or old.signed.expires - self._when < left:
            return False
        found = holder.get_verification_result(role, old.signed_bytes, old.signatures)
        return found.verified

    def _signed(self, made: S, holder: Root | Targets, role: str) -> Metadata[S]:
        metadata = Metadata(made)
        sign(metadata, self._ring, holder.get_delegated_role(role).keyids)
        if not holder.get_verification_result(role, metadata.signed_bytes, metadata.signatures):
            hint = (
                f"Put it back into the keys folder, or: edgecase-tower release keys rotate {role}"
            )
            raise OperatorError(f"The key for {role} isn't on this tower.", hint)
        return metadata


def sign(metadata: Metadata[Any], ring: Ring, keyids: Iterable[str]) -> int:
    """Add the signatures that these keys can give, of those that count.

    Returns:
        How many were added.
    """
    able = [ring[k] for k in keyids if k in ring and k not in metadata.signatures]
    for signer in able:
        metadata.sign(signer, append=True)
    return len(able)


def _next(old: Metadata[Any] | None) -> int:
    return 1 if old is None else int(old.signed.version) + 1


def _meta_of(metadata: Metadata[Any]) -> MetaFile:
    data = metadata.to_bytes()
    return MetaFile.from_data(metadata.signed.version, data, ["sha256"])


def _writes(now: Published, made: Published) -> Iterable[tuple[str, bytes]]:
    """Only what is new; what names the others comes after them."""
    pairs: tuple[tuple[str, Metadata[Any] | None, Metadata[Any] | None], ...] = (
        (TARGETS, now.targets, made.targets),
        (ROLLOUT, now.rollout, made.rollout),
        (SNAPSHOT, now.snapshot, made.snapshot),
        (ROOT, now.root, made.root),
    )
    for role, old, new in pairs:
        if new is not None and new is not old:
            yield f"{new.signed.version}.{role}.json", new.to_bytes()
    if made.timestamp is not None and made.timestamp is not now.timestamp:
        yield f"{TIMESTAMP}.json", made.timestamp.to_bytes()
