"""A real mosquitto on loopback, with a configuration of its own and nothing on the disk."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sync.broker import Broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
# As root it would otherwise become another user, who can't read a folder of the test's.
CONFIG = """
listener {port} 127.0.0.1
user root
allow_anonymous true
persistence false
max_inflight_messages 128
set_tcp_nodelay true
max_queued_messages 100000
max_queued_bytes 0
{more}
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Mosquitto:
    """The broker; it can be stopped, killed, held and started again on the same port."""

    def __init__(self, folder: Path, more: str = "") -> None:
        """Write its configuration into `folder`."""
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(CONFIG.format(port=self.port, more=more))
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def at(self, client_id: str) -> Broker:
        """Where it is, for this client."""
        return Broker("127.0.0.1", client_id, self.port)

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text()

    def start(self) -> None:
        """Start it, and wait until it listens."""
        assert MOSQUITTO is not None
        with self._log.open("ab") as log:
            command = [MOSQUITTO, "-c", str(self._config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError(self._log.read_text())

    def kill(self) -> None:
        """Have it die at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        """Have it die, and start it with nothing in its memory."""
        self.kill()
        self.start()


@contextmanager
def mosquitto(folder: Path, more: str = "") -> Iterator[Mosquitto]:
    """A running broker. `more` is added to its configuration."""
    if MOSQUITTO is None:
        pytest.fail("needs Debian's mosquitto; scripts/setup installs it")
    broker = Mosquitto(folder, more)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
