"""What journald gets to hear, at a socket in its place."""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.journal import JournalHandler, under_journald

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.settimeout(10)
        yield listening


@pytest.fixture
def log(journald: socket.socket) -> Iterator[logging.Logger]:
    handler = JournalHandler(Path(journald.getsockname()))
    made = logging.Logger("edge.somewhere")
    made.addHandler(handler)
    yield made
    handler.close()


def heard(journald: socket.socket) -> dict[str, str]:
    """The fields of the next datagram, read as journald does."""
    data, found = journald.recv(1 << 20), {}
    while data:
        key, _, rest = data.partition(b"\n")
        size = int.from_bytes(rest[:8], "little")
        found[key.decode()] = rest[8 : 8 + size].decode()
        data = rest[8 + size + 1 :]
    return found


def test_a_record_comes_with_its_fields(journald: socket.socket, log: logging.Logger) -> None:
    log.warning("%s is full", "the disk", extra={"case": "c1"})
    told = heard(journald)
    assert told["MESSAGE"] == "the disk is full case=c1"
    assert told["LOGGER"] == "edge.somewhere"
    assert told["EDGECASE_CASE"] == "c1"
    assert told["CODE_FUNC"] == "test_a_record_comes_with_its_fields"


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.CRITICAL, "2"), (logging.ERROR, "3"), (logging.WARNING, "4"), (logging.INFO, "6"),
     (logging.DEBUG, "7")],
)  # fmt: skip
def test_levels_are_those_of_syslog(
    journald: socket.socket, log: logging.Logger, level: int, priority: str
) -> None:
    log.log(level, "hello")
    assert heard(journald)["PRIORITY"] == priority


def test_several_lines_and_a_traceback_are_one_message(
    journald: socket.socket, log: logging.Logger
) -> None:
    try:
        raise ValueError("PRIORITY=0")
    except ValueError:
        log.exception("first\nsecond")
    told = heard(journald)
    assert told["MESSAGE"].startswith("first\nsecond\nTraceback")
    assert told["MESSAGE"].endswith("ValueError: PRIORITY=0")
    assert told["PRIORITY"] == "3"


def test_where_nobody_takes_it_standard_error_does(
    journald: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = JournalHandler(Path(journald.getsockname()))
    journald.close()
    handler.handle(logging.LogRecord("edge", logging.ERROR, "a.py", 1, "still here", (), None))
    handler.close()
    assert "still here" in capsys.readouterr().err


def test_only_the_stream_that_journald_reads_counts(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        found = os.fstat(file.fileno())
        assert under_journald(f"{found.st_dev}:{found.st_ino}", file.fileno())
        assert not under_journald(f"{found.st_dev}:{found.st_ino + 1}", file.fileno())
        assert not under_journald("", file.fileno())
