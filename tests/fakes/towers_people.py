"""A tower's people and its whole HTTP application, over the bench of a test."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from argon2 import PasswordHasher

from tower_sync_server.api.app import Parts, Rules, build_app
from tower_sync_server.api.guard import Doors
from tower_sync_server.archive.history import Histories
from tower_sync_server.archive.removal import Removal
from tower_sync_server.ingest.uploads import Uploads
from tower_sync_server.people.audit import Audit
from tower_sync_server.people.passwords import Passwords
from tower_sync_server.people.people import People
from tower_sync_server.people.sessions import Sessions
from tower_sync_server.people.words import By, Lifetimes, Role
from tower_sync_server.releases.places import Places

if TYPE_CHECKING:
    from aiohttp import web

    from tests.fakes.keeps import Bench, Intake

SHELL = By("shell:root", "")
PASSWORD = "correct horse battery"
LIFETIMES = Lifetimes(idle_s=3600, total_s=24 * 3600)


class Clock:
    """Wall time that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def pass_s(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class House:
    """Everything of people, with Argon2 at its cheapest."""

    def __init__(self, bench: Bench, intake: Intake | None = None) -> None:
        engine = bench.keep.engine
        self.bench = bench
        self.folder = bench.keep.folder
        self.intake = intake
        self.clock = Clock()
        self.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.people = People(engine, self.clock, self.passwords)
        self.sessions = Sessions(engine, self.clock, LIFETIMES)
        self.audit = Audit(engine, self.clock)
        self.removal = Removal(engine, bench.keep.blobs, self.clock)

    def add(self, name: str, role: Role = Role.VIEWER) -> None:
        self.people.add(name, role, PASSWORD, SHELL)

    def token(self, role: Role) -> str:
        """A token of somebody who has this role."""
        name = f"a-{role.value}"
        if name not in {user.name for user in self.people.all()}:
            self.add(name, role)
        return self.sessions.add_token(name, "test", 1, SHELL)

    def app(self, *, ask: bool, proxied: bool = False) -> web.Application:
        assert self.intake is not None
        parts = Parts(
            self.bench.listing,
            Histories(self.bench.keep.engine),
            self.removal,
            self.bench.keep.blobs,
            self.intake,
            self.people,
            self.sessions,
            self.audit,
            Uploads(self.bench.ingest, self.folder / "uploads", 5_000_000, 0),
            Places.under(self.folder),
        )
        return build_app(parts, Rules(Doors(ask, proxied), LIFETIMES, 0, ("tower.local",)))
