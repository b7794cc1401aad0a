"""A repository in a folder, the people who sign for it, and a stranger who reads it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater

from models.manifest_writer import write_manifest
from models.offer import MANIFEST, Offer, from_custom, is_offer
from models.release import File, Format, ModelRelease, Task
from models.rollout import ROLLOUT, Rollout, decode_rollout
from tower_sync_server.releases.keys import make_key, read_private, read_ring, ring_of, tower_key
from tower_sync_server.releases.places import Places
from tower_sync_server.releases.repository import Repository
from tower_sync_server.releases.roles import ONLINE, PEOPLE, ROLES
from tower_sync_server.releases.shelf import Shelf, read_metadata
from tower_sync_server.releases.tuf_words import Targets
from tower_sync_server.releases.work import Releases

if TYPE_CHECKING:
    from collections.abc import Iterator

GGUF = b"GGUF" + b"\3\0\0\0" + bytes(16)
"""The smallest language model that says what it is."""
DAY = timedelta(days=1)


def make_model(
    folder: Path, version: str = "1.0.0", id: str = "writer", tail: bytes = b"", **files: bytes
) -> Path:
    """A model folder: weights, a card, and what else is asked for (`name` is `name.bin`)."""
    folder.mkdir(parents=True)
    content = {"model.gguf": GGUF + tail, "CARD.md": b"# A card\n"}
    content |= {f"{name}.bin": data for name, data in files.items()}
    for name, data in content.items():
        (folder / name).write_bytes(data)
    listed = tuple(
        File(name, hashlib.sha256(data).hexdigest(), len(data), _role(name))
        for name, data in content.items()
    )
    write_manifest(folder, ModelRelease(id, version, Task.WRITE, Format.GGUF, listed))
    return folder


def _role(name: str) -> str:
    return {"model.gguf": "weights", "CARD.md": "card"}.get(name, "data")


@dataclass
class Clock:
    """A clock that can be put."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.now


class Shop:
    """A tower's repository and everybody's keys."""

    def __init__(self, home: Path, clock: Clock | None = None) -> None:
        self.home = home
        self.places = Places.under(home / "tower")
        self.people = home / "people"
        self.clock = clock or Clock()

    def begin_starter(self) -> Shop:
        keys = {role: [tower_key(self.places.keys, role)] for role in ROLES}
        self.repository().begin(keys, {})
        return self

    def begin_with_people(self, root: int = 2, targets: int = 2) -> Shop:
        """Ann, Ben and Cleo sign: `root` and `targets` of them have to."""
        keys: dict[str, Any] = {}
        for role in PEOPLE:
            keys[role] = [self.person(f"{who}-{role}") for who in ("ann", "ben", "cleo")]
        for role in ONLINE:
            keys[role] = [tower_key(self.places.keys, role)]
        self.repository().begin(keys, {"root": root, "targets": targets})
        return self

    def person(self, name: str) -> Any:
        return make_key(self.people / name, name)

    def repository(self, *people: str) -> Repository:
        """With the tower's keys, and those of these people."""
        ring = read_ring(self.places.keys)
        ring |= ring_of(read_private(self.people / name) for name in people)
        return Repository(Shelf(self.places), ring, self.clock)

    def releases(self, *people: str) -> Releases:
        return Releases(self.repository(*people), self.clock)

    @property
    def served(self) -> Path:
        return self.places.home / "repository"

    @property
    def first_root(self) -> bytes:
        return (self.places.metadata / "1.root.json").read_bytes()

    def stranger(self, name: str = "stranger") -> Stranger:
        """A device that was given the first root."""
        return Stranger(self.home / name, self.first_root, self.served)


class FolderFetcher(FetcherInterface):  # type: ignore[misc]
    """Reads a folder as if it were a server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked: list[str] = []

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix("http://folder/")
        self.asked.append(name)
        path = self._folder / name
        if not path.is_file():
            raise DownloadHTTPError(f"no {name}", 404)
        return iter([path.read_bytes()])


class Stranger:
    """python-tuf's own client: it knows nothing of EdgeCase but the first root."""

    def __init__(self, home: Path, root: bytes, served: Path) -> None:
        self.home = home
        self.root = root
        self.served = served
        self.cache = home / "metadata"
        self.cache.mkdir(parents=True, exist_ok=True)
        self.fetcher = FolderFetcher(served)

    def updater(self) -> Any:
        self.fetcher = FolderFetcher(self.served)
        (self.home / "targets").mkdir(exist_ok=True)
        return Updater(
            str(self.cache),
            "http://folder/metadata/",
            str(self.home / "targets"),
            "http://folder/targets/",
            fetcher=self.fetcher,
            bootstrap=self.root,
        )

    def look(self) -> tuple[Offer, ...]:
        """Refresh, and read what is offered."""
        updater = self.updater()
        updater.refresh()
        targets = read_metadata((self.cache / "targets.json").read_bytes(), Targets).signed
        return tuple(
            from_custom(path, target.custom)
            for path, target in targets.targets.items()
            if is_offer(path)
        )

    def rollout(self) -> Rollout:
        updater = self.updater()
        path = updater.download_target(updater.get_targetinfo(ROLLOUT))
        return decode_rollout(Path(path).read_bytes())

    def fetch(self, offer: Offer) -> dict[str, bytes]:
        """Every file of a model, by its name in the folder."""
        updater = self.updater()
        paths = {MANIFEST: offer.manifest} | {f.path: offer.target(f) for f in offer.files}
        found = {}
        for name, path in paths.items():
            info = updater.get_targetinfo(path)
            assert info is not None, path
            found[name] = Path(updater.download_target(info)).read_bytes()
        return found
