"""The eyes of the device: one worker at a time, watched, replaced when it fails, swapped on demand.

    inspect ─► queue ─► worker ─► answer          a crash: once more, on a fresh worker
                          │                       no answer in time: killed, the job fails
                   idle: a ping every few seconds, to find a stopped worker before a photo does

One task (`_serve`) owns the worker; everything else puts jobs or a successor in front of it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.adapters.vision.answers import Asked, failure, photo_of
from edge.adapters.vision.blame import Blame
from edge.adapters.vision.measured import MeasuredModels
from edge.adapters.vision.messages import Annotate, Annotated, Inspect, Inspected, Ping, Pong, Start
from edge.adapters.vision.process import COMMAND, WorkerGoneError, WorkerStuckError
from edge.adapters.vision.start import (
    STEP_S,
    Serving,
    StartFailedError,
    start_without_culprits,
    start_worker,
)
from edge.errors import EdgeError, RefusedModelFileError, VisionBusyError, VisionFailedError
from edge.ports import Inspection, Photo, VisionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.detection import Prediction

TRIES = 2
"""Workers that one job may use up."""
RECENT = 100
"""Photos whose times are kept."""
PULSE_S = 1.0
"""Seconds in which an idle worker answers a ping."""
RETRY_S = (0.2, 1.0, 5.0, 30.0)
"""Seconds before the next try to start a worker, after the first, second, … failure in a row."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VisionLimits:
    """What a worker may take."""

    deadline_s: float = 10.0
    """For one job."""
    start_s: float = STEP_S
    """For each step of a worker's start: its imports, and each model's trial."""
    max_rss_mb: float = 400.0
    """Resident memory from which it is replaced, between two jobs."""
    queue: int = 64
    """Jobs that may wait."""
    queue_bytes: int = 64_000_000
    """Of the photos that wait; one may always."""
    heartbeat_s: float = 1.0
    """Between two looks at an idle worker."""


class WorkerVision:
    """Implements `edge.ports.Vision` with a child process."""

    def __init__(
        self,
        plan: Callable[[], Start],
        limits: VisionLimits,
        measured: MeasuredModels | None = None,
        command: Sequence[str] = COMMAND,
        on_serving: Callable[[VisionStatus], None] = lambda _: None,
    ) -> None:
        """Keep the parts; `start` starts.

        Args:
            plan: what is active now; asked at the start and at each reload.
            limits: what a worker may take.
            measured: keeps the models' measurements; None keeps none.
            command: what executes a worker.
            on_serving: told whenever another worker has begun to serve.
        """
        self._plan = plan
        self._limits = limits
        self._measured = measured or MeasuredModels(None)
        self._command = command
        self._on_serving = on_serving
        self._blame = Blame()
        self._start: Start | None = None
        self._serving: Serving | None = None
        self._next: tuple[Serving, Start] | None = None
        self._jobs: deque[Asked] = deque()
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._ends: set[asyncio.Task[None]] = set()
        self._reason = "starting"
        self._failures = 0
        self._started = 0
        self._done = 0
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._turned = time.monotonic()

    async def start(self) -> None:
        """Begin to serve; returns at once, `ready` waits."""
        self._start = self._plan()
        self._task = asyncio.create_task(self._serve(), name="vision")

    async def ready(self) -> VisionStatus:
        """Wait until the worker serves, or the first try has failed; `status` tells which."""
        while self._reason == "starting":
            self._changed.clear()
            await self._changed.wait()
        return self.status()

    async def watch(self) -> None:
        """Run as long as it serves; raises what broke it, should that ever happen."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def close(self) -> None:
        """Stop serving, end the worker, fail what waits."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for serving in (self._serving, self._next[0] if self._next else None):
            if serving is not None:
                await self._end(serving, "the daemon stops")
        await asyncio.gather(*self._ends)
        self._serving, self._next, self._reason = None, None, "stopped"
        self._changed.set()
        self._fail_waiting(_closing())

    async def inspect(self, photo: bytes, profile: str) -> tuple[Inspection, Photo]:
        """See `edge.ports.Vision.inspect`."""
        answer = await self._ask(Asked(Inspect(profile), photo, Inspected))
        inspection, clean = photo_of(answer, photo)
        self._recent.append(inspection.timings.get("total", 0.0))
        return inspection, clean

    def recent_ms(self) -> tuple[float, ...]:
        """How long the latest photos took since these models serve, milliseconds."""
        return tuple(self._recent)

    def still_s(self) -> float:
        """Seconds since the task that owns the worker last went round."""
        return time.monotonic() - self._turned

    async def annotate(self, photo: bytes, predictions: tuple[Prediction, ...]) -> bytes:
        """See `edge.ports.Vision.annotate`."""
        answer = await self._ask(Asked(Annotate(predictions), photo, Annotated))
        return answer.frames[0]

    async def reload(self) -> VisionStatus:
        """See `edge.ports.Vision.reload`."""
        async with self._reloading:
            start = self._plan()
            successor = await self._tried(start)
            if self._task is None or self._task.done():
                await self._end(successor, "nobody serves any more")
                raise _closing()
            self._next = (successor, start)
            self._wake.set()
            while self._next is not None:
                self._changed.clear()
                await self._changed.wait()
        return self.status()

    def status(self) -> VisionStatus:
        """See `edge.ports.Vision.status`."""
        serving = self._serving
        return VisionStatus(
            ready=serving is not None,
            reason="" if serving is not None else self._reason,
            pid=serving.process.pid if serving else None,
            restarts=max(0, self._started - 1),
            jobs=self._done,
            waiting=len(self._jobs),
            models=serving.ready.models if serving else (),
            refused=self._refused(),
            notes=serving.ready.notes if serving else (),
        )

    async def _ask(self, job: Asked) -> Asked:
        if self._blame.guilty(job.photo):
            raise VisionFailedError(
                "This photo took the vision worker down before.",
                "Take another photo, or save this one anew with another program.",
            )
        held = sum(len(each.photo) for each in self._jobs)
        crowded = held and held + len(job.photo) > self._limits.queue_bytes
        if crowded or len(self._jobs) >= self._limits.queue:
            raise VisionBusyError(
                f"{len(self._jobs)} photos are waiting already.", "Try again in a few seconds."
            )
        if self._failures or self._task is None:
            raise VisionFailedError(f"The vision worker is not running: {self._reason}.", _DOCTOR)
        self._jobs.append(job)
        self._wake.set()
        await job.finished()
        return job

    async def _serve(self) -> None:
        while True:
            self._turned = time.monotonic()
            await self._keep_one_worker()
            if self._jobs and self._serving is not None:
                await self._do(self._jobs.popleft())
            elif await self._nothing_to_do():
                await self._feel_pulse()

    async def _keep_one_worker(self) -> None:
        if self._next is not None:
            await self._swap()
        serving = self._serving
        if serving is not None and (rss := serving.process.rss_mb()) > self._limits.max_rss_mb:
            await self._end(serving, f"it had grown to {rss:.0f} MB")
        if serving is None or serving.process.gone:
            await self._replace()

    async def _nothing_to_do(self) -> bool:
        """Wait for a job, a successor or a death; True when there was none of them for a while."""
        pause = RETRY_S[min(self._failures, len(RETRY_S)) - 1] if self._failures else None
        try:
            async with asyncio.timeout(pause or self._limits.heartbeat_s):
                await self._wake.wait()
        except TimeoutError:
            return self._serving is not None
        finally:
            self._wake.clear()
        return False

    async def _do(self, job: Asked) -> None:
        for _ in range(TRIES):
            serving = self._serving
            if serving is None or job.abandoned:
                break
            try:
                await job.put_to(serving.process, self._limits.deadline_s)
                self._done += 1
                self._blame.absolve(job.photo)
                return
            except asyncio.CancelledError:
                job.fail(_closing())
                raise
            except WorkerStuckError as e:
                self._blame.mark(job.photo)
                job.fail(failure(f"The photo took too long: {e}."))
                return
            except WorkerGoneError as e:
                self._blame.mark(job.photo)
                reason = str(e)
            await self._replace()
        else:
            job.fail(failure(f"The vision worker died twice over this photo: {reason}."))
            return
        job.fail(VisionFailedError(f"The vision worker is not running: {self._reason}.", _DOCTOR))

    async def _feel_pulse(self) -> None:
        serving = self._serving
        if serving is None:
            return
        ping = Asked(Ping(), None, Pong)
        try:
            await ping.put_to(serving.process, PULSE_S)
        except (WorkerGoneError, WorkerStuckError):
            return  # it is gone now, and the next look replaces it

    async def _replace(self) -> None:
        if self._start is None:
            return
        if (old := self._serving) is not None:
            await self._end(old, "replaced")
            self._serving, self._reason = None, f"starting again: {old.process.gone}"
            log.warning("the vision worker is replaced: %s", old.process.gone)
        start = replace(self._start, measured=self._measured.known)
        try:
            serving, skip = await start_without_culprits(self._command, start, self._limits.start_s)
        except StartFailedError as e:
            self._failures += 1
            self._reason = str(e)
            log.error("the vision worker does not start: %s", e)
            self._fail_waiting(
                VisionFailedError(f"The vision worker does not start: {e}.", _DOCTOR)
            )
        else:
            self._serve_with(serving, replace(self._start, skip=skip))
        self._changed.set()

    async def _swap(self) -> None:
        assert self._next is not None  # noqa: S101 - the caller looked
        (serving, start), self._next = self._next, None
        old = self._serving
        self._serve_with(serving, start)
        self._recent.clear()
        self._started -= 1  # a swap that was asked for is no restart
        self._changed.set()
        if old is not None:
            await self._end(old, "its successor took over")

    async def _end(self, serving: Serving, why: str) -> None:
        """Kill a worker and see it off, even where the caller is cancelled meanwhile."""
        end = asyncio.create_task(serving.process.kill(why))
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)
        await asyncio.shield(end)

    def _serve_with(self, serving: Serving, start: Start) -> None:
        self._serving, self._start = serving, start
        self._reason, self._failures = "", 0
        self._started += 1
        self._measured.learn(serving.ready.measured)
        serving.process.on_gone = self._wake.set
        log.info("vision worker %d serves", serving.process.pid)
        for sentence in (*serving.ready.notes, *_refusals(serving.ready.refused)):
            log.warning(sentence)
        self._on_serving(self.status())

    async def _tried(self, start: Start) -> Serving:
        """Start a successor beside the worker that serves; RefusedModelFileError if it fails."""
        known = replace(start, measured=self._measured.known)
        try:
            successor = await start_worker(self._command, known, self._limits.start_s, beside=True)
        except StartFailedError as e:
            what = f"Model {e.model}" if e.model else "The new worker"
            raise RefusedModelFileError(f"{what} failed its trial: {e}.", _KEPT) from e
        before = self._refused()
        news = {ref: why for ref, why in successor.ready.refused.items() if ref not in before}
        if news:
            await self._end(successor, "a model was refused")
            words = "; ".join(f"{ref}: {why}" for ref, why in news.items())
            raise RefusedModelFileError(f"Refused: {words.rstrip('.')}.", _KEPT)
        return successor

    def _refused(self) -> Mapping[str, str]:
        return self._serving.ready.refused if self._serving is not None else {}

    def _fail_waiting(self, error: EdgeError) -> None:
        while self._jobs:
            self._jobs.popleft().fail(error)


def _refusals(refused: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"Model {ref} is refused: {why}" for ref, why in refused.items())


def _closing() -> VisionFailedError:
    return VisionFailedError("The device is shutting down.", "Try again later.")


_DOCTOR = "`edgecase doctor` says what is missing; a new worker is tried again and again."
_KEPT = "What served before goes on serving."
