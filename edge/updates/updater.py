"""The updater: hint or timer → look → fetch → try → shadow → activate → probation → back if worse.

    look, choose, fetch, try    `Puller`, in a thread
    shadow, probation, back     `Course`

Whatever a repository holds must not take down what serves: what goes wrong while looking and
fetching is told and tried again. A version whose trial was cut off goes on at the next round.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import EdgeError, UnavailableError
from edge.events import EventKind
from edge.updates.course import Course, Orders, Serves
from edge.updates.device import class_here
from edge.updates.pull import Puller
from edge.updates.source import Source
from edge.updates.status import Board, UpdateStatus
from models.jsonable import to_json
from models.offer import Ring
from models.release import ModelRelease
from models.rollout import REPORT, DeviceReport, Result

if TYPE_CHECKING:
    from edge.events import Events
    from edge.library.library import Model, ModelLibrary
    from edge.updates.fetch import Progress
    from edge.updates.outcomes import Outcomes
    from edge.updates.pull import Found
    from edge.updates.shadow import Shadow
    from edge.updates.watches import Watches
    from models.offer import Offer

JITTER = 0.2
"""Share of the time between two looks by which a device is early or late: a fleet is spread."""
FIRST_LOOK_S = 5.0
"""After the start."""

TAKEN_BACK = "the tower took it back"
DECIDED = (Result.WAITING, Result.ACTIVATED, Result.PROVED)
"""Where a version that is here is not tried once more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Supply:
    """Where versions come from."""

    puller: Puller
    """Looks, fetches, installs."""
    source: Callable[[], Source]
    """The repository."""
    trial: Callable[[Path, ModelRelease], None]
    """Runs a version on its golden images before it counts."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When it looks, and what it may do by itself."""

    policy: str
    """`auto`, `ask` or `manual`."""
    ring: Ring
    """With whom it begins."""
    every_s: float
    """Between two looks, about."""
    rng: random.Random
    """Spreads a fleet."""

    def pause_s(self) -> float:
        """Until the next look."""
        return self.every_s * self.rng.uniform(1 - JITTER, 1 + JITTER)


class Updater:
    """Runs as long as the daemon does."""

    def __init__(
        self,
        supply: Supply,
        shadow: Shadow,
        watches: Watches,
        library: ModelLibrary,
        outcomes: Outcomes,
        vision: Serves,
        events: Events,
        rhythm: Rhythm,
    ) -> None:
        """Keep the parts; nothing is done before `run`."""
        self._supply = supply
        self._library = library
        self._outcomes = outcomes
        self._rhythm = rhythm
        self._board = Board(lambda news: events.publish(EventKind.UPDATE, news))
        self._course = Course(
            shadow, watches, library, outcomes, vision, events, self._board,
            Orders(rhythm.policy, self._may_go_on),
        )  # fmt: skip
        self._who = DeviceReport(rhythm.ring, class_here())
        self._hinted = asyncio.Event()
        self._found: Found | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = threading.Event()

    def status(self) -> UpdateStatus:
        """What it is doing."""
        return self._board.status

    def look_soon(self) -> None:
        """There may be something new, or a person may have said a word."""
        self._hinted.set()

    def report(self) -> Mapping[str, object]:
        """What is told to the tower: ring, machine, and what became of each version."""
        return {REPORT: to_json(replace(self._who, outcomes=self._outcomes.all()))}

    async def run(self) -> None:
        """Look, now and then, until cancelled."""
        self._loop = asyncio.get_running_loop()
        work = asyncio.create_task(self._work(), name="version")
        pause = FIRST_LOOK_S
        try:
            while True:
                await self._wait(pause)
                pause = self._rhythm.pause_s()
                await self._look()
                await self._obey(work)
                if work.done():
                    if not work.cancelled():
                        work.result()  # what it didn't expect ends the daemon, loudly
                    work = asyncio.create_task(self._work(), name="version")
        finally:
            self._stopping.set()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    # Looking

    async def _wait(self, pause: float) -> None:
        try:
            async with asyncio.timeout(pause):
                await self._hinted.wait()
        except TimeoutError:
            pass
        self._hinted.clear()

    async def _look(self) -> None:
        puller = self._supply.puller
        try:
            self._found = await asyncio.to_thread(lambda: puller.look(self._supply.source()))
        except EdgeError as e:
            log.warning("the release repository: %s", e.message)
            self._board.say(problem=e.message)
        except Exception as e:  # whatever a stranger's files set off, what serves goes on
            log.exception("the release repository")
            self._board.say(problem=f"The release repository can't be read: {e!r}.")
        else:
            self._board.say(problem="")

    async def _obey(self, work: asyncio.Task[None]) -> None:
        """Go back from what must not serve any longer, and end the trial of what is held back."""
        if self._found is None:
            return
        banned = {ref for ref in self._found.choice.banned if self._is_new(ref)}
        now, phase = self._board.status.version, self._board.status.phase
        held = phase == "shadow" and not self._may_go_on(now)
        if held or (phase == "probation" and now in banned):
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._board.say(phase="idle", version="", problem=self._why_not(now))
        for ref in banned:
            id, _, version = ref.partition("@")
            await self._course.back(id, version, Result.ROLLED_BACK, TAKEN_BACK, self._banned())
        await self._course.tell_waiting()

    def _is_new(self, ref: str) -> bool:
        """Whether this has yet to be obeyed: there may be nothing else that could serve."""
        outcome = self._outcomes.of(*ref.split("@", 1))
        return outcome is None or outcome.reason != TAKEN_BACK

    def _may_go_on(self, ref: str) -> bool:
        """Whether it is on offer to this device, as far as is known; after a restart, not yet."""
        return self._found is None or ref in self._found.choice.open

    def _why_not(self, ref: str) -> str:
        why = self._found.choice.leave.get(ref) if self._found else None
        return f"{ref}: {why or 'it is not on offer any more'}"

    def _banned(self) -> frozenset[str]:
        restraints = self._found.catalogue.rollout.restraints if self._found else ()
        return frozenset(f"{r.id}@{r.version}" for r in restraints if r.blacklisted)

    # One version after the other

    async def _work(self) -> None:
        try:
            await self._course.tell_waiting()
            await self._course.go_on()
            await self._take()
            await self._course.tell_waiting()
        except EdgeError as e:  # a full disk, say: tried again at the next round
            log.error("a version waits for the next round: %s", e.message)  # noqa: TRY400 - no trace
            self._board.say(phase="idle", version="", problem=e.message)

    async def _take(self) -> None:
        if self._rhythm.policy == "manual" or self._found is None:
            return
        for ref in [offer.ref for offer in self._found.choice.take]:
            # Asked anew each time: the trial before this one may have taken a day.
            offer = next((o for o in self._found.choice.take if o.ref == ref), None)
            if offer is None:
                continue
            known = await self._course.here(offer.id, offer.version)
            if known is None:
                known = await self._fetch(self._found, offer)
            elif self._has_been_tried(offer):
                continue
            if known is not None and not known.active and self._may_go_on(ref):
                await self._course.try_(known)

    def _has_been_tried(self, offer: Offer) -> bool:
        """It waits for a person, or a person has chosen another after it."""
        outcome = self._outcomes.of(offer.id, offer.version)
        return outcome is not None and outcome.result in DECIDED

    async def _fetch(self, found: Found, offer: Offer) -> Model | None:
        """Have it on the device; None where it isn't, or serves already."""
        supply, first = self._supply, self._library.active(offer.id) is None
        self._board.say(phase="fetching", version=offer.ref, total=offer.size, done=0)
        try:
            if first:  # it is active as soon as it is here, and must be watched after a power cut
                self._outcomes.note(offer.id, offer.version, Result.TRYING)
            await asyncio.to_thread(
                lambda: supply.puller.install(
                    found, offer, supply.source(), supply.trial, self._progress
                )
            )
        except EdgeError as e:
            log.warning("%s was not installed: %s", offer.ref, e.message)
            self._board.say(phase="idle", version="", problem=e.message)
            return None
        except Exception as e:  # whatever a stranger's files set off, what serves goes on
            log.exception("%s was not installed", offer.ref)
            self._board.say(phase="idle", version="", problem=f"{offer.ref}: {e!r}")
            return None
        self._board.say(phase="idle", version="")
        model = await self._course.here(offer.id, offer.version)
        if model is not None and first:
            await self._course.serve(model)
            return None
        return model

    def _progress(self, _: Offer, progress: Progress) -> None:
        """In the thread that fetches."""
        if self._stopping.is_set() or self._loop is None:
            raise UnavailableError("The device is shutting down; the rest comes next time.")
        self._loop.call_soon_threadsafe(
            lambda: self._board.say(done=progress.done, total=progress.total)
        )
