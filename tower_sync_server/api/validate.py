"""Requests to checked values; whatever is wrong is named."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from tower_sync_server.errors import BadFieldError, NotFoundError

if TYPE_CHECKING:
    from aiohttp import web

M = TypeVar("M", bound=BaseModel)


def query(model: type[M], request: web.Request) -> M:
    """The query's parameters as a `model`.

    Raises:
        BadFieldError: one is unknown, of the wrong kind, or given twice.
    """
    return checked(model, texts(request))


def texts(request: web.Request) -> dict[str, str]:
    """The query's parameters as they are.

    Raises:
        BadFieldError: one is given twice, or is no plain text.
    """
    data: dict[str, str] = {}
    for name, value in request.query.items():
        if name in data:
            raise BadFieldError(f"{name[:64]}: given more than once")
        if not all(ord(c) >= 32 and not 0xD800 <= ord(c) < 0xE000 for c in value):
            raise BadFieldError(f"{name[:64]}: there is a character in it that no text has")
        data[name] = value
    return data


def checked(model: type[M], data: object) -> M:
    """Make a `model` of the data.

    Raises:
        BadFieldError: naming the first field that is wrong.
    """
    try:
        return model.model_validate(data)
    except ValidationError as e:
        first = e.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "body"
        known = ", ".join(model.model_fields)
        raise BadFieldError(f"{name}: {first['msg']}", f"Known fields are: {known}.") from e


def case_id(request: web.Request) -> str:
    """The case's id in the path.

    Raises:
        NotFoundError: nothing can have that id.
    """
    try:
        return str(uuid.UUID(request.match_info["id"]))
    except ValueError as e:
        raise NotFoundError("There is no such case here.", "GET /cases lists them.") from e
