"""Pages and fragments from templates; everything in them is escaped."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from edge.api import views
from edge.api.auth import may
from edge.api.language import Language, Languages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2.runtime import Context

    from edge.errors import EdgeError

BESIDE = {"HX-Retarget": "#trouble", "HX-Reswap": "innerHTML", "HX-Reselect": ".banner"}
"""Has htmx put an error where the page shows trouble, whatever it asked for."""
TEMPLATES = Path(__file__).parent.parent / "web" / "templates"
LANGUAGES = web.AppKey("languages", Languages)


def set_up_templates(app: web.Application, device: str) -> None:
    """Load the templates, and give them the few functions they may call."""
    app[LANGUAGES] = Languages()
    environment = aiohttp_jinja2.setup(
        app,
        extensions=["jinja2.ext.i18n"],
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(device=device, languages=app[LANGUAGES].all)
    environment.filters.update(say=_gettext, readable=_readable)
    environment.install_gettext_callables(_gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]


def page(
    template: str, request: web.Request, context: Mapping[str, Any], status: int = 200
) -> web.Response:
    """Render `template` as an answer."""
    language = language_of(request)
    shown = {"path": request.rel_url.raw_path_qs, "may": partial(may, request), **context}
    words = {**views.helpers(language), **shown}
    response = aiohttp_jinja2.render_template(template, request, words, status=status)
    response.headers["Content-Language"] = language.code
    response.headers["Vary"] = "Accept-Language, Cookie"
    return response


def language_of(request: web.Request) -> Language:
    """What the pages speak to this browser."""
    accept = request.headers.get("Accept-Language", "")
    return request.app[LANGUAGES].of(request.cookies, accept)


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


@jinja2.pass_context
def _gettext(context: Context, text: str) -> str:
    said: str = context["language"].say(text)
    return said


@jinja2.pass_context
def _readable(context: Context, reason: str) -> str:
    return views.readable(context["language"].say, reason)


@jinja2.pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    said: str = context["language"].count(one, many, number)
    return said
