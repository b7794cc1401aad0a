"""Towers that dawdle, lie about lengths, or send too much."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tuf.api.exceptions import DownloadError, DownloadHTTPError

from edge.errors import BadRequestError, NoRepositoryError, RefusedReleaseError
from edge.updates import look as looking
from edge.updates.look import look
from edge.updates.patience import Patience
from edge.updates.source import FolderSource, HttpSource, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOON = Patience(silence_s=2.0, grace_s=0.5, least_rate=1000.0, look_s=0.05)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Answers whatever it is asked, in its own way."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with link:
                    try:
                        link.recv(65536)
                        answer(link)
                    except OSError:
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/releases"
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def drop_by_drop(before: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def answer(link: socket.socket) -> None:
        link.sendall(before)
        for _ in range(200):
            link.sendall(drop)
            time.sleep(0.05)

    return answer


def read(url: str, path: str = "metadata/timestamp.json", offset: int = 0) -> bytes:
    return b"".join(HttpSource(url, SOON).open(path, offset))


@pytest.mark.parametrize(
    "slow",
    [
        drop_by_drop(b"", b"H"),
        drop_by_drop(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        drop_by_drop(HEAD % 100_000, b"x"),
        drop_by_drop(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"),
        drop_by_drop(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    ],
    ids=["status", "header", "body", "body without an end", "length of a piece"],
)
def test_a_tower_that_sends_a_byte_now_and_then_is_hung_up_on(slow):
    began = time.monotonic()
    with answering(slow) as url:
        with pytest.raises(DownloadError, match="too slow"):
            read(url)
        assert time.monotonic() - began < 3


def test_a_tower_that_is_quick_enough_is_heard_out():
    """The control."""

    def answer(link: socket.socket) -> None:
        link.sendall(HEAD % 20_000)
        for _ in range(20):
            link.sendall(bytes(1000))
            time.sleep(0.05)

    with answering(answer) as url:
        assert read(url) == bytes(20_000)


def test_an_answer_that_ends_early_is_no_answer():
    with (
        answering(lambda link: link.sendall(HEAD % 100 + b"short")) as url,
        pytest.raises(DownloadError, match="95 bytes early"),
    ):
        read(url)


def test_what_is_not_there_is_told_apart_from_a_bad_road():
    with answering(
        lambda link: link.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
    ) as url:
        with pytest.raises(DownloadHTTPError) as gone:
            read(url)
        assert gone.value.status_code == 404
    with pytest.raises(DownloadError):
        read("http://127.0.0.1:1/releases")


def test_a_tower_that_speaks_no_http_is_a_bad_road():
    with (
        answering(lambda link: link.sendall(b"\0\1\2 rubbish\r\n\r\n")) as url,
        pytest.raises(DownloadError),
    ):
        read(url)


def test_a_tower_that_cannot_skip_is_remembered():
    with answering(lambda link: link.sendall(HEAD % 3 + b"abc")) as url:
        source = HttpSource(url, SOON)
        assert source.skips()
        with pytest.raises(DownloadError, match="whole files alone"):
            source.open("targets/x", 2)
        assert not source.skips()


def test_an_address_that_is_none_is_refused():
    with pytest.raises(BadRequestError):
        source_of("http://tower:port/releases")


def test_metadata_without_end_is_not_read_into_memory(tower, seen):
    class Endless(FolderSource):
        sent = 0

        def open(self, path: str, offset: int = 0) -> Iterator[bytes]:
            if "targets.json" not in path:
                yield from super().open(path, offset)
                return
            while True:
                self.sent += 100_000
                yield b" " * 100_000

    source = Endless(tower.folder)
    with pytest.raises(NoRepositoryError):
        look(seen, source, tower.now)
    assert source.sent < 10_000_000


def test_a_rollout_of_gigabytes_is_refused_before_it_is_read(tower, seen, monkeypatch):
    monkeypatch.setattr(looking, "MAX_ROLLOUT", 10)
    with pytest.raises(RefusedReleaseError, match="bytes"):
        look(seen, FolderSource(tower.folder), tower.now)


def test_a_folder_that_this_user_may_not_enter_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(_: object) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("edge.updates.source.Path.is_dir", closed)
    with pytest.raises(BadRequestError, match=r"can't be read: Permission denied"):
        source_of("/root/stick")
