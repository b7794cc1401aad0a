"""The thread that talks to the broker. Nothing but this thread touches paho."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from sync.backoff import reconnect
from sync.mqtt_client import Command, Connection, Plan, Tell
from sync.transport import Lost

if TYPE_CHECKING:
    import random

GRACE_S = 30.0
"""Without a sign of life of the thread, from which it counts as stuck."""
TICK_S = 1.0
"""Between two looks at the connection while nothing happens."""


class Link(threading.Thread):
    """Connects, again and again, until it is stopped."""

    def __init__(self, plan: Plan, tell: Tell, rng: random.Random) -> None:
        """Keep the values; `tell` is called in this thread."""
        super().__init__(name="mqtt", daemon=True)
        self._plan = plan
        self._tell = tell
        self._rng = rng
        self._stopping = threading.Event()
        self._commands: deque[Command] = deque()
        self._called = False
        self._doubted = False
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self.alive_until = time.monotonic() + GRACE_S
        """Until when the thread needs to give no sign of life."""

    def order(self, command: Command) -> None:
        """Have something done on the connection that is up now."""
        self._commands.append(command)
        if not self._called:  # once is enough until it has looked
            self._called = True
            self._wake()

    def doubt(self) -> None:
        """Have the connection that is up ended if nothing came over it lately."""
        self._doubted = True
        self._wake()

    def stop(self) -> None:
        """End the connection and the thread, soon."""
        self._stopping.set()
        self._wake()

    def run(self) -> None:
        """Connect, and connect again."""
        try:
            self._connect_and_again()
        finally:
            self._wake_in.close()
            self._wake_out.close()

    def _connect_and_again(self) -> None:
        failures, hung_up = 0, False
        while not self._stopping.is_set():
            connection = Connection(self._plan, self._tell)
            try:
                reason = self._serve(connection)
            except Exception as e:  # noqa: BLE001  whatever a broker does ends one connection only
                reason = f"{type(e).__name__}: {e}"
            finally:
                connection.close()
            if connection.was_up:
                failures, hung_up = 0, connection.hung_up
            else:
                failures += 1
            self._commands.clear()
            self._tell(Lost(reason), 0)
            wait = reconnect(failures, hung_up, self._plan.spread_s, self._rng)
            self.alive_until = time.monotonic() + wait + GRACE_S
            self._stopping.wait(wait)

    def _serve(self, connection: Connection) -> str:
        """One connection, from its beginning to its end; gives why it ended."""
        connection.open()
        while not connection.ended:
            self.alive_until = time.monotonic() + GRACE_S
            if self._stopping.is_set():
                connection.goodbye()
            if self._doubted:
                self._doubted = False
                connection.doubt()
            with connection.corked(self._commands):
                while self._commands and connection.ready:
                    connection.execute(self._commands.popleft())
            connection.pump(self._wake_out, TICK_S)
            with contextlib.suppress(BlockingIOError):
                self._wake_out.recv(4096)
            self._called = False
        return connection.ended

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake; closed: it has ended
            self._wake_in.send(b"\0")
