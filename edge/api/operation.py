"""An operation: a route together with its description, so that neither exists without the other."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aiohttp import web
from pydantic import BaseModel

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Expect = Callable[[web.Request], Awaitable[web.StreamResponse | None]]

JSON = "application/json"
HTML = "text/html"
MULTIPART = "multipart/form-data"


class Scope(StrEnum):
    """What a token allows."""

    VIEW = "view"
    """Look at cases."""
    CAPTURE = "capture"
    """Take photos, make cases, say something about them."""
    ADMIN = "admin"
    """Everything."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer an operation may give."""

    description: str
    """When."""
    schema: Any = None
    """A dataclass, a pydantic model, or a schema as a mapping; None: no JSON."""
    media_type: str = JSON
    """Content type of the body; "" where there is none."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: str
    """GET, POST, DELETE."""
    path: str
    """As aiohttp has it: /cases/{id}."""
    handler: Handler
    """Validates, delegates, responds."""
    summary: str
    """One line, for the documentation."""
    tag: str
    """Which group of the documentation it belongs to."""
    scope: Scope | None
    """What the token must allow; None: open to everybody."""
    replies: Mapping[int, Reply]
    """Status → what it means. Errors that every operation shares are added by `openapi`."""
    query: type[BaseModel] | None = None
    """The query's parameters."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Request headers it looks at → what they do."""
    body: Mapping[str, Any] = field(default_factory=dict)
    """Content type → schema (see `Reply.schema`); empty: it takes no body."""
    looks_only: bool = False
    """True for a POST that changes nothing."""
    streams: bool = False
    """True where the answer goes on for as long as the client listens."""

    @property
    def address(self) -> str:
        """The path as OpenAPI has it: without the patterns of its variables."""
        return re.sub(r"{(\w+):[^}]*}", r"{\1}", self.path)

    @property
    def methods(self) -> tuple[str, ...]:
        """Its own, and HEAD where that is the same without the body."""
        return ("GET", "HEAD") if self.method == "GET" and not self.streams else (self.method,)

    @property
    def changes(self) -> bool:
        """True where it may change something."""
        return self.method not in ("GET", "HEAD") and not self.looks_only


OPERATION: web.AppKey[Mapping[Any, Operation]] = web.AppKey("operations", Mapping)
"""Route → its operation."""
WHO: web.RequestKey[str] = web.RequestKey("who", str)
"""The name of whoever is signed in."""
TOKEN_ID: web.RequestKey[str] = web.RequestKey("token_id", str)
"""The id of the token it came with."""
SCOPES: web.RequestKey[frozenset[str]] = web.RequestKey("scopes", frozenset)
"""What that token allows."""
ORIGIN: web.RequestKey[str] = web.RequestKey("origin", str)
"""The page of another site that may read the answer."""
ETAG: web.RequestKey[str] = web.RequestKey("etag", str)
"""The answer's entity tag, where it is a file's."""


def operation_of(request: web.Request) -> Operation | None:
    """The operation a request is for; None where no route fits."""
    table = request.config_dict.get(OPERATION, {})
    return table.get(request.match_info.route)


def add_operations(
    app: web.Application, operations: tuple[Operation, ...], expect: Expect | None = None
) -> None:
    """Add the routes, and keep which operation each stands for.

    Args:
        app: gets the routes.
        operations: what there is.
        expect: answers a client that asks before it sends its body.
    """
    table: dict[Any, Operation] = {}
    for op in operations:
        for method in op.methods:
            route = app.router.add_route(method, op.path, op.handler, expect_handler=expect)
            table[route] = op
    app[OPERATION] = table
