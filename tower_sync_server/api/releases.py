"""GET /releases/metadata/… and /releases/targets/…: the repository's files, as they lie there.

Open to everybody: what is in them is public, and worth something only through its signatures.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from pathlib import Path

METADATA = re.compile(r"(?P<version>[1-9][0-9]{0,11}\.)?[a-z]{1,32}\.json")
FOLDER = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,150}/"
TARGET = re.compile(rf"({FOLDER}){{0,10}}[0-9a-f]{{64}}\.[A-Za-z0-9._-]{{1,150}}")
FOREVER = "public, max-age=31536000, immutable"
"""What carries its number or its hash in its name never changes."""
ASK = "public, no-cache"
"""Kept, and asked for again with its ETag."""


class ReleasesApi:
    """Serves files. The kernel sends them; Range and If-None-Match are aiohttp's."""

    def __init__(self, metadata: Path, targets: Path) -> None:
        """Of these two folders, which may not be there yet."""
        self._metadata = metadata
        self._targets = targets

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.get("/releases/metadata/{name}", self.metadata),
            web.get("/releases/targets/{path:.+}", self.target),
        ]

    async def metadata(self, request: web.Request) -> web.FileResponse:
        """Signed metadata."""
        found = METADATA.fullmatch(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        caching = FOREVER if found["version"] else ASK
        return _file(self._metadata / found[0], caching, "application/json")

    async def target(self, request: web.Request) -> web.FileResponse:
        """A file of a model, by its hash."""
        found = TARGET.fullmatch(request.match_info["path"])
        if found is None:
            raise web.HTTPNotFound
        return _file(self._targets / found[0], FOREVER, "application/octet-stream")


def _file(path: Path, caching: str, kind: str) -> web.FileResponse:
    # A name that passed holds no `..` between slashes and no sign first, so it leads nowhere else.
    if not path.is_file():  # one look at the disk; so that this error looks like every other
        raise web.HTTPNotFound
    headers = {hdrs.CACHE_CONTROL: caching, hdrs.CONTENT_TYPE: kind}
    return web.FileResponse(path, headers=headers)
