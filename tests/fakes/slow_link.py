"""A link to a port: so many bytes a second each way, cut now and then; it counts what passes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE = 2048
BUFFER = 8192


class SlowLink:
    """A TCP proxy of small buffers, so that what it hasn't carried is still with the sender."""

    def __init__(self, port: int, kbit_s: float) -> None:
        """Lead to `port` of loopback."""
        self.up = 0
        """Bytes that it took on the way to the port."""
        self.cuts = 0
        self._target = port
        self._bytes_s = kbit_s * 125
        self._open: list[socket.socket] = []
        self._ends: dict[socket.socket, socket.socket] = {}
        self._hello: dict[socket.socket, bytes] = {}
        """What came first from whoever connected."""
        self._stranded: set[socket.socket] = set()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection."""
        self.cuts += 1
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def strand(self, chosen: Callable[[bytes], bool] = lambda _hello: True) -> None:
        """Have connections carry nothing from now on, without a sign to either end.

        Those of which `chosen` says so, of what came first over each: of MQTT the CONNECT, with
        the client's id in it.
        """
        for near, hello in list(self._hello.items()):
            if chosen(hello):
                self._stranded |= {near, self._ends[near]}

    def close(self) -> None:
        """End it all."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                self._ends[near] = far
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(
                        target=self._carry, args=(source, sink, source is near), daemon=True
                    ).start()

    def _carry(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE):
                self.up += len(data) * up
                if up:
                    self._hello.setdefault(source, data)
                time.sleep(len(data) / self._bytes_s)
                if source not in self._stranded:
                    sink.sendall(data)
            if source not in self._stranded:
                sink.shutdown(socket.SHUT_WR)


@contextmanager
def slow_link(port: int, kbit_s: float) -> Iterator[SlowLink]:
    """A running one."""
    link = SlowLink(port, kbit_s)
    try:
        yield link
    finally:
        link.close()
