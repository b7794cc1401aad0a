"""POST /cases: a device's own archive, from a device that never gets a link."""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import BodyPartReader, ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from tower_sync_server.api.guard import by
from tower_sync_server.api.replies import as_json
from tower_sync_server.errors import BadFieldError, BadRequestError, MediaTypeError
from tower_sync_server.ingest.folders import Result, Taken
from tower_sync_server.ingest.uploads import Picture
from tower_sync_server.people.words import Action

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from aiohttp import MultipartReader

    from tower_sync_server.api.guard import Doors
    from tower_sync_server.ingest.uploads import Uploads
    from tower_sync_server.people.audit import Audit

TAR = ("application/x-tar", "application/tar")
MULTIPART = "multipart/form-data"
KNOWN = "Known parts are: device, case, image, thumb."
MAX_DEVICE = 200
MAX_PARTS = 200
PICTURE = re.compile(r"image/[a-z0-9.+-]{1,64}")
MALFORMED = (
    ValueError,
    AssertionError,
    RuntimeError,
    LookupError,
    HttpProcessingError,
    ClientPayloadError,
)
"""With all of these aiohttp's reader says: no boundary, a wrong one, cut off, bad headers."""
WAIT_S = 60.0
"""Longest that the uploader may send nothing."""


class UploadApi:
    """Takes archives in."""

    def __init__(self, uploads: Uploads, audit: Audit, doors: Doors) -> None:
        """`uploads` does it; `audit` keeps who had it done."""
        self._uploads = uploads
        self._audit = audit
        self._doors = doors

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [web.post("/cases", self.take)]

    async def take(self, request: web.Request) -> web.Response:
        """Take in a tar of an archive, or one case."""
        if request.content_type in TAR:
            source = Feed(request.content.readany, asyncio.get_running_loop())
            taken = await asyncio.to_thread(self._uploads.tar, source)
        elif request.content_type == MULTIPART:
            taken = await self._one(request)
        else:
            message = f"This takes a tar or {MULTIPART}, not {request.content_type!r}."
            raise MediaTypeError(message, f"Send the tar with Content-Type: {TAR[0]}.")
        count = taken.count()
        told = ", ".join(f"{count[result]} {result}" for result in Result)
        who = by(request, self._doors)
        await asyncio.to_thread(self._audit.add, who, Action.UPLOAD, taken.device, told)
        return as_json(_answer(taken))

    async def _one(self, request: web.Request) -> Taken:
        with self._uploads.room() as place:
            parts = Parts(place, self._uploads)
            async for part in _parts(request):
                if not isinstance(part, BodyPartReader):
                    raise BadRequestError("A part has parts of its own.")
                await parts.add(part)
            if not parts.has_case:
                raise BadFieldError("case: missing", KNOWN)
            return await asyncio.to_thread(
                self._uploads.one, place, parts.device, parts.photos, parts.thumbs
            )


async def _parts(request: web.Request) -> AsyncIterator[MultipartReader | BodyPartReader]:
    with _whole():
        reader = await request.multipart()
    while True:
        with _whole():
            part = await reader.next()
        if part is None:
            return
        yield part


@contextmanager
def _whole() -> Iterator[None]:
    try:
        yield
    except MALFORMED as e:
        raise BadRequestError(
            "The multipart body is cut off or malformed.", "Send it again, whole."
        ) from e


class Parts:
    """What came of a case so far."""

    def __init__(self, place: Path, uploads: Uploads) -> None:
        """Nothing yet; it goes into `place`."""
        self.device = ""
        self.has_case = False
        self.photos: list[Picture] = []
        self.thumbs: list[Picture] = []
        self._place = place
        self._uploads = uploads
        self._size = 0
        self._count = 0

    async def add(self, part: BodyPartReader) -> None:
        """Take the next one.

        Raises:
            BadRequestError: it is none of a case's.
        """
        self._count += 1
        if self._count > MAX_PARTS:
            raise BadRequestError(f"More than {MAX_PARTS} parts.")
        if part.name == "device":
            with _whole():
                name = await part.read_chunk()
            self.device = name[:MAX_DEVICE].decode(errors="replace")
        elif part.name == "case":
            await self._keep(part, self._place / "case.part")
            self.has_case = True
        elif part.name in ("image", "thumb"):
            media_type = part.headers.get("Content-Type", "").lower()
            if not PICTURE.fullmatch(media_type):
                raise BadFieldError(f"{part.name}: Content-Type is {media_type[:80]!r}.")
            path = self._place / f"{self._count}.part"
            await self._keep(part, path)
            pictures = self.photos if part.name == "image" else self.thumbs
            pictures.append(Picture(path, media_type))
        else:
            raise BadFieldError(f"{str(part.name)[:80]}: there is no such part.", KNOWN)

    async def _keep(self, part: BodyPartReader, path: Path) -> None:
        source = Feed(part.read_chunk, asyncio.get_running_loop())
        self._size += await asyncio.to_thread(self._uploads.copy, source, path, self._size)


class Feed:
    """A body for a thread to read, as it comes."""

    def __init__(
        self, more: Callable[[], Awaitable[bytes]], loop: asyncio.AbstractEventLoop
    ) -> None:
        """`more` gives some bytes, or none at the end, in the loop."""
        self._more = more
        self._loop = loop
        self._rest = b""
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """So many bytes; fewer only at the end.

        Raises:
            BadRequestError: the uploader sends nothing more, or went away.
        """
        have = [self._rest]
        length = len(self._rest)
        while not self._ended and (size < 0 or length < size):
            data = self._next()
            self._ended = not data
            have.append(data)
            length += len(data)
        data = b"".join(have)
        end = len(data) if size < 0 else size
        data, self._rest = data[:end], data[end:]
        return data

    def _next(self) -> bytes:
        async def more() -> bytes:
            async with asyncio.timeout(WAIT_S):
                return await self._more()

        try:
            with _whole():
                return asyncio.run_coroutine_threadsafe(more(), self._loop).result()
        except (TimeoutError, ConnectionError, asyncio.CancelledError) as e:
            raise BadRequestError("The upload was broken off.", "Send it again.") from e


def _answer(taken: Taken) -> dict[str, object]:
    count = taken.count()
    cases = [
        {"id": case.id, "result": case.result, "reason": "; ".join(case.reasons)}
        for case in taken.cases
    ]
    counts = {str(result): count[result] for result in Result}
    return {"device": taken.device, **counts, "cases": cases}
