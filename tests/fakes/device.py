"""A whole device for the HTTP tests: the real store and pipeline, a fake worker and camera."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.adapters.writer.template import TemplateWriter
from edge.api.app import build_app
from edge.api.parts import Parts
from edge.config import HttpSettings
from edge.errors import CameraError
from edge.events import Events
from edge.identity import Identity
from edge.lan.lan import Lan
from edge.library.library import Model
from edge.pairing.desk import Desk
from edge.pairing.window import Moment
from edge.pipeline import Pipeline, Submission
from edge.ports import CameraStatus
from edge.store.retention import Limits
from edge.store.store import Store
from edge.summaries import Summaries
from models.profile import load_all, shipped
from models.release import File, Format, ModelRelease, Task
from tests.fakes.vision import FakeVision, picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from models.case import Case
    from models.profile import Profile

LIMITS = Limits(
    image_bytes=10**10,
    thumb_bytes=10**9,
    case_age=timedelta(days=365),
    deleted_age=timedelta(days=30),
    staged_age=timedelta(hours=1),
    staged_bytes=10**9,
)


class FakeClock:
    """Shows what it is told."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 20, 11, 5, tzinfo=UTC)
        self.seconds = 1000.0
        self.is_trusted = True

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def trusted(self) -> bool:
        return self.is_trusted


class FakeCapture:
    """A camera that holds one photo."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.photo: bytes | None = picture()

    async def take(self) -> tuple[Case, bool]:
        if self.photo is None:
            raise CameraError("The camera gives no picture.", "Look at its cable.")
        return await self.pipeline.keep([Submission(photo=self.photo)], attended=False)

    def status(self) -> CameraStatus:
        ready = self.photo is not None
        return CameraStatus("fake", ready, "" if ready else "it stalled", 0.2, 0)


class FakeLibrary:
    """One model."""

    def list(self) -> tuple[Model, ...]:
        weights = File("weights.onnx", "0" * 64, 1)
        release = ModelRelease(
            "vehicle-damage-detector", "1.0.0", Task.DETECT, Format.ONNX, (weights,), ("dent",)
        )
        return (Model(release, Path("/nowhere"), shipped=True, active=True),)


@dataclass
class Device:
    """Everything a test may want to turn."""

    parts: Parts
    vision: FakeVision
    store: Store
    events: Events
    clock: FakeClock
    capture: FakeCapture
    settings: HttpSettings = field(default_factory=HttpSettings)

    def app(self, **http: Any) -> web.Application:
        settings = HttpSettings.model_validate(http)
        return build_app(replace(self.parts, http=settings))


@cache
def shipped_profiles() -> dict[str, Profile]:
    return load_all(shipped())


@asynccontextmanager
async def a_device(folder: Path) -> AsyncIterator[Device]:
    vision, events, clock = FakeVision(), Events(), FakeClock()
    store = Store(folder, now=clock.now, limits=LIMITS, min_free_bytes=0, synchronous="NORMAL")
    await store.open()
    profiles = shipped_profiles()
    writer = TemplateWriter("the tests use none")
    summaries = Summaries(writer, store, events, profiles)
    identity = Identity("shed-pi", "boot-1")
    pipeline = Pipeline(
        vision, store, summaries, events, clock, identity, profiles, "vehicle-damage"
    )
    capture = FakeCapture(pipeline)
    parts = Parts(
        pipeline=pipeline,
        store=store,
        vision=vision,
        writer=writer,
        library=FakeLibrary(),
        capture=capture,
        events=events,
        clock=clock,
        http=HttpSettings(),
        device="shed-pi",
        desk=Desk(store, lambda: Moment("boot-1", clock.monotonic())),
        lan=Lan("127.0.0.1", 8000, look=tuple),
    )
    try:
        yield Device(parts, vision, store, events, clock, capture)
    finally:
        await store.close()
