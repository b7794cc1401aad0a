"""Tries a model before it may serve: in a worker like the daemon's, which takes no harm from it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge.adapters.vision.messages import Start
from edge.adapters.vision.process import COMMAND
from edge.adapters.vision.start import StartFailedError, start_worker
from edge.errors import VisionFailedError
from models.release import Task
from models.runner import RefusedModelError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import VisionSettings
    from edge.model_library import Trial
    from models.release import ModelRelease

DEADLINE_S = 20.0
"""For the worker's imports, and for the trial."""


def trial_with(settings: VisionSettings) -> Trial:
    """Make the trial of a device with these settings.

    Returns:
        Takes a model's folder and manifest. Raises RefusedModelError where the model must not
        serve, and VisionFailedError where no worker starts. What writes is not tried here.
    """

    def trial(folder: Path, release: ModelRelease) -> None:
        if release.task is not Task.WRITE:
            asyncio.run(_try(settings, folder, release))

    return trial


async def _try(settings: VisionSettings, folder: Path, release: ModelRelease) -> None:
    start = Start(
        profiles=(),
        models={release.id: str(folder)},
        threads=settings.threads or 1,
        max_model_mb=settings.max_model_mb,
        memory_mb=settings.memory_mb,
    )
    try:
        serving = await start_worker(COMMAND, start, DEADLINE_S)
    except StartFailedError as e:
        if e.model:
            raise RefusedModelError(f"it took the worker down in its trial: {e}") from e
        raise VisionFailedError(
            f"No vision worker starts: {e}.", "`edgecase doctor` says what is missing."
        ) from e
    await serving.process.kill("the trial is over")
    for reason in serving.ready.refused.values():
        raise RefusedModelError(reason)
