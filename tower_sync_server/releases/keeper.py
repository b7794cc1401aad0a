"""Keeps the repository while the tower runs: signs anew in time, and watches the rollouts."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from models.jsonable import InvalidWordError
from models.offer import Ring
from tower_sync_server.archive.files import translated
from tower_sync_server.errors import TowerError
from tower_sync_server.releases import edits
from tower_sync_server.releases.judge import Heard, Limits, Open, Stop, Verdict, judge
from tower_sync_server.releases.keys import read_ring
from tower_sync_server.releases.repository import Repository
from tower_sync_server.releases.shelf import Shelf, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from models.offer import Offer
    from models.rollout import Rollout
    from tower_sync_server.releases.bell import Bell
    from tower_sync_server.releases.places import Places
    from tower_sync_server.releases.repository import Clock
    from tower_sync_server.releases.roles import Lifetimes
    from tower_sync_server.releases.state import Published

log = logging.getLogger(__name__)


class Keeper:
    """Runs beside the tower's other parts."""

    def __init__(
        self,
        places: Places,
        reports: Callable[[], Sequence[Heard]],
        bell: Bell,
        clock: Clock,
        limits: Limits,
        lifetimes: Lifetimes | None = None,
    ) -> None:
        """Nothing is read.

        Args:
            places: where the repository lies; none need be there.
            reports: what was heard of devices lately; may block.
            bell: tells them.
            clock: wall time, UTC.
            limits: when a rollout stops.
            lifetimes: of signatures; None: the usual ones.
        """
        self._places = places
        self._reports = reports
        self._bell = bell
        self._clock = clock
        self._limits = limits
        self._lifetimes = lifetimes
        self._told: int | None = None
        """Version of the snapshot that devices were told of."""

    async def run(self, every_s: float) -> None:
        """Look every so often, until cancelled."""
        try:
            while True:
                await asyncio.to_thread(self.look)
                await asyncio.sleep(every_s)
        finally:
            self._bell.close()

    def look(self) -> None:
        """Look once. Trouble here is said, and stops nothing else."""
        shelf = Shelf(self._places)
        try:
            if shelf.is_begun():
                self._look(shelf)
        except (TowerError, InvalidWordError) as e:
            hint = e.hint if isinstance(e, TowerError) else ""
            log.error("the releases can't be kept up: %s %s", e, hint)  # noqa: TRY400 - said whole

    def _look(self, shelf: Shelf) -> None:
        repository = Repository(shelf, read_ring(self._places.keys), self._clock, self._lifetimes)
        now = repository.refresh().now
        heard = self._reports()
        for offer in edits.offers(now.targets.signed) if now.targets else ():
            now = self._one(repository, now, offer, heard)
        self._tell(now)

    def _one(
        self, repository: Repository, now: Published, offer: Offer, heard: Sequence[Heard]
    ) -> Published:
        restraint = now.held.of(offer.id, offer.version)
        looked_at = self._forgiven()
        verdict = judge(offer, restraint, heard, looked_at.get(offer.ref, ()), self._limits)
        if not isinstance(verdict, (Stop, Open)):
            return now
        done = repository.hold(lambda held: apply(verdict, offer, held))
        if isinstance(verdict, Stop):
            names = sorted({*looked_at.get(offer.ref, ()), *verdict.failed})
            self._forgive({**looked_at, offer.ref: names})
            log.error("release %s is paused: %s", offer.ref, verdict.reason)
        else:
            log.info("release %s opens to %s: %s", offer.ref, verdict.ring.value, verdict.reason)
        return done.now

    def _tell(self, now: Published) -> None:
        self._bell.check()
        version = None if now.snapshot is None else now.snapshot.signed.version
        if version is None or version == self._told:
            return
        for ring in Ring:
            self._bell.ring(ring, version)
        self._told = version

    def _forgiven(self) -> dict[str, list[str]]:
        """Devices that a version was paused for: whoever resumes it has seen them."""
        try:
            said = json.loads(self._places.forgiven.read_bytes())
            return {str(ref): [str(name) for name in names] for ref, names in said.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}  # at worst a version is paused once more

    def _forgive(self, names: dict[str, list[str]]) -> None:
        with translated():
            write_whole(self._places.forgiven, json.dumps(names, indent=1).encode())


def apply(verdict: Verdict, offer: Offer, held: Rollout) -> Rollout:
    """What is held back after a verdict. Only ever narrower than what people signed."""
    restraint = held.of(offer.id, offer.version)
    if isinstance(verdict, Stop):
        return held.saying(replace(restraint, paused=True, reason=verdict.reason))
    if isinstance(verdict, Open):
        return held.saying(replace(restraint, hold=verdict.ring))
    return held
