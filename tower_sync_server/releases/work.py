"""What people do with releases: offer a model, let it go on, hold it, take it back."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from models.offer import DeviceClass, Offer, Ring, offer_of
from models.release import MANIFEST
from models.rollout import MAX_REASON, Restraint, Rollout
from models.semver import precedence
from tower_sync_server.archive.files import translated
from tower_sync_server.errors import BadRequestError, OperatorError
from tower_sync_server.releases import edits
from tower_sync_server.releases.admission import judged
from tower_sync_server.releases.repository import BEGIN, Done
from tower_sync_server.releases.tuf_words import TargetFile, Targets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tower_sync_server.releases.admission import Judged
    from tower_sync_server.releases.repository import Clock, Repository


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person says about a model beyond its manifest."""

    ring: Ring | None = None
    """The widest that is allowed; None: all in starter mode, canary elsewhere."""
    start: Ring | None = None
    """With whom it begins; the tower opens ring after ring from there. None: `ring` in starter
    mode, canary elsewhere."""
    notes: str = ""
    """What is new."""
    profiles: tuple[str, ...] = ()
    """For which it is; (): for every one that asks for the model."""
    classes: tuple[DeviceClass, ...] = tuple(DeviceClass)
    """Machines that it runs on."""
    memory_mb: int = 0
    """That it needs; 0: not said."""


@dataclass(frozen=True, slots=True)
class Added:
    """A model that was added."""

    offer: Offer
    """What is said of it."""
    tried: bool
    """Whether its golden images were run here."""
    done: Done
    """How it went."""
    again: bool = False
    """Whether it was there already, the same."""


class Releases:
    """The work, on one repository."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        """Nothing is read."""
        self.repository = repository
        self._clock = clock

    def add(self, source: Path, wish: Wish) -> Added:
        """Offer a model folder.

        Raises:
            RefusedFolderError: it must not be offered.
            BadRequestError: this version is there with other content, or a newer one is.
        """
        starter = self._is_starter()
        ring = wish.ring or (Ring.ALL if starter else Ring.CANARY)
        start = (wish.start or (ring if starter else Ring.CANARY)).narrower_of(ring)
        shelf = self.repository.shelf
        with judged(source, shelf.places.pending) as model, shelf.locked():
            targets = self.repository.draft()
            offer, manifest = self._offer(model, ring, wish, targets)
            if _is_there(targets, offer, manifest):
                return Added(offer, model.tried, self.repository.refresh(), again=True)
            self._place(model, offer, manifest, targets)
            hold = _holding(offer, start) if start is not ring else None
            done = self.repository.change_offers(
                lambda targets: edits.add_offer(targets, offer, manifest), hold
            )
            return Added(offer, model.tried, done)

    def promote(self, id: str, version: str | None, ring: Ring, *, step: bool) -> Done:
        """Allow a version a wider ring (or a narrower one).

        Args:
            id: of the model.
            version: None: the newest.
            ring: the widest that is allowed from now on.
            step: the tower opens ring after ring; False: all of it is open at once.
        """
        offer = edits.find_offer(self.repository.draft(), id, version)

        def change(rollout: Rollout) -> Rollout:
            old = rollout.of(offer.id, offer.version)
            hold = old.hold.narrower_of(offer.ring) if step else ring
            return rollout.saying(replace(old, hold=hold.narrower_of(ring)))

        if offer.ring is ring:
            return self.repository.hold(change)
        return self.repository.change_offers(
            lambda targets: edits.set_ring(targets, offer, ring), change
        )

    def pause(self, id: str | None, version: str | None, reason: str) -> Done:
        """Let nobody begin with a version, or with anything; who has it keeps it."""
        if id is None:
            return self.repository.hold(lambda r: Rollout(r.restraints, True, _short(reason)))
        return self._restrain(id, version, lambda r: replace(r, paused=True, reason=_short(reason)))

    def resume(self, id: str | None, version: str | None) -> Done:
        """Undo `pause`."""
        if id is None:
            return self.repository.hold(lambda r: Rollout(r.restraints))
        return self._restrain(id, version, lambda r: replace(r, paused=False, reason=""))

    def blacklist(self, id: str, version: str, reason: str, *, undo: bool = False) -> Done:
        """Have every device that runs a version go back to the one before, or undo that."""
        told = "" if undo else _short(reason)
        return self._restrain(id, version, lambda r: replace(r, blacklisted=not undo, reason=told))

    def rollback(self, id: str, to: str | None, reason: str) -> tuple[Done, tuple[Offer, ...]]:
        """Take back every version after `to`, or only the newest one.

        Returns:
            How it went, and what was taken back.

        Raises:
            BadRequestError: there is nothing to be taken back.
        """
        held = self.repository.read().held
        mine = [o for o in edits.offers(self.repository.draft()) if o.id == id]
        good = [o for o in mine if not held.of(o.id, o.version).blacklisted]
        if to is not None:
            edits.find_offer(self.repository.draft(), id, to)
            bad = [o for o in good if precedence(o.version) > precedence(to)]
        else:
            bad = good[:1]
        if not bad:
            hint = "See what there is: edgecase-tower release status"
            raise BadRequestError(f"No version of {id} is there to be taken back.", hint)

        def change(rollout: Rollout) -> Rollout:
            for offer in bad:
                old = rollout.of(offer.id, offer.version)
                told = _short(reason)
                rollout = rollout.saying(replace(old, blacklisted=True, reason=told))
            return rollout

        return self.repository.hold(change), tuple(bad)

    def remove(self, id: str, version: str) -> Done:
        """Take a version out of what people sign; nobody can bring it back without them."""
        offer = edits.find_offer(self.repository.draft(), id, version)
        shelf = self.repository.shelf
        with shelf.locked():
            done = self.repository.change_offers(lambda targets: edits.remove_offer(targets, offer))
            pending = shelf.pending(done.now)
            kept = [m.signed for m in (done.now.targets, pending.targets) if m is not None]
            shelf.prune(*kept)
        return done

    def _restrain(
        self, id: str, version: str | None, change: Callable[[Restraint], Restraint]
    ) -> Done:
        offer = edits.find_offer(self.repository.draft(), id, version)
        return self.repository.hold(
            lambda rollout: rollout.saying(change(rollout.of(offer.id, offer.version)))
        )

    def _is_starter(self) -> bool:
        now = self.repository.read()
        root = self.repository.shelf.pending(now).root or now.root
        if root is None:
            raise OperatorError("The repository has no root.", BEGIN)
        return edits.is_starter(root.signed)

    def _offer(
        self, model: Judged, ring: Ring, wish: Wish, targets: Targets
    ) -> tuple[Offer, TargetFile]:
        path = model.folder / MANIFEST
        when = self._clock().replace(microsecond=0)
        made = offer_of(model.release, path.stat().st_size, ring, when)
        before = [o.version for o in edits.offers(targets) if o.id == made.id]
        older = [v for v in before if precedence(v) < precedence(made.version)]
        offer = replace(
            made,
            notes=wish.notes,
            profiles=wish.profiles,
            classes=wish.classes,
            memory_mb=wish.memory_mb,
            replaces=older[0] if older else "",
        )
        return offer, TargetFile.from_file(offer.manifest, str(path), ["sha256"])

    def _place(self, model: Judged, offer: Offer, manifest: TargetFile, targets: Targets) -> None:
        """Have the files wait; one that the tower has under another name is linked to it."""
        files = [(file.path, offer.target(file), file.sha256) for file in offer.files]
        files.append((MANIFEST, offer.manifest, manifest.hashes["sha256"]))
        there = {t.hashes["sha256"]: t.get_prefixed_paths()[0] for t in targets.targets.values()}
        shelf = self.repository.shelf
        for name, path, sha256 in files:
            folder, _, base = path.rpartition("/")
            source = model.folder / name
            known = shelf.find(there[sha256]) if sha256 in there else None
            if known is not None:
                _link(known, source)
            shelf.place(source, f"{folder}/{sha256}.{base}")


def _is_there(targets: Targets, offer: Offer, manifest: TargetFile) -> bool:
    there = targets.targets.get(offer.manifest)
    if there is None:
        return False
    if there.hashes != manifest.hashes:
        hint = "Give it a new version: what is signed under a number never changes."
        raise BadRequestError(f"{offer.ref} is offered already, with other content.", hint)
    return True


def _holding(offer: Offer, start: Ring) -> Callable[[Rollout], Rollout]:
    return lambda rollout: rollout.saying(Restraint(offer.id, offer.version, start))


def _link(known: Path, copy: Path) -> None:
    """Replace a copy by a link to the same bytes, where the disk has links."""
    beside = copy.with_name(f"{copy.name}.link")
    try:
        os.link(known, beside)
    except OSError:  # no links here, or too many: the copy serves as well
        return
    with translated():
        beside.replace(copy)


def _short(reason: str) -> str:
    return reason[:MAX_REASON]
