"""Changes the repository: read, decide, write what can be published, and say what can't yet."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tower_sync_server.errors import BadRequestError, OperatorError
from tower_sync_server.releases import edits
from tower_sync_server.releases.changes import read_change
from tower_sync_server.releases.publication import (
    missing_for_targets,
    plan,
    sign,
    stick_timestamp,
)
from tower_sync_server.releases.roles import ROLLOUT, ROOT, TARGETS, TIMESTAMP, Lifetimes
from tower_sync_server.releases.state import Missing, Pending, Plan, Published
from tower_sync_server.releases.tuf_words import Metadata, Root, Targets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from models.rollout import Rollout
    from tower_sync_server.releases.keys import Ring
    from tower_sync_server.releases.shelf import Shelf
    from tower_sync_server.releases.tuf_words import Key

BEGIN = "Begin one: edgecase-tower release init"
UNSIGNED = "The root waits for signatures: edgecase-tower release status"
Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Done:
    """How a change went."""

    now: Published
    """What devices see."""
    missing: tuple[Missing, ...]
    """What waits for signatures; (): everything is published."""
    files: tuple[Path, ...] = ()
    """What people sign."""
    voided: bool = False
    """Whether signatures that somebody gave before were for another content, and are gone."""


class Repository:
    """The repository of one tower. Every method holds its lock."""

    def __init__(
        self, shelf: Shelf, ring: Ring, clock: Clock, lifetimes: Lifetimes | None = None
    ) -> None:
        """Nothing is read.

        Args:
            shelf: where it lies.
            ring: the keys at hand: those of the tower, and those that a person gave.
            clock: wall time, UTC.
            lifetimes: of signatures; None: the usual ones.
        """
        self.shelf = shelf
        self._ring = ring
        self._clock = clock
        self._lifetimes = lifetimes or Lifetimes()

    def begin(self, keys: Mapping[str, Sequence[Key]], thresholds: Mapping[str, int]) -> Done:
        """Begin with nothing on offer.

        Args:
            keys: role → who may sign for it, for every role.
            thresholds: role → how many have to; 1 where it isn't said.

        Raises:
            BadRequestError: there is one, or a threshold can't be met.
        """
        with self.shelf.locked():
            if self.shelf.is_begun():
                raise BadRequestError("There is a repository already.", "See: release status")
            until = self._until()
            root = Metadata(edits.first_root(keys, thresholds, until))
            targets = Metadata(edits.first_targets(keys[ROLLOUT][0], until))
            self._wait(root, targets, root.signed, None)
            return self._settle()

    def refresh(self) -> Done:
        """Sign anew what the tower signs by itself, where that is due; publish what is complete."""
        with self.shelf.locked():
            self._require_begun()
            return self._settle()

    def read(self) -> Published:
        """What devices see.

        Raises:
            OperatorError: there is nothing, or it is broken.
        """
        self._require_begun()
        return self.shelf.published()

    def draft(self) -> Targets:
        """What is on offer, with what waits.

        Raises:
            OperatorError: there is nothing, or it is broken.
        """
        self._require_begun()
        now = self.shelf.published()
        found = self.shelf.pending(now).targets or now.targets
        if found is None:
            raise OperatorError("The repository has no targets.", BEGIN)
        return found.signed

    def change_offers(
        self, edit: Callable[[Targets], None], held: Callable[[Rollout], Rollout] | None = None
    ) -> Done:
        """Change what people offer, and perhaps in the same moment what the tower holds back."""
        with self.shelf.locked():
            self._require_begun()
            now = self.shelf.published()
            pending = self.shelf.pending(now)
            root = pending.root or now.root
            base = pending.targets or now.targets
            if root is None or base is None:
                raise OperatorError("The repository has no root.", BEGIN)
            if held is not None and now.root is None:
                raise OperatorError("Nothing is published yet.", UNSIGNED)
            version = 1 if now.targets is None else now.targets.signed.version + 1
            made = edits.renewed_targets(base.signed, version, self._until())
            edit(made)
            targets = Metadata(made)
            size = len(targets.to_bytes())
            if size > edits.MAX_TARGETS_BYTES:
                hint = "Remove old versions: edgecase-tower release remove MODEL VERSION"
                raise BadRequestError(f"The list of models has {size} bytes, too many.", hint)
            voided = pending.targets is not None and bool(pending.targets.signatures)
            self._wait(None, targets, root.signed, now.root)
            return self._settle(held, voided=voided)

    def change_keys(self, edit: Callable[[Root, Targets], None]) -> Done:
        """Change who may sign; a new root says so, signed by the keys before it and its own."""
        with self.shelf.locked():
            self._require_begun()
            now = self.shelf.published()
            pending = self.shelf.pending(now)
            base, offered = pending.root or now.root, pending.targets or now.targets
            if base is None or offered is None:
                raise OperatorError("The repository has no root.", BEGIN)
            root = edits.renewed_root(base.signed, self._until())
            root.version = 1 if now.root is None else now.root.signed.version + 1
            targets = deepcopy(offered.signed)
            edit(root, targets)
            changed = targets != offered.signed or missing_for_targets(root, offered) is not None
            voided = pending.root is not None and bool(pending.root.signatures)
            again = None
            if changed:
                number = 1 if now.targets is None else now.targets.signed.version + 1
                again = Metadata(edits.renewed_targets(targets, number, self._until()))
                voided |= pending.targets is not None and bool(pending.targets.signatures)
            self._wait(Metadata(root), again, root, now.root)
            return self._settle(voided=voided)

    def hold(self, change: Callable[[Rollout], Rollout]) -> Done:
        """Change what the tower holds back; takes effect at once."""
        with self.shelf.locked():
            self._require_begun()
            return self._settle(change)

    def stamp_stick(self) -> tuple[Published, bytes]:
        """Sign a timestamp that holds for long, and the next one for the tower itself.

        Returns:
            What the stick is to hold, and its timestamp.

        Raises:
            OperatorError: nothing is published, or the key isn't there.
        """
        with self.shelf.locked():
            self._require_begun()
            now = self._settle().now
            stick, mine = stick_timestamp(now, self._ring, self._clock(), self._lifetimes)
            made = replace(now, timestamp=mine)
            writes = ((f"{TIMESTAMP}.json", mine.to_bytes()),)
            self.shelf.carry_out(Plan(made, writes, None, ()), Pending())
            return made, stick.to_bytes()

    def sign(self) -> tuple[Done, int]:
        """Add the signatures that the keys at hand can give.

        Returns:
            How it went, and how many were added.
        """
        with self.shelf.locked():
            self._require_begun()
            return self._sign_waiting()

    def waiting(self) -> list[tuple[Metadata[Any], Root | Targets | None]]:
        """What waits for signatures, each with what it follows."""
        self._require_begun()
        now = self.shelf.published()
        pending = self.shelf.pending(now)
        found: list[tuple[Metadata[Any], Root | Targets | None]] = []
        if pending.root is not None:
            found.append((pending.root, now.root.signed if now.root else None))
        if pending.targets is not None:
            found.append((pending.targets, now.targets.signed if now.targets else None))
        return found

    def take(self, path: Path) -> tuple[Done, int]:
        """Take over the signatures of a file that was signed elsewhere.

        Raises:
            BadRequestError: it is not what waits here.
        """
        with self.shelf.locked():
            self._require_begun()
            pending = self.shelf.pending(self.shelf.published())
            theirs = read_change(path)
            for mine in (pending.root, pending.targets):
                if mine is not None and mine.signed_bytes == theirs.signed_bytes:
                    before = len(mine.signatures)
                    mine.signatures.update(theirs.signatures)
                    self.shelf.keep(mine)
                    return self._settle(), len(mine.signatures) - before
            hint = "See what waits: edgecase-tower release status"
            raise BadRequestError(f"{path} is no change that waits here.", hint)

    def abandon(self) -> int:
        """Forget what waits.

        Returns:
            How many documents that were.
        """
        with self.shelf.locked():
            now = self.shelf.published()
            if now.root is None:
                raise BadRequestError("Nothing is published yet: there is nothing to go back to.")
            pending = self.shelf.pending(now)
            self.shelf.drop(ROOT)
            self.shelf.drop(TARGETS)
            return sum(1 for one in (pending.root, pending.targets) if one is not None)

    def _sign_waiting(self) -> tuple[Done, int]:
        now = self.shelf.published()
        pending = self.shelf.pending(now)
        added = 0
        root = pending.root or now.root
        if pending.root is not None:
            added += sign(pending.root, self._ring, _root_keys(now.root, pending.root.signed))
            self.shelf.keep(pending.root)
        if pending.targets is not None and root is not None:
            added += sign(pending.targets, self._ring, root.signed.roles[TARGETS].keyids)
            self.shelf.keep(pending.targets)
        return self._settle(), added

    def _wait(
        self,
        root: Metadata[Root] | None,
        targets: Metadata[Targets] | None,
        trust: Root,
        before: Metadata[Root] | None,
    ) -> None:
        """Sign with what is at hand, and have it wait."""
        if root is not None:
            sign(root, self._ring, _root_keys(before, root.signed))
            self.shelf.keep(root)
        if targets is not None:
            sign(targets, self._ring, trust.roles[TARGETS].keyids)
            self.shelf.keep(targets)

    def _settle(
        self, change: Callable[[Rollout], Rollout] | None = None, *, voided: bool = False
    ) -> Done:
        now = self.shelf.published()
        pending = self.shelf.pending(now)
        held = change(now.held) if change else now.held
        if held != now.held and now.root is None:
            raise OperatorError("Nothing is published yet.", UNSIGNED)
        decided = plan(now, pending, held, self._ring, self._clock(), self._lifetimes)
        self.shelf.carry_out(decided, pending)
        left = self.shelf.pending(decided.result)
        waiting = (left.root, left.targets)
        files = tuple(self.shelf.path_of(one) for one in waiting if one is not None)
        return Done(decided.result, decided.missing, files, voided)

    def _until(self) -> datetime:
        return (self._clock() + self._lifetimes.people).replace(microsecond=0)

    def _require_begun(self) -> None:
        if not self.shelf.is_begun():
            raise OperatorError("There is no release repository on this tower.", BEGIN)


def utc_now() -> datetime:
    """Wall time."""
    return datetime.now(UTC)


def _root_keys(before: Metadata[Root] | None, root: Root) -> list[str]:
    old = [] if before is None else before.signed.roles[ROOT].keyids
    return [*old, *(k for k in root.roles[ROOT].keyids if k not in old)]
