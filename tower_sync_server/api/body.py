"""Small bodies: JSON from programs, forms from pages, to the same checked values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict

from tower_sync_server.api.validate import checked
from tower_sync_server.errors import BadRequestError, MediaTypeError

if TYPE_CHECKING:
    from aiohttp import web

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MAX_BYTES = 16_384
M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """What a request brings; strict about its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


async def body(model: type[M], request: web.Request) -> M:
    """The body as a `model`.

    Raises:
        MediaTypeError: neither JSON nor a form.
        BadRequestError: not what it says it is, or too long.
        BadFieldError: a field is unknown, missing, or of the wrong kind.
    """
    raw = await request.read()
    if len(raw) > MAX_BYTES:
        raise BadRequestError(f"The body is longer than {MAX_BYTES} bytes.")
    return checked(model, _values(request, raw))


def _values(request: web.Request, raw: bytes) -> object:
    if request.content_type == JSON:
        try:
            return json.loads(raw)
        except (ValueError, RecursionError) as e:
            raise BadRequestError("body: this is not JSON") from e
    if request.content_type == FORM:
        try:
            pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=50)
        except ValueError as e:
            raise BadRequestError("body: this is not a form") from e
        return dict(pairs)
    message = f"This takes JSON or a form, not {request.content_type!r}."
    raise MediaTypeError(message, "Send the body with Content-Type: application/json.")
