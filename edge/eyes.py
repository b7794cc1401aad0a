"""Lets a command look at photos with the device's own models, without a daemon or a store."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from edge.adapters.clock import SystemClock
from edge.adapters.vision.measured import MeasuredModels
from edge.daemon import load_profiles, make_vision
from edge.errors import VisionFailedError
from edge.events import Events
from edge.identity import identify
from edge.library.library import ModelLibrary, shipped_models
from edge.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from edge.adapters.vision.pool import WorkerVision
    from edge.config import Settings
    from edge.ports import Inspection, Photo
    from edge.store.store import Store
    from edge.summaries import Summaries


class NoStore:
    """Keeps no checked photo: nothing can become a case here."""

    async def stage(self, photo: Photo, inspection: Inspection, profile: str) -> str:
        """Keep nothing, and give no id."""
        del photo, inspection, profile
        return ""


@asynccontextmanager
async def open_eyes(
    settings: Settings, measured: Path | None = None
) -> AsyncIterator[tuple[Pipeline, WorkerVision]]:
    """Start a vision worker as the daemon would; end it afterwards.

    Args:
        settings: as the daemon has them.
        measured: what the daemon has measured, which is only read; None measures anew.

    Yields:
        A pipeline that can check but not keep, and the worker.

    Raises:
        VisionFailedError: no worker starts.
    """
    profiles = load_profiles(settings)
    known = MeasuredModels(measured, keep=False)
    vision = make_vision(settings, profiles, library_of(settings), known)
    await vision.start()
    try:
        status = await vision.ready()
        if not status.ready:
            raise VisionFailedError(
                f"The vision worker does not start: {status.reason}.", "Run `edgecase doctor`."
            )
        yield _looking_only(settings, vision), vision
    finally:
        await vision.close()


def library_of(settings: Settings) -> ModelLibrary:
    """The models of the device that these settings describe."""
    return ModelLibrary(shipped_models(), settings.store.data_dir / "models")


def _looking_only(settings: Settings, vision: WorkerVision) -> Pipeline:
    # `check` stages the photo and asks neither store nor writer for anything else.
    return Pipeline(
        vision,
        cast("Store", NoStore()),
        cast("Summaries", None),
        Events(),
        SystemClock(),
        identify(settings.device.name),
        load_profiles(settings),
        settings.device.profile,
    )
