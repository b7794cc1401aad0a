"""Brings a vision worker from nothing to ready, and finds the model that keeps it from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.adapters.vision import messages
from edge.adapters.vision.messages import Ready, Start, Trying
from edge.adapters.vision.priority import standing_back
from edge.adapters.vision.process import VisionProcess, WorkerGoneError, WorkerStuckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STEP_S = 60.0
"""For each step of a start, the imports and each model's trial: the machine may be busy then."""
STEP_PHOTOS = 6
"""Where a photo may take long, a step may take so many times that: a trial looks at several."""
CHANCES = 2
"""Workers that a model may take down in its trial; the first may have died of something else."""


class StartFailedError(Exception):
    """The worker did not become ready."""

    def __init__(self, reason: str, model: str = "") -> None:
        """Keep the reason and the id of the model that was being tried, or ""."""
        super().__init__(reason)
        self.model = model


@dataclass(frozen=True, slots=True)
class Serving:
    """A worker that takes photos."""

    process: VisionProcess
    """The child."""
    ready: Ready
    """What it said of itself."""


def step_s(photo_s: float) -> float:
    """Seconds that each step of a start may take where a photo may take `photo_s`."""
    return max(STEP_S, STEP_PHOTOS * photo_s)


async def start_worker(
    command: Sequence[str], start: Start, deadline_s: float, *, beside: bool = False
) -> Serving:
    """Start one worker and wait until it is ready.

    Args:
        command: what to execute; see `process.COMMAND`.
        start: what it is told.
        deadline_s: for each step of the start: the imports, and each model.
        beside: another one serves meanwhile, and comes first.

    Raises:
        StartFailedError: it died, hung or talked nonsense on the way.
    """
    try:
        process = VisionProcess.started(command)
    except OSError as e:
        raise StartFailedError(f"it can't be started: {e}") from e
    try:
        if not beside:
            return Serving(process, await _until_ready(process, start, deadline_s))
        with standing_back(process.pid):
            return Serving(process, await _until_ready(process, start, deadline_s))
    except BaseException:
        await process.kill("it did not become ready")
        raise


async def start_without_culprits(
    command: Sequence[str], start: Start, deadline_s: float
) -> tuple[Serving, Mapping[str, str]]:
    """Start a worker, leaving out models that take it down when they are tried.

    Returns:
        The worker, and what to leave out from now on: id of the model → why.

    Raises:
        StartFailedError: it does not become ready, and no model is to blame.
    """
    chances = dict.fromkeys(start.models, CHANCES)
    skip = dict(start.skip)
    while True:
        try:
            return await start_worker(command, replace(start, skip=skip), deadline_s), skip
        except StartFailedError as e:
            if e.model not in chances or e.model in skip:
                raise
            chances[e.model] -= 1
            if chances[e.model] == 0:
                skip[e.model] = f"it took the worker down in its trial: {e}"


async def _until_ready(process: VisionProcess, start: Start, deadline_s: float) -> Ready:
    trying = ""
    try:
        process.send(start)
        while True:
            said, frames = await process.receive(deadline_s)
            messages.close(frames)
            if isinstance(said, Ready):
                return said
            if not isinstance(said, Trying):
                raise StartFailedError(f"it said {type(said).__name__} before it was ready", trying)
            trying = said.model
    except (WorkerGoneError, WorkerStuckError) as e:
        raise StartFailedError(str(e), trying) from e
