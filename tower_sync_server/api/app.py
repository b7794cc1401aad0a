"""The application: every part goes in here, every route comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from tower_sync_server.api.cases import CasesApi
from tower_sync_server.api.devices import DevicesApi
from tower_sync_server.api.errors import errors
from tower_sync_server.api.headers import add_headers
from tower_sync_server.api.health import HealthApi, Intake
from tower_sync_server.api.hosts import hosts
from tower_sync_server.api.pages import Pages, set_up_templates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tower_sync_server.archive.blobs import Blobs
    from tower_sync_server.archive.listing import Listing


def build_app(
    listing: Listing,
    blobs: Blobs,
    intake: Intake,
    min_free_bytes: int,
    allowed_hosts: Iterable[str] = (),
) -> web.Application:
    """Make the application of these parts."""
    app = web.Application(middlewares=[errors, hosts(allowed_hosts)])
    for resource in (
        HealthApi(listing, blobs, intake, min_free_bytes),
        CasesApi(listing, blobs),
        DevicesApi(listing),
        Pages(listing, intake),
    ):
        app.add_routes(resource.routes())
    set_up_templates(app)
    app.on_response_prepare.append(add_headers)
    return app
