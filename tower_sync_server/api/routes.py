"""Every route of the tower and who may use it, at a glance. What isn't here can't be served.

`None` is everybody, signed in or not; a role is whoever has it or a higher one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tower_sync_server.people.words import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

Handler = Callable[["web.Request"], Awaitable["web.StreamResponse"]]
"""What answers a request, and what stands in its way."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use a route, and what it does."""

    role: Role | None
    """The least role; None: everybody."""
    summary: str
    """A line for the documentation; pages have none in it."""


ANY, VIEWER, REVIEWER, ADMIN = None, Role.VIEWER, Role.REVIEWER, Role.ADMIN

RULES: Mapping[tuple[str, str], Rule] = {
    ("GET", "/ping"): Rule(ANY, "Alive"),
    ("GET", "/health"): Rule(ANY, "Whether cases are taken in, and if not, why"),
    ("GET", "/metrics"): Rule(ANY, "Figures for Prometheus"),
    ("GET", "/docs"): Rule(ANY, "This document for people"),
    ("GET", "/openapi.json"): Rule(ANY, "This document"),
    ("GET", "/static"): Rule(ANY, "Style sheets and pictures of the pages"),
    # Signed and public: whoever reads them trusts the signatures, and not the tower.
    ("GET", "/releases/metadata/{name}"): Rule(ANY, "Signed metadata of the release repository"),
    ("GET", "/releases/targets/{path}"): Rule(ANY, "A file of a released model, by its hash"),
    ("GET", "/sign-in"): Rule(ANY, "The page that asks for name and password"),
    ("POST", "/sign-in"): Rule(ANY, "Sign in: gives a cookie"),
    ("POST", "/sign-out"): Rule(VIEWER, "Sign out"),
    ("GET", "/session"): Rule(VIEWER, "Who is signed in"),
    ("POST", "/session/password"): Rule(VIEWER, "Change one's own password"),
    ("GET", "/cases"): Rule(VIEWER, "Cases, newest first"),
    ("POST", "/cases"): Rule(ADMIN, "Take in a device's archive, or one case of it"),
    ("GET", "/cases/{id}"): Rule(VIEWER, "One case"),
    ("GET", "/cases/{id}/image"): Rule(VIEWER, "One of its photos, or a thumbnail"),
    ("GET", "/cases/{id}/history"): Rule(VIEWER, "Its revisions"),
    ("DELETE", "/cases/{id}"): Rule(REVIEWER, "Delete a case; it can be restored"),
    ("POST", "/cases/{id}/restore"): Rule(REVIEWER, "Restore a deleted case"),
    ("POST", "/cases/{id}/purge"): Rule(ADMIN, "Remove a deleted case and its photos for good"),
    ("GET", "/devices"): Rule(VIEWER, "The devices, and how each is"),
    ("GET", "/users"): Rule(ADMIN, "Everybody who may sign in"),
    ("POST", "/users"): Rule(ADMIN, "Let somebody sign in"),
    ("DELETE", "/users/{name}"): Rule(ADMIN, "Let somebody in no more"),
    ("POST", "/users/{name}/role"): Rule(ADMIN, "Change what somebody may do"),
    ("POST", "/users/{name}/password"): Rule(ADMIN, "Give somebody another password"),
    ("GET", "/audit"): Rule(ADMIN, "What was done, newest first"),
    # Pages, and what their forms send
    ("GET", "/"): Rule(VIEWER, ""),
    ("GET", "/page/cases/{id}"): Rule(VIEWER, ""),
    ("POST", "/page/cases/{id}/delete"): Rule(REVIEWER, ""),
    ("POST", "/page/cases/{id}/restore"): Rule(REVIEWER, ""),
    ("POST", "/page/cases/{id}/purge"): Rule(ADMIN, ""),
    ("GET", "/page/devices"): Rule(VIEWER, ""),
    ("GET", "/page/me"): Rule(VIEWER, ""),
    ("POST", "/page/me"): Rule(VIEWER, ""),
    ("GET", "/page/people"): Rule(ADMIN, ""),
    ("POST", "/page/people"): Rule(ADMIN, ""),
    ("POST", "/page/people/{name}/role"): Rule(ADMIN, ""),
    ("POST", "/page/people/{name}/password"): Rule(ADMIN, ""),
    ("POST", "/page/people/{name}/remove"): Rule(ADMIN, ""),
    ("GET", "/page/audit"): Rule(ADMIN, ""),
}

UNKNOWN = Rule(VIEWER, "")
"""For paths that lead nowhere: strangers don't hear that."""


def rule_of(request: web.Request) -> Rule:
    """The rule for a request."""
    resource = request.match_info.route.resource
    if resource is None:
        return UNKNOWN
    method = "GET" if request.method == "HEAD" else request.method
    return RULES.get((method, resource.canonical), UNKNOWN)


def refuse_unruled(app: web.Application) -> None:
    """Refuse to serve a route that nobody gave a role.

    Raises:
        LookupError: naming it.
    """
    for key in served(app):
        if key not in RULES:
            raise LookupError(f"{key} has no rule in api/routes.py")


def served(app: web.Application) -> frozenset[tuple[str, str]]:
    """Method and path of every route of the application."""
    found = set()
    for route in app.router.routes():
        if route.resource is not None and route.method != "HEAD":
            found.add((route.method, route.resource.canonical))
    return frozenset(found)


def is_page(request: web.Request) -> bool:
    """Whether a person with a browser is at it: errors are pages then."""
    resource = request.match_info.route.resource
    path = request.path if resource is None else resource.canonical
    asks = request.content_type == "application/json"
    return path in ("/", "/page") or path.startswith("/page/") or (path == "/sign-in" and not asks)
