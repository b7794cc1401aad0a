"""What is served while the settings are broken: a page that says which line, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.errors import errors
from edge.api.hosts import hosts
from edge.api.operation import add_operations
from edge.api.render import error_page, page, set_up_templates
from edge.api.replies import as_json, error_body, wants_html
from edge.api.security import add_headers
from edge.api.static import Static

if TYPE_CHECKING:
    from edge.config import HttpSettings
    from edge.errors import ConfigError


class Broken:
    """Answers everything with the problem."""

    def __init__(self, problem: ConfigError, device: str) -> None:
        """Keep the problem."""
        self._problem = problem
        self._device = device

    async def ping(self, _request: web.Request) -> web.Response:
        """The daemon is alive."""
        return as_json({"status": "ok", "device": self._device})

    async def anything(self, request: web.Request) -> web.Response:
        """Say what is wrong."""
        if wants_html(request):
            return page("config.html", request, {"problem": self._problem}, 503)
        body = error_body(self._problem.code, self._problem.message, self._problem.hint)
        answer = {"ready": False, "reason": self._problem.message, "device": self._device}
        return as_json({**answer, **body}, 503)


def build_broken_app(problem: ConfigError, http: HttpSettings, device: str = "") -> web.Application:
    """Make the application that shows the problem; it needs no store and no models."""
    names = hosts(device or "localhost", http.allowed_hosts)
    app = web.Application(middlewares=[errors(error_page), names])
    set_up_templates(app, device)
    broken = Broken(problem, device)
    app.router.add_get("/ping", broken.ping)
    add_operations(app, Static().operations())
    app.router.add_route("*", "/{path:.*}", broken.anything)
    app.on_response_prepare.append(add_headers)
    return app
