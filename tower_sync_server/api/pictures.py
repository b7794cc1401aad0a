"""Sends a blob: as a file where it is one, piece by piece where it lies elsewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tower_sync_server.archive.blobs import Blobs


async def send_blob(
    request: web.Request, blobs: Blobs, sha256: str, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Answer with the bytes of a blob.

    Raises:
        NotFoundError: there is none of this name; nothing was sent.
        UnavailableError: it can't be reached now; nothing was sent, unless it was half-way.
    """
    path = blobs.path(sha256)
    if path is not None:
        return web.FileResponse(path, headers=dict(headers))
    pieces = blobs.read(sha256)
    piece = await asyncio.to_thread(next, pieces, b"")  # before the status: it may not be there
    response = web.StreamResponse(headers=dict(headers))
    await response.prepare(request)
    while piece:
        await response.write(piece)
        piece = await asyncio.to_thread(next, pieces, b"")
    await response.write_eof()
    return response
