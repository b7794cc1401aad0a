"""GET /openapi.json and GET /docs: the documentation, from the tower itself, with no network."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tower_sync_server.api.openapi import document
from tower_sync_server.api.render import page

if TYPE_CHECKING:
    from collections.abc import Mapping


class DocsApi:
    """Shows the document."""

    def __init__(self) -> None:
        """Make it once."""
        self._document = document(_version())
        self._text = json.dumps(self._document, ensure_ascii=False)

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [web.get("/openapi.json", self.openapi), web.get("/docs", self.page)]

    async def openapi(self, _request: web.Request) -> web.Response:
        """Give the document."""
        return web.json_response(text=self._text)

    async def page(self, request: web.Request) -> web.Response:
        """Give it as a page."""
        return page("docs.html", request, {"operations": operations(self._document)})


def operations(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the page shows of each operation."""
    schemas = found["components"]["schemas"]
    return [
        {
            "method": method.upper(),
            "path": path,
            "summary": op["summary"],
            "who": op["description"],
            "parameters": [
                (one["name"], one["in"], one.get("description", "")) for one in op["parameters"]
            ],
            "fields": _fields(op, schemas),
            "replies": [
                (status, reply["description"]) for status, reply in op["responses"].items()
            ],
        }
        for path, methods in found["paths"].items()
        for method, op in methods.items()
    ]


def _fields(op: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[str]:
    if "requestBody" not in op:
        return []
    reference = op["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return list(schemas[reference.rpartition("/")[2]]["properties"])


def _version() -> str:
    try:
        return version("edgecase")
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return "0"
