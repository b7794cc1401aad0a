"""Pages from templates; everything in them is escaped, and there is no script."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp_jinja2
import jinja2

from tower_sync_server.api.device_views import device
from tower_sync_server.api.guard import VISITOR
from tower_sync_server.api.views import HELPERS
from tower_sync_server.people.words import Kind, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from tower_sync_server.errors import TowerError

WEB = Path(__file__).parent.parent / "web"


def set_up_templates(app: web.Application) -> None:
    """Load the templates, and give them the few functions they may call."""
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(HELPERS, device_rows=device)


def page(
    template: str, request: web.Request, context: Mapping[str, Any], status: int = 200
) -> web.Response:
    """Render `template` as an answer; it knows who is signed in as `me`."""
    visitor = request.get(VISITOR)
    me = {
        "name": visitor.name if visitor else "",
        "signed_in": visitor is not None and visitor.kind is not Kind.OPEN,
        "here": visitor is not None,
        "may": {role.value: visitor is not None and visitor.role.may(role) for role in Role},
    }
    values = {"me": me, **context}
    return aiohttp_jinja2.render_template(template, request, values, status=status)


def error_page(request: web.Request, error: TowerError) -> web.Response:
    """An error for a person."""
    return page("error.html", request, {"error": error}, error.status)
