"""Requests to checked values; whatever is wrong is named."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from edge.errors import BadFieldError, BadRequestError, MediaTypeError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from models.case import FormValue

M = TypeVar("M", bound=BaseModel)

MAX_FORM_FIELDS = 64
"""Entries of a form, before the profile's own rules are asked."""
MAX_FORM_TEXT = 10_000
"""Characters of one entry."""


def checked(model: type[M], data: Mapping[str, Any]) -> M:
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


def query(model: type[M], request: web.Request) -> M:
    """The query's parameters as a `model`.

    Raises:
        BadFieldError: one is unknown, of the wrong kind, or given twice.
    """
    return checked(model, texts(request))


def texts(request: web.Request) -> dict[str, str]:
    """The query's parameters as they are.

    Raises:
        BadFieldError: one is given twice, or is no text.
    """
    data: dict[str, str] = {}
    for name, value in request.query.items():
        if name in data:
            raise BadFieldError(f"{name[:64]}: given more than once")
        data[name] = whole_text(value, name)
    return data


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body, which must be a JSON object.

    Raises:
        MediaTypeError: it doesn't say that it is JSON.
        BadRequestError: it isn't.
        BadFieldError: it is JSON, but no object.
    """
    if request.content_type != "application/json" and not request.content_type.endswith("+json"):
        raise MediaTypeError(
            f"This takes JSON, not {request.content_type!r}.",
            "Send the body with Content-Type: application/json.",
        )
    return parse_object(await request.read())


def parse_object(raw: bytes | str, name: str = "body") -> dict[str, Any]:
    """A JSON object from its text.

    Raises:
        BadRequestError: not JSON.
        BadFieldError: JSON, but no object.
    """
    try:
        data = json.loads(raw, parse_constant=_refuse_constant)
        json.dumps(data, ensure_ascii=False).encode()  # half a surrogate pair can't be stored
    except (ValueError, RecursionError) as e:
        raise BadRequestError(f"{name}: this is not JSON: {_short(e)}") from e
    if not isinstance(data, dict):
        raise BadFieldError(f"{name}: expected an object", 'Send {"…": …}.')
    return data


def form_values(data: Any) -> dict[str, FormValue]:
    """A form: names to plain values. The profile's own rules come later, in the pipeline.

    Raises:
        BadFieldError: it holds something else.
    """
    if not isinstance(data, dict):
        raise BadFieldError("form: expected an object", 'Send {"name": value, …}.')
    if len(data) > MAX_FORM_FIELDS:
        raise BadFieldError(f"form: more than {MAX_FORM_FIELDS} fields")
    for name, value in data.items():
        if isinstance(value, (dict, list)):
            raise BadFieldError(f"form.{name[:64]}: expected text, a number, true, false or null")
        if len(name) > MAX_FORM_TEXT or (isinstance(value, str) and len(value) > MAX_FORM_TEXT):
            raise BadFieldError(f"form.{name[:64]}: longer than {MAX_FORM_TEXT} characters")
    return data


def case_id(request: web.Request) -> str:
    """The case's id in the path.

    Raises:
        NotFoundError: nothing can have that id.
    """
    return known_id(request.match_info["id"])


def known_id(text: str) -> str:
    """`text`, if it is written the way ids are.

    Raises:
        NotFoundError: nothing can have that id.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError as e:
        raise NotFoundError("There is no such case.", "GET /cases lists them.") from e


def whole_text(value: str, name: str) -> str:
    """`value`, if it can be written as UTF-8.

    Raises:
        BadFieldError: it can't.
    """
    try:
        value.encode()
    except UnicodeEncodeError as e:
        raise BadFieldError(f"{name}: this is not UTF-8") from e
    return value


def _refuse_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _short(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
