"""GET /static/…: style sheets, scripts and pictures of the pages, all from the device itself."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from aiohttp import web

from edge.api.operation import Operation, Reply
from edge.errors import NotFoundError

FOLDER = Path(__file__).parent.parent / "web" / "static"
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
"""What the machine's own table may have otherwise."""
SERVICE_WORKER = "sw.js"


class Static:
    """Serves the files that were there at the start, and no others."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """List the folder: what isn't in the list can't be asked for."""
        files = (path for path in folder.rglob("*") if path.is_file())
        self._files = {path.relative_to(folder).as_posix(): path for path in files}

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="GET",
                path="/static/{path:.+}",
                handler=self.file,
                summary="A file of the pages",
                tag="pages",
                scope=None,
                replies={
                    200: Reply("The file.", media_type="*/*"),
                    206: Reply("A part of it.", media_type="*/*"),
                    304: Reply("It is the same still.", media_type=""),
                    416: Reply("There is no such part.", media_type=""),
                },
            ),
        )

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Give one file."""
        path = self._files.get(request.match_info["path"])
        if path is None:
            raise NotFoundError("There is no such file.")
        kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
        charset = "; charset=utf-8" if kind.startswith("text/") else ""
        headers = {"Content-Type": kind + charset, "Cache-Control": "no-cache"}
        if path.name == SERVICE_WORKER:  # it lies below /static and keeps the page at /
            headers["Service-Worker-Allowed"] = "/"
        return web.FileResponse(path, headers=headers)
