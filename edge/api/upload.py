"""Bodies: how large they may be, and what a multipart one holds.

File names that clients send are never looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import BodyPartReader, ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from edge.api.operation import operation_of
from edge.errors import (
    BadFieldError,
    BadRequestError,
    BodyTooLargeError,
    BodyTooSlowError,
    MediaTypeError,
)

if TYPE_CHECKING:
    from aiohttp import MultipartReader, StreamReader
    from aiohttp.typedefs import Middleware

    from edge.api.operation import Expect, Handler

CHUNK = 256 * 1024
MAX_PARTS = 96
"""Parts of one body."""
MAX_TEXT = 256 * 1024
"""Bytes of all parts that are not photos."""
MAX_IMAGES = 8
"""Photos of one body."""
BODY_S = 120.0
"""Longest that a body may take to arrive: 5 MB at 0.33 Mbit/s. One that is never finished would
hold its connection for good."""
MALFORMED = (
    ValueError,
    AssertionError,
    RuntimeError,
    LookupError,
    HttpProcessingError,
    ClientPayloadError,
)
"""With all of these aiohttp's reader says: no boundary, a wrong one, cut off, bad headers."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What came in."""

    images: tuple[bytes, ...] = ()
    """The parts called `image`, in their order."""
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The others, as text."""

    def image(self) -> bytes:
        """The one photo.

        Raises:
            BadFieldError: there is none, or more than one.
        """
        if len(self.images) != 1:
            found = "missing" if not self.images else f"{len(self.images)} of them, expected one"
            raise BadFieldError(f"image: {found}", "Send multipart/form-data with one `image`.")
        return self.images[0]

    def one(self, name: str) -> str | None:
        """The text of the field; None where it is missing or empty.

        Raises:
            BadFieldError: it came more than once.
        """
        values = self.fields.get(name, ())
        if len(values) > 1:
            raise BadFieldError(f"{name}: given more than once")
        return values[0] if values and values[0] else None


def limits(max_bytes: int, body_s: float = BODY_S) -> Middleware:
    """Make the middleware that bounds a body: its declared length, and the time it takes to arrive.

    The length is looked at before any of it is read.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if (request.content_length or 0) > max_bytes:
            raise too_large(max_bytes)
        op = operation_of(request)
        if op is not None and op.body and request.content_type not in op.body:
            known = ", ".join(op.body)
            raise MediaTypeError(f"This does not take {request.content_type}.", f"Send {known}.")
        hurry = asyncio.get_running_loop().call_later(body_s, _give_up, request.content, body_s)
        try:
            return await handler(request)
        finally:
            hurry.cancel()

    return middleware


def _give_up(body: StreamReader, body_s: float) -> None:
    """Whoever reads it, now or later, is told that it came too slowly."""
    if not body.is_eof():
        body.set_exception(
            BodyTooSlowError(
                f"The body did not arrive within {body_s:g} s.",
                "Send a smaller photo, or send it again where the network is better.",
            )
        )


def expects(max_bytes: int) -> Expect:
    """Make what answers a client that asks before it sends: it is let, unless it is too much."""

    async def answer(request: web.Request) -> None:
        if request.headers.get("Expect", "").lower() != "100-continue":
            raise web.HTTPExpectationFailed
        if (request.content_length or 0) <= max_bytes:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # the answer itself has not begun

    return answer


def too_large(max_bytes: int) -> BodyTooLargeError:
    """The refusal of a body over the limit."""
    return BodyTooLargeError(
        f"The body is larger than {max_bytes / 1e6:g} MB.",
        "Send a smaller photo, or raise http.max_body_mb.",
    )


async def read_upload(request: web.Request, max_bytes: int) -> Upload:
    """Read a multipart body, or a photo that is the whole body (its fields are in the query).

    Raises:
        BodyTooLargeError: more than `max_bytes`.
        BadRequestError: it is cut off or malformed.
        BadFieldError: too many parts, or text that isn't.
    """
    if not request.content_type.startswith("multipart/"):
        return await _whole_body(request, max_bytes)
    try:
        return await _read_parts(await request.multipart(), max_bytes)
    except MALFORMED as e:
        raise BadRequestError(
            "The multipart body is cut off or malformed.", "Send it again, whole."
        ) from e


async def _whole_body(request: web.Request, max_bytes: int) -> Upload:
    data = bytearray()
    async for chunk in request.content.iter_chunked(CHUNK):
        data += chunk
        if len(data) > max_bytes:
            raise too_large(max_bytes)
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in request.query.items():
        fields[name] = (*fields.get(name, ()), value)
    return Upload((bytes(data),), fields)


async def _read_parts(reader: MultipartReader, max_bytes: int) -> Upload:
    images: list[bytes] = []
    fields: dict[str, tuple[str, ...]] = {}
    left, text_left = max_bytes, MAX_TEXT
    for _ in range(MAX_PARTS):
        part = await reader.next()
        if part is None:
            return Upload(tuple(images), fields)
        if not isinstance(part, BodyPartReader) or not part.name:
            raise BadFieldError("body: every part needs a name and no parts of its own")
        is_image = part.name == "image"
        if is_image or left <= text_left:
            data = await _read_part(part, left, too_large(max_bytes))
        else:
            data = await _read_part(part, text_left, _too_much_text())
        left -= len(data)
        if is_image:
            images.append(data)
            if len(images) > MAX_IMAGES:
                raise BadFieldError(f"image: more than {MAX_IMAGES} of them")
        else:
            text_left -= len(data)
            fields[part.name] = (*fields.get(part.name, ()), _text(data, part.name))
    raise BadFieldError(f"body: more than {MAX_PARTS} parts")


async def _read_part(part: BodyPartReader, left: int, refusal: BodyTooLargeError) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk(CHUNK):
        data += chunk
        if len(data) > left:
            raise refusal
    return bytes(data)


def _too_much_text() -> BodyTooLargeError:
    return BodyTooLargeError(
        f"The fields beside the photo are larger than {MAX_TEXT // 1024} kB.",
        "Send less in them; the photo goes into the field `image`.",
    )


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        hint = "The photo goes into the field `image`."
        raise BadFieldError(f"{name[:64]}: this is not UTF-8", hint) from e
