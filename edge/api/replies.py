"""JSON answers and the one shape that errors have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from models.jsonable import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.errors import EdgeError


def as_json(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with a word, or with anything made of words, as JSON."""
    text = json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return web.json_response(text=text, status=status, headers=dict(headers or {}))


def error_body(code: str, message: str, hint: str = "") -> dict[str, Any]:
    """The shape of every error."""
    return {"error": {"code": code, "message": message, "hint": hint}}


def as_error(error: EdgeError, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with an error of ours."""
    body = error_body(error.code, error.message, error.hint)
    return as_json(body, error.status, headers)


def wants_html(request: web.Request) -> bool:
    """True for a person's browser, false for programs (and for whoever takes anything)."""
    return "text/html" in request.headers.get("Accept", "") or "HX-Request" in request.headers
