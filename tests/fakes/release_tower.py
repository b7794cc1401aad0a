"""A real release repository of a tower, in a folder, at any time of day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tower_sync_server.releases.begin import begin
from tower_sync_server.releases.keys import read_ring
from tower_sync_server.releases.places import Places
from tower_sync_server.releases.repository import Repository
from tower_sync_server.releases.shelf import Shelf
from tower_sync_server.releases.work import Releases, Wish

if TYPE_CHECKING:
    from pathlib import Path


class ReleaseTower:
    """In starter mode; `now` is its clock."""

    def __init__(self, folder: Path) -> None:
        self.places = Places.under(folder)
        self.now = datetime.now(UTC).replace(microsecond=0)
        begin(self.places, {}, {}, None)

    @property
    def folder(self) -> Path:
        return self.places.home / "repository"

    @property
    def root(self) -> bytes:
        return (self.places.metadata / "1.root.json").read_bytes()

    @property
    def releases(self) -> Releases:
        ring = read_ring(self.places.keys, None)
        return Releases(Repository(Shelf(self.places), ring, lambda: self.now), lambda: self.now)

    def add(self, model: Path, wish: Wish | None = None) -> None:
        self.releases.add(model, wish or Wish())

    def sign_anew(self, after: timedelta = timedelta(days=5)) -> None:
        self.now += after
        self.releases.repository.refresh()
