"""How long a tower may take for a file: one that sends a byte now and then must not hold us.

A socket's own timeout begins anew with every byte. Here a thread beside the one that reads looks
at the clock, and hangs up.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from http.client import HTTPConnection


@dataclass(frozen=True, slots=True)
class Patience:
    """With one file."""

    silence_s: float = 20.0
    """To connect, and without a byte."""
    grace_s: float = 60.0
    """For an answer to begin, and before its speed counts."""
    least_rate: float = 1000.0
    """Bytes a second, on average, from then on."""
    look_s: float = 0.5
    """Between two looks at the clock."""


PATIENCE = Patience()
"""With a tower."""


class Watch:
    """Hangs up on a connection that is too slow; `close` ends both."""

    def __init__(self, link: HTTPConnection, patience: Patience) -> None:
        """Begin to watch."""
        self._link = link
        self._patience = patience
        self._socket: socket.socket | None = None
        self._began = time.monotonic()
        self._bytes = 0
        self._over = threading.Event()
        self.late = False
        """Whether it has hung up."""
        self._thread = threading.Thread(target=self._run, name="patience", daemon=True)
        self._thread.start()

    def keep(self) -> None:
        """Remember its socket, which the connection lets go when the tower will close it."""
        self._socket = self._link.sock or self._socket

    def came(self, number: int) -> None:
        """So many bytes more."""
        self._bytes += number

    def close(self) -> None:
        """The file is here, or will not come."""
        self._over.set()
        self._thread.join()
        self._link.close()

    def _run(self) -> None:
        while not self._over.wait(self._patience.look_s):
            spent = time.monotonic() - self._began
            if spent > self._patience.grace_s + self._bytes / self._patience.least_rate:
                self.late = True
                self._hang_up()  # each time anew: there may have been no socket yet

    def _hang_up(self) -> None:
        self.keep()
        if self._socket is not None:
            with suppress(OSError):
                # Of the socket below TLS: that has nothing to say to this tower any more.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
