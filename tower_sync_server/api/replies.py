"""JSON answers and the one shape that errors have, which is the device's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from models.jsonable import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tower_sync_server.archive.listing import Entry
    from tower_sync_server.errors import TowerError


def as_json(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Answer with a word, or with anything made of words, as JSON."""
    text = json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return web.json_response(text=text, status=status, headers=dict(headers or {}))


def as_error(error: TowerError, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with an error of ours."""
    body = {"code": error.code, "message": error.message, "hint": error.hint}
    return as_json({"error": body}, error.status, headers)


def case_body(entry: Entry) -> dict[str, Any]:
    """A case as the device sent it, and under `archive` what the tower says about it."""
    return {**entry.body, "archive": to_json(entry.receipt)}
