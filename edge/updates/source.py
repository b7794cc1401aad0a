"""Where a release repository is read from: the tower over HTTP, or a folder such as a stick.

Nothing that comes from here is believed; whoever calls knows length and hash of what he asks for.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface  # type: ignore[attr-defined]

from edge.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

STICK = "edgecase-releases"
"""Folder of a stick that holds the repository."""
CHUNK = 256 * 1024
TIMEOUT_S = 20.0
"""To connect, and between two pieces of an answer."""
NOT_FOUND = 404


class Source(Protocol):
    """A repository's files by their paths in it: `metadata/…`, `targets/…`."""

    name: str
    """For people."""

    def open(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """The file from this byte on, or from its beginning where the source can't skip.

        Raises:
            DownloadHTTPError: with 404: it isn't there.
            DownloadError: the road is bad.
        """
        ...

    def skips(self) -> bool:
        """Whether `offset` is obeyed."""
        ...


class FolderSource:
    """A folder; links in it are not followed out of it."""

    def __init__(self, folder: Path) -> None:
        """Read below `folder`, or below the repository of the stick that it is."""
        inner = folder / STICK
        self._root = (inner if inner.is_dir() else folder).resolve()
        self.name = str(folder)

    def open(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """See `Source.open`."""
        file = (self._root / path).resolve()
        if not file.is_relative_to(self._root) or not file.is_file():
            raise DownloadHTTPError(f"{path} is not there", NOT_FOUND)
        return _pieces(file, offset)

    def skips(self) -> bool:
        """It does."""
        return True


class HttpSource:
    """A tower."""

    def __init__(self, url: str) -> None:
        """Read below `url`, e.g. https://tower.local:9000/releases."""
        self._base = url.rstrip("/")
        self.name = self._base
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(TIMEOUT_S), retries=urllib3.Retry(2, redirect=0)
        )
        self._partial = True

    def open(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """See `Source.open`."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        with _as_download_error():
            answer = self._pool.request(
                "GET", f"{self._base}/{quote(path)}", headers=headers, preload_content=False
            )
        if answer.status not in (200, 206):
            answer.release_conn()
            raise DownloadHTTPError(f"{path}: HTTP {answer.status}", answer.status)
        if offset and answer.status != 206:
            answer.close()
            self._partial = False
            raise DownloadError(f"{path}: the tower sends whole files alone")
        return _streamed(answer)

    def skips(self) -> bool:
        """Until it is seen that it doesn't."""
        return self._partial


class Fetcher(FetcherInterface):
    """Gives python-tuf the files of a source."""

    def __init__(self, source: Source) -> None:
        """Read from `source`."""
        self._source = source

    def _fetch(self, url: str) -> Iterator[bytes]:
        return self._source.open(url)


def source_of(where: str) -> Source:
    """The source that a person or a setting names.

    Raises:
        BadRequestError: it is neither a folder nor an address.
    """
    if where.startswith(("http://", "https://")):
        return HttpSource(where)
    folder = Path(where.removeprefix("file://"))
    if not folder.is_dir():
        hint = "Give a folder (a stick), or http(s)://TOWER:9000/releases."
        raise BadRequestError(f"There is no release repository at {where}.", hint)
    return FolderSource(folder)


def _pieces(file: Path, offset: int) -> Iterator[bytes]:
    with _as_download_error(), file.open("rb") as opened:
        opened.seek(offset)
        while data := opened.read(CHUNK):
            yield data


def _streamed(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        with _as_download_error():
            yield from answer.stream(CHUNK, decode_content=False)
    finally:
        answer.release_conn()


@contextmanager
def _as_download_error() -> Iterator[None]:
    try:
        yield
    except (urllib3.exceptions.HTTPError, OSError) as e:
        raise DownloadError(str(e) or type(e).__name__) from e
