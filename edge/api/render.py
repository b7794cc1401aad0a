"""Pages and fragments from templates; everything in them is escaped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp_jinja2
import jinja2

from edge.api import views

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from edge.errors import EdgeError

BESIDE = {"HX-Retarget": "#trouble", "HX-Reswap": "innerHTML", "HX-Reselect": ".banner"}
"""Has htmx put an error where the page shows trouble, whatever it asked for."""
TEMPLATES = Path(__file__).parent.parent / "web" / "templates"


def set_up_templates(app: web.Application, device: str) -> None:
    """Load the templates, and give them the few functions they may call."""
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(device=device, **views.HELPERS)
    environment.filters["readable"] = views.readable


def page(
    template: str, request: web.Request, context: Mapping[str, Any], status: int = 200
) -> web.Response:
    """Render `template` as an answer."""
    return aiohttp_jinja2.render_template(template, request, dict(context), status=status)


def is_fragment(request: web.Request) -> bool:
    """True where the page that is open asks for a part of itself."""
    return request.headers.get("HX-Request") == "true"


def error_page(request: web.Request, error: EdgeError) -> web.Response:
    """An error for a person: a part of the page that is open, or a page of its own."""
    if is_fragment(request):
        template = "parts/error.html"
    elif error.status == 401:
        template = "session.html"
    else:
        template = "error.html"
    response = page(template, request, {"error": error}, error.status)
    if is_fragment(request):  # beside what is there, so that nothing typed is lost
        response.headers.update(BESIDE)
    return response
