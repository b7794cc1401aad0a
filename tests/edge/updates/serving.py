"""What an updater moves: eyes that serve what the library says, and everything around them."""

from __future__ import annotations

import asyncio
import random
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.adapters.clock import SystemClock
from edge.errors import RefusedModelFileError
from edge.events import Events
from edge.library.library import ModelLibrary
from edge.ports import ModelInUse, VisionStatus, WriterStatus
from edge.updates.device import device_of
from edge.updates.outcomes import Outcomes
from edge.updates.probation import Probation, Terms
from edge.updates.pull import Puller
from edge.updates.source import FolderSource
from edge.updates.updater import Rhythm, Supply, Updater
from edge.updates.watches import Watches
from edge.updates.writer_probation import WriterProbation
from models.offer import Ring
from tests.fakes.vision_models import FINDS, detector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from edge.updates.trusted import TrustedMetadata
    from models.rollout import Result
    from tests.fakes.release_tower import ReleaseTower


class Eyes:
    """Serve the active version, unless it is among those that they refuse."""

    def __init__(self, library: ModelLibrary) -> None:
        self.library, self.restarts, self.reloads = library, 0, 0
        self.refuses: dict[str, str] = {}
        self.times: tuple[float, ...] = (10.0,) * 30
        self._serving = self._active()

    def _active(self) -> str:
        model = self.library.active("tiny")
        return model.release.ref if model else ""

    async def ready(self) -> VisionStatus:
        return self.status()

    async def reload(self) -> VisionStatus:
        self.reloads += 1
        await asyncio.sleep(0)
        ref = self._active()
        if ref in self.refuses:
            raise RefusedModelFileError(self.refuses[ref])
        self._serving = ref
        return self.status()

    def status(self) -> VisionStatus:
        used = ModelInUse("detector", "finds", self._serving, "fake", 1, 1.0, 1.0)
        return VisionStatus(True, "", 1, self.restarts, 0, models=(used,) if self._serving else ())

    def recent_ms(self) -> tuple[float, ...]:
        return self.times


class Clerk:
    """Writes with the version that is active."""

    def __init__(self, library: ModelLibrary) -> None:
        self.library, self.written, self.lost = library, 0, 0

    def status(self) -> WriterStatus:
        model = self.library.active("summary-writer")
        ref = model.release.ref if model else ""
        return WriterStatus("fake", ref, "", self.written, self.lost)


@dataclass
class Second:
    """Compares with the version before: says what the test says, once it does."""

    folders: list[str] = field(default_factory=list)
    verdict: str = ""
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, model: str, folder: Path) -> str:
        self.folders.append(f"{model}@{folder.name}")
        await self.open.wait()
        return self.verdict

    def say(self, verdict: str) -> None:
        self.verdict = verdict
        self.open.set()


@dataclass
class Shade:
    """In the place of the shadow: its verdict comes when the test says so."""

    verdict: str = ""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    tried: list[str] = field(default_factory=list)
    cut_off: int = 0
    before: float = -1.0

    async def run(
        self, model: str, folder: Path, tell: Callable[..., None], before: float = 0.0
    ) -> str:
        self.before = before
        self.tried.append(f"{model}@{folder.name}")
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cut_off += 1
            raise
        return self.verdict


class World:
    """A device with tiny@1.0.0, and the tower that it looks at."""

    def __init__(self, tmp_path: Path, tower: ReleaseTower, seen: TrustedMetadata) -> None:
        self.tower, self.tmp_path, self.models = tower, tmp_path, tmp_path / "device" / "models"
        self.library = ModelLibrary(tmp_path / "no-zoo", self.models)
        self.library.install(tmp_path / "model")
        self.outcomes, self.events = Outcomes(self.models), Events()
        self.eyes, self.shade = Eyes(self.library), Shade()
        self.writer, self.second = Clerk(self.library), Second()
        self.policy, self.ring, self.terms = "auto", Ring.ALL, Terms(seconds=60.0)
        self.source: Callable[[], object] = lambda: FolderSource(tower.folder)
        self.seen = seen
        self.updater: Updater

    def add(self, version: str, wish: object = None) -> None:
        folder = self.tmp_path / f"tiny-{version}"
        folder.mkdir()
        self.tower.add(detector(folder, version=version), wish)

    def have(self, version: str) -> None:
        """Install it by hand."""
        folder = self.tmp_path / f"mine-{version}"
        folder.mkdir()
        self.library.install(detector(folder, version=version))

    def lose(self, version: str) -> None:
        shutil.rmtree(self.models / "tiny" / version)

    def made(self) -> Updater:
        puller = Puller(
            self.library,
            self.models,
            self.seen,
            self.outcomes,
            lambda: device_of(self.library, {"finds": FINDS}, self.ring, self.outcomes.failed()),
            lambda: self.tower.now,
            0,
        )
        return Updater(
            Supply(puller, lambda: self.source(), lambda *_: None),
            self.shade,
            Watches(
                Probation(self.eyes, SystemClock(self.tower.now), self.terms),
                WriterProbation(self.writer, SystemClock(self.tower.now), self.terms),
                self.second,
            ),
            self.library,
            self.outcomes,
            self.eyes,
            self.events,
            Rhythm(self.policy, self.ring, 1000.0, random.Random(0)),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Updater]:
        self.updater = self.made()
        task = asyncio.create_task(self.updater.run())
        self.updater.look_soon()
        try:
            yield self.updater
            assert not task.done(), task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def result(self, version: str) -> Result | None:
        outcome = self.outcomes.of("tiny", version)
        return outcome.result if outcome else None

    @property
    def active(self) -> str:
        model = self.library.active("tiny")
        return model.release.version if model else ""


async def until(condition: Callable[[], object], within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)
