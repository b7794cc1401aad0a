"""Tries what looks at photos, in a worker like the daemon's, which takes no harm from it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from edge.adapters.vision.messages import Start
from edge.adapters.vision.process import COMMAND
from edge.adapters.vision.start import StartFailedError, start_worker, step_s
from edge.errors import VisionFailedError
from models.runner import RefusedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.config import VisionSettings
    from models.release import ModelRelease


def try_eyes(
    settings: VisionSettings,
    folder: Path,
    release: ModelRelease,
    budget_ms: float | None = None,
    command: Sequence[str] = COMMAND,
) -> None:
    """Run a model on its golden images, in a worker that takes no harm from it.

    Args:
        settings: of the device's vision.
        folder: of the model.
        release: its manifest.
        budget_ms: how long a photo may take; one inference alone must not be over it.
        command: what executes a worker.

    Raises:
        RefusedModelError: it must not serve.
        VisionFailedError: no worker starts.
    """
    asyncio.run(_try(settings, folder, release, budget_ms, command))


async def _try(
    settings: VisionSettings,
    folder: Path,
    release: ModelRelease,
    budget_ms: float | None,
    command: Sequence[str],
) -> None:
    start = Start(
        profiles=(),
        models={release.id: str(folder)},
        threads=settings.threads or 1,
        max_model_mb=settings.max_model_mb,
        memory_mb=settings.memory_mb,
    )
    try:
        serving = await start_worker(command, start, step_s(settings.deadline_s))
    except StartFailedError as e:
        if e.model:
            raise RefusedModelError(f"it took the worker down in its trial: {e}") from e
        raise VisionFailedError(
            f"No vision worker starts: {e}.", "`edgecase doctor` says what is missing."
        ) from e
    await serving.process.kill("the trial is over")
    for reason in serving.ready.refused.values():
        raise RefusedModelError(reason)
    took = max((one.median_ms for one in serving.ready.measured.values()), default=0.0)
    if budget_ms is not None and took > budget_ms:
        raise RefusedModelError(
            f"one inference takes {took:.0f} ms, {budget_ms:.0f} ms are allowed a photo",
            "Release a smaller model, or raise budget_ms in the profile.",
        )
