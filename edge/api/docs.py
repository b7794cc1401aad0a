"""GET /openapi.json and GET /docs: the documentation, from the device itself, with no network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from edge.api.operation import HTML, Operation, Reply
from edge.api.security import DOCS_CSP

if TYPE_CHECKING:
    from collections.abc import Callable

STATIC = "/static/vendor/swagger-ui"
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>EdgeCase: the device's HTTP interface</title>
<link rel="icon" href="/static/favicon.svg">
<link rel="stylesheet" href="{STATIC}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{STATIC}/swagger-ui-bundle.js"></script>
<script src="/static/docs.js"></script>
</body>
</html>
"""


class Docs:
    """Shows the document."""

    def __init__(self, document: Callable[[], dict[str, Any]]) -> None:
        """`document` is asked once, when it is wanted first."""
        self._document = document
        self._text = ""

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="GET",
                path="/openapi.json",
                handler=self.openapi,
                summary="This document",
                tag="documentation",
                scope=None,
                replies={200: Reply("OpenAPI 3.1.", {"type": "object"})},
            ),
            Operation(
                method="GET",
                path="/docs",
                handler=self.page,
                summary="This document for people",
                tag="documentation",
                scope=None,
                replies={200: Reply("A page.", {"type": "string"}, HTML)},
            ),
        )

    async def openapi(self, _request: web.Request) -> web.Response:
        """Give the document."""
        if not self._text:
            self._text = json.dumps(self._document(), ensure_ascii=False)
        return web.json_response(text=self._text)

    async def page(self, _request: web.Request) -> web.Response:
        """Give the page."""
        headers = {"Content-Security-Policy": DOCS_CSP}
        return web.Response(text=PAGE, content_type=HTML, headers=headers)
