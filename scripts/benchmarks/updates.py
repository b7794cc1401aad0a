"""Released models: what a switch costs those who wait for photos, and what a re-release sends."""

from __future__ import annotations

import threading
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from shutil import copytree
from typing import TYPE_CHECKING

from edge.library.library import ModelLibrary, shipped_models
from edge.updates.device import device_of
from edge.updates.look import trust
from edge.updates.outcomes import Outcomes
from edge.updates.pull import Puller
from edge.updates.source import FolderSource, HttpSource
from edge.updates.trusted import TrustedMetadata
from models.offer import Ring
from models.profile import load_all, shipped
from scripts.benchmarks.device import Running, device
from scripts.benchmarks.figures import Figure, p95
from scripts.benchmarks.http import post
from scripts.benchmarks.photos import jpeg
from tests.fakes.broker import mosquitto
from tests.fakes.towers import tower
from tower_sync_server.releases.begin import begin
from tower_sync_server.releases.keys import read_ring
from tower_sync_server.releases.places import Places
from tower_sync_server.releases.repository import Repository
from tower_sync_server.releases.shelf import Shelf
from tower_sync_server.releases.work import Releases, Wish

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.updates.fetch import Progress

MODEL = "vehicle-damage-detector"
FIRST, SECOND = "9.0.0", "9.0.1"
PER_SECOND = 5.0
SWITCHES = 10
CALM_S = 8.0
"""Before each switch: what is usual is measured as often, and at the same time of day."""
LOOKS = 200
FLEET = 1_000
LOOK_EVERY_S = 900
WARM = 10
"""Requests of the beginning that don't count."""


@dataclass
class Load:
    """Photos that come at a constant rate, whatever became of those before."""

    running: Running
    photo: bytes
    spans: list[tuple[float, float]] = field(default_factory=list)
    """When each began and ended, seconds."""
    failed: int = 0
    """Requests without a good answer."""
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def run(self) -> None:
        """Send until it is over."""
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due += 1 / PER_SECOND
            thread = threading.Thread(target=self._one)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Send no more, and hear out the last."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _one(self) -> None:
        began = time.monotonic()
        try:
            post(self.running, "/check-image", self.photo)
        except (OSError, ValueError, SystemExit):
            self.failed += 1
        else:
            self.spans.append((began, time.monotonic()))


def measure(folder: Path, _full: bool) -> list[Figure]:
    """A switch under load, a delta, and what a fleet that looks costs the tower."""
    return [
        *_switching(folder / "switch"),
        *_delta(folder / "delta"),
        *_looking(folder / "looking"),
    ]


def _switching(data: Path) -> list[Figure]:
    data.mkdir()
    library = ModelLibrary(shipped_models(), data / "models")
    library.install(_version(data, FIRST))
    active = library.active(MODEL)
    if active is None:
        raise SystemExit("no detector is shipped")
    versions = (FIRST, active.release.version)
    with device(data, EDGECASE_QUALITY__BLUR_THRESHOLD="0") as running:
        load = Load(running, jpeg())
        sending = threading.Thread(target=load.run)
        sending.start()
        switches = []
        for n in range(SWITCHES):
            time.sleep(CALM_S)
            began = time.monotonic()
            library.activate(MODEL, versions[n % 2])
            _reload(running)
            switches.append((began, time.monotonic()))
        load.stop()
        sending.join()
    spans = sorted(load.spans)[WARM:]
    during = [e - b for b, e in spans if any(b < end and e > start for start, end in switches)]
    calm = [e - b for b, e in spans if all(b >= end or e <= start for start, end in switches)]
    lasting = sum(end - start for start, end in switches) / len(switches)
    return [
        Figure("a model switch", lasting, "s"),
        Figure(f"requests that failed, of {len(load.spans) + load.failed}", load.failed, "", 0),
        Figure(f"12 MP photo at 5/s, p95 of {len(calm)} without a switch", p95(calm) * 1e3, "ms"),
        Figure(f"the same, p95 of {len(during)} during a switch", p95(during) * 1e3, "ms"),
        Figure("p95 during a switch / without", p95(during) / p95(calm), "×", 1.2),
    ]


def _reload(running: Running) -> None:
    request = urllib.request.Request(f"{running.address}/models/reload", b"")  # noqa: S310
    urllib.request.urlopen(request, timeout=60).close()  # noqa: S310


def _delta(data: Path) -> list[Figure]:
    """The detector again, with another version in its manifest and nothing else."""
    places, puller = _released(data, (FIRST, SECOND))
    source = FolderSource(places.home / "repository")
    found = puller.look(source)
    told: list[Progress] = []
    (offer,) = found.choice.take
    puller.install(found, offer, source, lambda *_: None, lambda _, p: told.append(p))
    manifest = (data / SECOND / "model.toml").stat().st_size
    return [
        Figure("a re-release whose manifest alone changed: fetched", told[-1].fetched / 1e3, "kB"),
        Figure("of the whole model", offer.size / 1e3, "kB"),
        Figure("fetched / whole", told[-1].fetched / offer.size, "×"),
        Figure("fetched beyond that manifest", (told[-1].fetched - manifest) / 1e3, "kB", 0),
    ]


def _looking(data: Path) -> list[Figure]:
    """Devices that look at a real tower's repository, where nothing is new since they last did."""
    _, puller = _released(data, (FIRST,))
    with mosquitto(data) as broker, tower(data, broker.port, workers=0) as running:
        source = HttpSource(f"http://127.0.0.1:{running.port}/releases")
        puller.look(source)
        began = running.processor_s()
        for _ in range(LOOKS):
            puller.look(source)
        spent = running.processor_s() - began
    share = spent / LOOKS * FLEET / LOOK_EVERY_S * 100
    return [
        Figure("processor time of the tower, a look", spent / LOOKS * 1e3, "ms"),
        Figure(f"{FLEET} devices that look every 15 minutes, of one core", share, "%", 5),
    ]


def _released(data: Path, versions: Sequence[str]) -> tuple[Places, Puller]:
    """A tower's repository with these versions, and a device that trusts it and has the first."""
    data.mkdir()
    places = Places.under(data / "tower")
    begin(places, {}, {}, None)
    ring = read_ring(places.keys, None)
    releases = Releases(Repository(Shelf(places), ring, _now), _now)
    for version in versions:
        releases.add(_version(data, version), Wish())
    trusted = TrustedMetadata(data)
    trust(trusted, (places.metadata / "1.root.json").read_bytes())
    library = ModelLibrary(data / "no-zoo", data / "models")
    library.install(data / versions[0])
    profiles = load_all(shipped())
    puller = Puller(
        library,
        data / "models",
        trusted,
        Outcomes(data / "models"),
        lambda: device_of(library, profiles, Ring.ALL, {}),
        _now,
        0,
    )
    return places, puller


def _version(data: Path, version: str) -> Path:
    """The shipped detector under another version."""
    newest = max((shipped_models() / MODEL).iterdir())
    folder = data / version
    copytree(newest, folder)
    manifest = folder / "model.toml"
    text = manifest.read_text(encoding="utf-8")
    old, new = f'version = "{newest.name}"', f'version = "{version}"'
    manifest.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def _now() -> datetime:
    return datetime.now(UTC)
