"""Tries a challenger in the shadow: it looks at the photos of new cases after the champion has.

It runs in a worker of its own at low priority, one photo at a time and only while no photo waits;
what it sees is compared and never shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from edge.adapters.vision.priority import set_niceness
from edge.errors import EdgeError
from edge.events import EventKind
from edge.updates.budget import UNLIMITED
from edge.updates.comparison import Rules, Tally, Verdict, compare, judge
from models.case import SecondOpinion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from edge.events import Event, Events, Subscription
    from edge.ports import Clock, Inspection, Photo, Vision, VisionStatus
    from edge.updates.comparison import Pair
    from models.case import Case
    from models.detection import Prediction

NICENESS = 10
QUIET_S = 0.2
"""Between two looks whether a photo waits."""
BUSY_S = 30.0
"""After so long the challenger has its turn although photos wait, so that it can be judged."""
MOST_DOUBTS = 30
"""Cases of one trial that are sent up as doubtful: a person can't look at more, and a challenger
that sees something else everywhere would send every case twice."""


class Cases(Protocol):
    """The cases whose photos are looked at again."""

    async def get(self, case_id: str) -> Case:
        """The case."""
        ...

    async def photo(self, case_id: str) -> bytes:
        """Its first photo."""
        ...

    async def doubt(self, case_id: str, opinion: SecondOpinion) -> None:
        """Keep that the challenger saw something else, and have the tower hear of it."""
        ...


class Challenger(Protocol):
    """A vision of its own; `WorkerVision` is one."""

    async def start(self) -> None:
        """Begin."""
        ...

    async def ready(self) -> VisionStatus:
        """Wait until it serves, or can't."""
        ...

    async def inspect(self, photo: bytes, profile: str) -> tuple[Inspection, Photo]:
        """Look."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


Make = Callable[["Mapping[str, Path]"], Challenger]
"""Makes eyes that look with these models (id → folder) in the place of the active ones."""
Tell = Callable[[Tally], None]


class Shadow:
    """Tries one challenger at a time."""

    def __init__(
        self,
        make: Make,
        cases: Cases,
        events: Events,
        vision: Vision,
        clock: Clock,
        rules: Rules,
        budgets: Mapping[str, float],
    ) -> None:
        """Keep the parts, and by which model's id how long a photo may take; nothing is started."""
        self._make = make
        self._cases = cases
        self._events = events
        self._vision = vision
        self._clock = clock
        self._rules = rules
        self._budgets = budgets

    async def run(
        self, model: str, folder: Path, tell: Tell = lambda _: None, before: float = 0.0
    ) -> str:
        """Try the version of `model` in `folder` until there is a verdict.

        Args:
            model: its id.
            folder: its files.
            tell: hears what was seen so far, after each photo.
            before: seconds that it was tried before the device was restarted.

        Returns:
            Why it is worse; "" where it may serve.
        """
        async with self._challenger({model: folder}) as eyes:
            status = await eyes.ready()
            if not status.ready or status.refused:
                return status.reason or "; ".join(status.refused.values())
            if status.pid is not None:
                set_niceness(status.pid, NICENESS)
            trial = _Trial(model, f"{model}@{folder.name}", self._clock.monotonic() - before)
            while True:
                async with self._events.listen() as heard:
                    while event := await self._next(heard, trial):
                        if event.kind is EventKind.CASE_STORED:
                            await self._look(eyes, str(event.data["id"]), trial)
                            tell(trial.tally)
                verdict, why = self._judge(trial)
                if verdict is not Verdict.GO_ON:
                    return why
                await asyncio.sleep(QUIET_S)  # fell behind: what was missed doesn't matter

    async def _next(self, heard: Subscription, trial: _Trial) -> Event | None:
        """What happens next; None at the end of the trial, or of the subscription."""
        if self._judge(trial)[0] is not Verdict.GO_ON:
            return None
        left = trial.began + self._rules.seconds - self._clock.monotonic()
        try:
            return await heard.next(max(0.0, left))
        except TimeoutError:
            return None

    def _judge(self, trial: _Trial) -> tuple[Verdict, str]:
        seconds = self._clock.monotonic() - trial.began
        budget = self._budgets.get(trial.model, UNLIMITED)
        return judge(trial.tally, self._rules, seconds, budget)

    async def _look(self, eyes: Challenger, case_id: str, trial: _Trial) -> None:
        """One more photo, where this model has looked at it."""
        try:
            case = await self._cases.get(case_id)
            if not any(ref.partition("@")[0] == trial.model for ref in case.models.values()):
                return
            photo = await self._cases.photo(case_id)
            await self._quiet()
            champion, _ = await self._vision.inspect(photo, case.profile)
        except (EdgeError, OSError):  # the case is gone, or there is no time: nobody's fault
            return
        try:
            challenger, _ = await eyes.inspect(photo, case.profile)
        except EdgeError:  # also "this is no picture": the other could read it
            trial.tally = replace(trial.tally, failures=trial.tally.failures + 1)
            return
        times = champion.timings.get("cpu", 0.0), challenger.timings.get("cpu", 0.0)
        pair = compare(champion.predictions, challenger.predictions, *times)
        trial.tally = trial.tally.plus(pair)
        if (pair.only_champion or pair.only_challenger) and trial.doubts < MOST_DOUBTS:
            trial.doubts += 1
            await self._doubt(case_id, trial, pair, challenger.predictions)

    async def _doubt(
        self, case_id: str, trial: _Trial, pair: Pair, seen: Sequence[Prediction]
    ) -> None:
        opinion = SecondOpinion(
            at=self._clock.now(),
            model=trial.ref,
            missed=pair.only_champion,
            added=pair.only_challenger,
            predictions=tuple(seen),
        )
        with suppress(EdgeError):  # the case is gone, or the disk is full: the trial goes on
            await self._cases.doubt(case_id, opinion)

    async def _quiet(self) -> None:
        """Let photos that wait go first."""
        for _ in range(round(BUSY_S / QUIET_S)):
            if not self._vision.status().waiting:
                return
            await asyncio.sleep(QUIET_S)

    @asynccontextmanager
    async def _challenger(self, models: Mapping[str, Path]) -> AsyncIterator[Challenger]:
        eyes = self._make(models)
        await eyes.start()
        try:
            yield eyes
        finally:
            await eyes.close()


@dataclass(slots=True)
class _Trial:
    model: str
    """Id of the challenger's model."""
    ref: str
    """id@version of the challenger."""
    began: float
    """Seconds, monotonic."""
    tally: Tally = Tally()
    """What was seen."""
    doubts: int = 0
    """Cases that were sent up as doubtful."""
