"""Takes versions through their stations: trial in the shadow, a person's word, probation, back.

    TRYING → (WAITING) → ACTIVATED → PROVED       or REFUSED, WORSE, ROLLED_BACK

The station is on the disk before the next step begins, and every step can be taken twice: a power
cut between two of them leaves something that `go_on` takes up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from edge.errors import EdgeError, RefusedModelFileError
from edge.events import EventKind
from edge.updates.probation import FEWEST_TIMES, p95
from edge.updates.status import Compared
from models.release import Task
from models.rollout import Result
from models.semver import precedence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from edge.events import Events
    from edge.library.library import Model, ModelLibrary
    from edge.ports import VisionStatus
    from edge.updates.outcomes import Outcomes
    from edge.updates.shadow import Shadow
    from edge.updates.status import Board
    from edge.updates.watches import Watches

COUNT_S = 300.0
"""Between two notes of how long a version has been at its station."""
RELOADS_S = (1.0, 5.0, 0.0)
"""Pauses after a reload that failed, on the way back."""

log = logging.getLogger(__name__)


class Serves(Protocol):
    """What swaps models; `WorkerVision` is one."""

    async def ready(self) -> VisionStatus:
        """Wait until the first worker serves, or has failed to."""
        ...

    async def reload(self) -> VisionStatus:
        """Start what is active now, try it, and move the traffic to it."""
        ...

    def status(self) -> VisionStatus:
        """How it is."""
        ...

    def recent_ms(self) -> tuple[float, ...]:
        """How long the latest photos took, milliseconds."""
        ...


@dataclass(frozen=True, slots=True)
class Orders:
    """What may be done without asking."""

    policy: str
    """`auto`, `ask` or `manual`."""
    may: Callable[[str], bool]
    """Whether the tower still offers id@version to this device."""


class Course:
    """One version at a time."""

    def __init__(
        self,
        shadow: Shadow,
        watches: Watches,
        library: ModelLibrary,
        outcomes: Outcomes,
        vision: Serves,
        events: Events,
        board: Board,
        orders: Orders,
    ) -> None:
        """Keep the parts.

        Args:
            shadow: tries a version.
            watches: watch one.
            library: what is here, and what is active.
            outcomes: where each version stands.
            vision: what serves.
            events: hears of swaps.
            board: where it is written what is being done.
            orders: what may be done without asking.
        """
        self._shadow = shadow
        self._watches = watches
        self._library = library
        self._outcomes = outcomes
        self._vision = vision
        self._events = events
        self._board = board
        self._asks, self._may = orders.policy == "ask", orders.may
        self._moving = asyncio.Lock()
        self._usual_ms = 0.0

    async def go_on(self) -> None:
        """Take up what a restart cut off, and what a person has said meanwhile."""
        await self._vision.ready()
        for outcome in await asyncio.to_thread(self._outcomes.all):
            if outcome.result in (Result.PROVED, Result.UNFIT):
                continue
            model = await self.here(outcome.id, outcome.version)
            if model is None:
                continue
            if model.active:
                await self._go_on_serving(model, outcome.result)
            elif outcome.result is Result.TRYING and self._may(model.release.ref):
                await self.try_(model)
            elif outcome.result is Result.WAITING and not self._asks:
                await self.serve(model)

    async def _go_on_serving(self, model: Model, result: Result) -> None:
        release = model.release
        if result.is_failure:  # the power went between the word and the deed
            await self.back(release.id, release.version, result, self._why(model))
            return
        if result is not Result.ACTIVATED:  # a person's word, or a cut just before this note
            await self._note(model, Result.ACTIVATED)
            await self.tell_waiting()
        await self._watch(model)

    async def try_(self, model: Model) -> None:
        """In the shadow; then it serves, waits for a person, or is out."""
        release = model.release
        if release.task is not Task.WRITE:
            await self._note(model, Result.TRYING)
            async with self._counted(model, Result.TRYING) as before:
                self._board.say(phase="shadow", version=release.ref, compared=Compared())
                why = await self._shadow.run(
                    release.id,
                    model.folder,
                    lambda tally: self._board.say(compared=Compared.of(tally)),
                    before,
                )
            self._board.say(phase="idle", version="")
            if why:
                log.warning("%s stays off: %s", release.ref, why)
                await self._note(model, Result.WORSE, why)
                self._board.say(problem=f"{release.ref}: {why}")
                return
        await self._note(model, Result.WAITING)
        await self.tell_waiting()
        if not self._asks:
            await self.serve(model)

    async def serve(self, model: Model) -> None:
        """Let it serve, on probation; where it can't, the version before goes on."""
        release = model.release
        now = await asyncio.to_thread(self._library.active, release.id)
        newer = now is None or precedence(release.version) >= precedence(now.release.version)
        if not newer or not self._may(release.ref):
            return
        times = self._vision.recent_ms()
        self._usual_ms = p95(times) if len(times) >= FEWEST_TIMES else 0.0
        try:
            async with self._moving:
                await asyncio.to_thread(self._library.activate, release.id, release.version)
                if release.task is not Task.WRITE:  # the writer asks the library for each text
                    await self._reload()
        except RefusedModelFileError as e:  # anything else says nothing about the version
            await self.back(release.id, release.version, Result.REFUSED, e.message)
            return
        await self._note(model, Result.ACTIVATED)
        await self._watch(model)

    async def _watch(self, model: Model) -> None:
        """Probation."""
        release = model.release
        writes, status = release.task is Task.WRITE, self._vision.status()
        if not writes and status.ready and release.ref not in {m.ref for m in status.models}:
            try:  # chosen while nobody served, or by a program that could not tell the daemon
                await self._reload()
            except RefusedModelFileError as e:
                await self.back(release.id, release.version, Result.REFUSED, e.message)
                return
        previous = await asyncio.to_thread(self._library.previous, release.id)
        async with self._counted(model, Result.ACTIVATED) as before:
            self._board.say(phase="probation", version=release.ref)
            why = await self._watches.run(model, previous, self._usual_ms, before)
        self._board.say(phase="idle", version="")
        now = await self.here(release.id, release.version)
        if why is None or now is None or not now.active:
            return  # a person chose another meanwhile
        if why:
            await self.back(release.id, release.version, Result.ROLLED_BACK, why)
        else:
            await self._note(model, Result.PROVED)

    async def back(
        self, id: str, version: str, result: Result, why: str, banned: Collection[str] = ()
    ) -> None:
        """Have the version before serve again, and never take this one once more.

        Args:
            id: of the model.
            version: which goes.
            result: what is noted of it.
            why: for people.
            banned: id@version of what must not serve in its place.
        """
        log.warning("%s@%s goes: %s", id, version, why)
        self._board.say(problem=f"{id}@{version}: {why}")
        async with self._moving:
            try:
                await asyncio.to_thread(self._outcomes.note, id, version, result, why)
            except EdgeError as e:  # a full disk must not keep it serving
                log.error("what became of %s@%s can't be noted: %s", id, version, e.message)  # noqa: TRY400 - no trace
            try:
                avoid = {*self._outcomes.failed(), *banned}
                await asyncio.to_thread(self._library.rollback, id, version, avoid)
                await self._surely_reload()
            except EdgeError as e:
                log.error("the version before %s@%s does not serve: %s", id, version, e.message)  # noqa: TRY400 - no trace

    async def tell_waiting(self) -> None:
        """Say what waits for a person's word: it is so noted, is here, and doesn't serve."""
        refs = await asyncio.to_thread(self._waiting)
        self._board.say(waiting=refs)

    async def here(self, id: str, version: str) -> Model | None:
        """A version on this device."""
        models = await asyncio.to_thread(self._library.list)
        return next((m for m in models if (m.release.id, m.release.version) == (id, version)), None)

    @asynccontextmanager
    async def _counted(self, model: Model, result: Result) -> AsyncIterator[float]:
        """Remember how long it takes: a device that is switched off each evening comes to an end.

        Yields:
            Seconds before this start.
        """
        release = model.release
        at = release.id, release.version, result
        before, began = await asyncio.to_thread(self._outcomes.spent, *at), monotonic()

        async def count() -> None:
            while True:
                await asyncio.sleep(COUNT_S)
                spent = before + monotonic() - began
                with suppress(EdgeError):  # a full disk: the next one, or it takes longer
                    await asyncio.to_thread(self._outcomes.spend, *at, spent)

        counting = asyncio.create_task(count(), name="count")
        try:
            yield before
        finally:
            counting.cancel()
            await asyncio.gather(counting, return_exceptions=True)

    def _waiting(self) -> tuple[str, ...]:
        idle = {model.release.ref for model in self._library.list() if not model.active}
        noted = (o for o in self._outcomes.all() if o.result is Result.WAITING)
        return tuple(sorted({f"{o.id}@{o.version}" for o in noted} & idle))

    def _why(self, model: Model) -> str:
        outcome = self._outcomes.of(model.release.id, model.release.version)
        return outcome.reason if outcome is not None else ""

    async def _note(self, model: Model, result: Result, why: str = "") -> None:
        release = model.release
        await asyncio.to_thread(self._outcomes.note, release.id, release.version, result, why)

    async def _surely_reload(self) -> None:
        for pause in RELOADS_S:
            try:
                await self._reload()
            except EdgeError:
                if not pause:
                    raise
                await asyncio.sleep(pause)
            else:
                return

    async def _reload(self) -> None:
        status = await self._vision.reload()
        refs = sorted({model.ref for model in status.models})
        self._events.publish(EventKind.MODEL_SWAPPED, {"models": refs})
