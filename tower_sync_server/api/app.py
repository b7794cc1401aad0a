"""The application: every part goes in here, every route comes out."""

from __future__ import annotations

import time
from dataclasses import dataclass

from aiohttp import web

from tower_sync_server.api.cases import CasesApi
from tower_sync_server.api.devices import DevicesApi
from tower_sync_server.api.docs import DocsApi
from tower_sync_server.api.errors import errors
from tower_sync_server.api.guard import Doors, guard, origins
from tower_sync_server.api.headers import add_headers
from tower_sync_server.api.health import HealthApi, Intake
from tower_sync_server.api.hosts import hosts
from tower_sync_server.api.pages import Pages
from tower_sync_server.api.people_pages import PeoplePages
from tower_sync_server.api.releases import ReleasesApi
from tower_sync_server.api.removal import RemovalApi
from tower_sync_server.api.render import set_up_templates
from tower_sync_server.api.routes import refuse_unruled
from tower_sync_server.api.sign_in import SignInApi
from tower_sync_server.api.upload import UploadApi
from tower_sync_server.api.users import UsersApi
from tower_sync_server.archive.blobs import Blobs
from tower_sync_server.archive.history import Histories
from tower_sync_server.archive.listing import Listing
from tower_sync_server.archive.removal import Removal
from tower_sync_server.ingest.uploads import Uploads
from tower_sync_server.people.audit import Audit
from tower_sync_server.people.door import Door
from tower_sync_server.people.people import People
from tower_sync_server.people.sessions import Sessions
from tower_sync_server.people.throttle import Throttle
from tower_sync_server.people.words import Lifetimes
from tower_sync_server.releases.places import Places


@dataclass(frozen=True, slots=True)
class Parts:
    """What HTTP shows and changes."""

    listing: Listing
    """Reads the archive."""
    histories: Histories
    """How cases came."""
    removal: Removal
    """Deletes cases."""
    blobs: Blobs
    """Photos and thumbnails."""
    intake: Intake
    """What takes cases in."""
    people: People
    """Who may sign in."""
    sessions: Sessions
    """Who is signed in."""
    audit: Audit
    """What was done."""
    uploads: Uploads
    """Takes in archives that come over HTTP."""
    releases: Places
    """Where the release repository lies."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How HTTP is to be."""

    doors: Doors
    """How people come in."""
    lifetimes: Lifetimes
    """How long they stay."""
    min_free_bytes: int
    """Free space below which nothing more is taken."""
    allowed_hosts: tuple[str, ...] = ()
    """Names people reach the tower by, besides addresses and localhost."""


def build_app(parts: Parts, rules: Rules) -> web.Application:
    """Make the application of these parts.

    Raises:
        LookupError: a route has no rule in `api.routes`.
    """
    doors = rules.doors
    middlewares = [errors, hosts(rules.allowed_hosts), origins, guard(parts.sessions, doors)]
    app = web.Application(middlewares=middlewares)
    door = Door(parts.people, parts.sessions, parts.audit, Throttle(time.monotonic))
    sign_in = SignInApi(door, parts.people, parts.sessions, doors, rules.lifetimes)
    for resource in (
        HealthApi(parts.listing, parts.blobs, parts.intake, rules.min_free_bytes),
        DocsApi(),
        sign_in,
        CasesApi(parts.listing, parts.histories, parts.blobs),
        UploadApi(parts.uploads, parts.audit, doors),
        ReleasesApi(parts.releases.metadata, parts.releases.targets),
        RemovalApi(parts.removal, parts.listing, doors),
        DevicesApi(parts.listing, parts.intake),
        UsersApi(parts.people, parts.audit, doors),
        Pages(parts.listing, parts.histories, parts.removal, parts.intake, doors),
        PeoplePages(parts.people, parts.audit, sign_in, doors),
    ):
        app.add_routes(resource.routes())
    set_up_templates(app)
    app.on_response_prepare.append(add_headers)
    refuse_unruled(app)
    return app
