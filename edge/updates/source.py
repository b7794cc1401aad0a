"""Where a release repository is read from: the tower over HTTP, or a folder such as a stick.

Nothing that comes from here is believed; whoever calls knows length and hash of what he asks for.
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface  # type: ignore[attr-defined]

from edge.errors import BadRequestError
from edge.updates.patience import PATIENCE, Patience, Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

STICK = "edgecase-releases"
"""Folder of a stick that holds the repository."""
CHUNK = 256 * 1024
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
    """A tower. Each file has its own connection, which ends when the tower dawdles."""

    def __init__(self, url: str, patience: Patience = PATIENCE) -> None:
        """Read below `url`, e.g. https://tower.local:9000/releases.

        Raises:
            BadRequestError: it is no address.
        """
        self._at = urlsplit(url.rstrip("/"))
        self.name = self._at.geturl()
        self._patience = patience
        self._partial = True
        try:
            self._at.port  # noqa: B018 - raises where it is none
        except ValueError as e:
            raise BadRequestError(f"{url} is no address: {e}.") from e

    def open(self, path: str, offset: int = 0) -> Iterator[bytes]:
        """See `Source.open`."""
        link = self._link()
        watch = Watch(link, self._patience)
        try:
            with _as_download_error(watch):
                answer = self._asked(link, watch, path, offset)
        except BaseException:
            watch.close()
            raise
        return _streamed(answer, watch)

    def skips(self) -> bool:
        """Until it is seen that it doesn't."""
        return self._partial

    def _link(self) -> HTTPConnection:
        host, port = self._at.hostname or "", self._at.port
        timeout = self._patience.silence_s
        if self._at.scheme == "https":
            context = ssl.create_default_context()
            return HTTPSConnection(host, port, timeout=timeout, context=context)
        return HTTPConnection(host, port, timeout=timeout)

    def _asked(self, link: HTTPConnection, watch: Watch, path: str, offset: int) -> HTTPResponse:
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        link.request("GET", f"{self._at.path}/{quote(path)}", headers=headers)
        watch.keep()
        answer = link.getresponse()
        if answer.status not in (200, 206):
            raise DownloadHTTPError(f"{path}: HTTP {answer.status}", answer.status)
        if offset and answer.status != 206:
            self._partial = False
            raise DownloadError(f"{path}: the tower sends whole files alone")
        return answer


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
    try:
        there = folder.is_dir()
    except OSError as e:  # e.g. another user's
        raise BadRequestError(f"{where} can't be read: {e.strerror}.", "ls -ld it") from e
    if not there:
        hint = "Give a folder (a stick), or http(s)://TOWER:9000/releases."
        raise BadRequestError(f"There is no release repository at {where}.", hint)
    return FolderSource(folder)


def _pieces(file: Path, offset: int) -> Iterator[bytes]:
    with _as_download_error(), file.open("rb") as opened:
        opened.seek(offset)
        while data := opened.read(CHUNK):
            yield data


def _streamed(answer: HTTPResponse, watch: Watch) -> Iterator[bytes]:
    try:
        with _as_download_error(watch):
            while data := answer.read1(CHUNK):
                watch.came(len(data))
                yield data
            if watch.late:
                raise DownloadError("it is too slow")
            if answer.length:
                raise DownloadError(f"it ends {answer.length} bytes early")
    finally:
        watch.close()


@contextmanager
def _as_download_error(watch: Watch | None = None) -> Iterator[None]:
    try:
        yield
    except (HTTPException, OSError, ValueError) as e:
        slow = watch is not None and watch.late
        raise DownloadError("it is too slow" if slow else str(e) or type(e).__name__) from e
