"""Sends log records to journald with their fields, so that people can ask for one logger or level.

Over journald's own socket (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/): systemd-python does the
same, but has no wheels, and a Pi compiles nothing.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SOCKET = Path("/run/systemd/journal/socket")
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""Lowest level → syslog's number for it; what is lower yet is 7."""
KNOWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""What every record has; the rest of one came as `extra`."""


def under_journald(stream: str, stderr: int) -> bool:
    """Whether journald reads what goes to standard error.

    Args:
        stream: JOURNAL_STREAM, "device:inode"; a child may have it and write somewhere else.
        stderr: the file descriptor.
    """
    try:
        found = os.fstat(stderr)
    except OSError:
        return False
    return stream == f"{found.st_dev}:{found.st_ino}"


def fields(record: logging.LogRecord, message: str) -> dict[str, str]:
    """A record as journald's fields; `extra={"case": …}` becomes EDGECASE_CASE."""
    priority = next((number for level, number in PRIORITIES if record.levelno >= level), 7)
    more = {key: value for key, value in record.__dict__.items() if key not in KNOWN}
    return {
        "MESSAGE": " ".join((message, *(f"{key}={value}" for key, value in more.items()))),
        "PRIORITY": str(priority),
        "SYSLOG_IDENTIFIER": "edgecase",
        "LOGGER": record.name,
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
        "CODE_FUNC": record.funcName or "",
        **{f"EDGECASE_{key.strip('_').upper()}": str(value) for key, value in more.items()},
    }


def encode(values: Mapping[str, str]) -> bytes:
    """Fields as one datagram; every value with its length, since a value may have several lines."""
    parts = []
    for key, value in values.items():
        data = value.encode(errors="replace")
        parts.append(b"%s\n%s%s\n" % (key.encode(), len(data).to_bytes(8, "little"), data))
    return b"".join(parts)


class JournalHandler(logging.Handler):
    """Hands records to journald; what it doesn't take goes to standard error."""

    def __init__(self, path: Path = SOCKET) -> None:
        """Connect.

        Raises:
            OSError: nobody listens there.
        """
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._otherwise = logging.StreamHandler(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record, with its traceback as part of the message."""
        try:
            self._socket.send(encode(fields(record, self.format(record))))
        except OSError:  # journald is being restarted, or the message is too long for it
            self._otherwise.handle(record)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()
        super().close()
