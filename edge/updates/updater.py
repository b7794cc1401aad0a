"""The updater: hint or timer → look → fetch → try → shadow → activate → probation → back if worse.

    look, choose, fetch, try   `Puller`, in a thread
    shadow                     `Shadow`, beside what serves
    probation                  `Probation`, of what serves

Where it stands is in `Outcomes` at every moment, so that it goes on after a power cut. One version
at a time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge.errors import EdgeError
from edge.events import EventKind
from edge.updates.device import class_here
from edge.updates.probation import p95
from edge.updates.pull import Puller
from edge.updates.source import Source
from edge.updates.status import Compared, UpdateStatus
from models.jsonable import to_json
from models.offer import Ring
from models.release import ModelRelease, Task
from models.rollout import REPORT, DeviceReport, Result

if TYPE_CHECKING:
    from edge.events import Events
    from edge.model_library import Model, ModelLibrary
    from edge.ports import VisionStatus
    from edge.updates.fetch import Progress
    from edge.updates.outcomes import Outcomes
    from edge.updates.probation import Probation
    from edge.updates.pull import Found
    from edge.updates.shadow import Shadow
    from models.offer import Offer

JITTER = 0.2
"""Share of the time between two looks by which a device is early or late: a fleet is spread."""
FIRST_LOOK_S = 5.0
"""After the start."""

log = logging.getLogger(__name__)


class Serves(Protocol):
    """What swaps models; `WorkerVision` is one."""

    async def reload(self) -> VisionStatus:
        """Start what is active now, try it, and move the traffic to it."""
        ...

    def recent_ms(self) -> tuple[float, ...]:
        """How long the latest photos took, milliseconds."""
        ...


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
        probation: Probation,
        library: ModelLibrary,
        outcomes: Outcomes,
        vision: Serves,
        events: Events,
        rhythm: Rhythm,
    ) -> None:
        """Keep the parts; nothing is done before `run`."""
        self._supply = supply
        self._shadow = shadow
        self._probation = probation
        self._library = library
        self._outcomes = outcomes
        self._vision = vision
        self._events = events
        self._rhythm = rhythm
        self._who = DeviceReport(rhythm.ring, class_here())
        self._hinted = asyncio.Event()
        self._status = UpdateStatus()
        self._usual_ms = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def status(self) -> UpdateStatus:
        """What it is doing."""
        return self._status

    def look_soon(self) -> None:
        """There may be something new."""
        self._hinted.set()

    def report(self) -> Mapping[str, object]:
        """What is told to the tower: ring, machine, and what became of each version."""
        return {REPORT: to_json(replace(self._who, outcomes=self._outcomes.all()))}

    async def run(self) -> None:
        """Look, now and then, until cancelled."""
        self._loop = asyncio.get_running_loop()
        work = asyncio.create_task(self._go_on(), name="version")
        pause = FIRST_LOOK_S
        try:
            while True:
                await self._wait(pause)
                pause = self._rhythm.pause_s()
                found = await self._look()
                if found is None:
                    continue
                await self._obey(found, work)
                if work.done():
                    work.result()
                    work = asyncio.create_task(self._work(found), name="version")
        finally:
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

    async def _look(self) -> Found | None:
        try:
            found = await asyncio.to_thread(lambda: self._supply.puller.look(self._supply.source()))
        except EdgeError as e:
            log.warning("the release repository: %s", e.message)
            self._say(problem=e.message)
            return None
        self._say(problem="")
        return found

    async def _obey(self, found: Found, work: asyncio.Task[None]) -> None:
        """Go back from what must not serve any longer, and end the trial of what is held back."""
        for ref in found.choice.banned:
            log.warning("%s must not serve any longer", ref)
            id, _, version = ref.partition("@")
            await self._back(id, version, Result.ROLLED_BACK, "the tower took it back")
        now = self._status.version
        if self._status.phase == "shadow" and now in found.choice.leave and not work.done():
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._say(phase="idle", version="")

    # One version after the other

    async def _go_on(self) -> None:
        """Take up what a restart cut off."""
        for outcome in self._outcomes.all():
            model = self._here(outcome.id, outcome.version)
            if model is None:
                continue
            if outcome.result is Result.ACTIVATED and model.active:
                await self._watch(model)
            elif outcome.result is Result.TRYING and not model.active:
                await self._try(model)

    async def _work(self, found: Found) -> None:
        await self._go_on()
        await self._take(found)

    async def _take(self, found: Found) -> None:
        if self._rhythm.policy == "manual":
            return
        for offer in found.choice.take:
            known = self._here(offer.id, offer.version)
            if known is None:
                known = await self._fetch(found, offer)
            if known is not None and not known.active:
                await self._try(known)

    async def _fetch(self, found: Found, offer: Offer) -> Model | None:
        self._say(phase="fetching", version=offer.ref, total=offer.size, done=0)
        supply, first = self._supply, self._library.active(offer.id) is None
        try:
            await asyncio.to_thread(
                lambda: supply.puller.install(
                    found, offer, supply.source(), supply.trial, self._progress
                )
            )
        except EdgeError as e:
            log.warning("%s was not installed: %s", offer.ref, e.message)
            self._say(phase="idle", version="", problem=e.message)
            return None
        self._say(phase="idle", version="")
        model = self._here(offer.id, offer.version)
        if model is not None and first:
            await self._serve(model)
            return None
        return model

    def _progress(self, _: Offer, progress: Progress) -> None:
        """In the thread that fetches."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(
                lambda: self._say(done=progress.done, total=progress.total)
            )

    async def _try(self, model: Model) -> None:
        """In the shadow; then it serves, waits for a person, or is out."""
        release = model.release
        if release.ref in self._status.waiting:
            return
        if release.task is not Task.WRITE:
            self._outcomes.note(release.id, release.version, Result.TRYING)
            self._say(phase="shadow", version=release.ref, compared=Compared())
            why = await self._shadow.run(
                release.id, model.folder, lambda tally: self._say(compared=Compared.of(tally))
            )
            self._say(phase="idle", version="")
            if why:
                log.warning("%s stays off: %s", release.ref, why)
                self._outcomes.note(release.id, release.version, Result.WORSE, why)
                self._say(problem=f"{release.ref}: {why}")
                return
        if self._rhythm.policy == "ask":
            self._say(waiting=(*self._status.waiting, release.ref))
            return
        await self._serve(model)

    async def _serve(self, model: Model) -> None:
        release = model.release
        self._usual_ms = p95(self._vision.recent_ms())
        try:
            await asyncio.to_thread(self._library.activate, release.id, release.version)
            await self._reload()
        except EdgeError as e:
            await self._back(release.id, release.version, Result.REFUSED, e.message)
            return
        self._outcomes.note(release.id, release.version, Result.ACTIVATED)
        if release.task is not Task.WRITE:
            await self._watch(model)

    async def _watch(self, model: Model) -> None:
        """Probation."""
        release = model.release
        self._say(phase="probation", version=release.ref)
        why = await self._probation.run(self._usual_ms)
        self._say(phase="idle", version="")
        now = self._here(release.id, release.version)
        if now is None or not now.active:
            return  # a person chose another meanwhile
        if why:
            await self._back(release.id, release.version, Result.ROLLED_BACK, why)
        else:
            self._outcomes.note(release.id, release.version, Result.PROVED)

    async def _back(self, id: str, version: str, result: Result, why: str) -> None:
        """Have the version before serve again, and never take this one once more."""
        log.warning("%s@%s goes: %s", id, version, why)
        self._outcomes.note(id, version, result, why)
        self._say(problem=f"{id}@{version}: {why}")
        try:
            now = self._library.active(id)
            if now is not None and now.release.version == version:
                await asyncio.to_thread(self._library.rollback, id)
            await self._reload()
        except EdgeError as e:
            log.error("the version before %s@%s does not serve: %s", id, version, e.message)

    async def _reload(self) -> None:
        status = await self._vision.reload()
        refs = sorted({model.ref for model in status.models})
        self._events.publish(EventKind.MODEL_SWAPPED, {"models": refs})

    def _here(self, id: str, version: str) -> Model | None:
        models = self._library.list()
        return next((m for m in models if (m.release.id, m.release.version) == (id, version)), None)

    def _say(self, **change: object) -> None:
        self._status = replace(self._status, **change)  # type: ignore[arg-type]
