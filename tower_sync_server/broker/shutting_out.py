"""Has a broker that runs go by a new list of those shut out, without cutting off anybody else.

mosquitto reads the list again when it is told to (SIGHUP), for those who come from then on. Whoever
is in already stays in; so the tower comes, at the workers' listener, with the client id of the one
to be shut out, which ends that one's connection. And since "read the list again" is a promise of
one version of mosquitto, a canary is put on every list: only where it is turned away is the list in
force.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sync.broker import Broker, Tls
from sync.mqtt import MqttTransport
from sync.transport import Connected, Event
from tower_sync_server.fleet.certificates import for_client, key_pem, new_key, pem

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tower_sync_server.broker.configuration import Listener
    from tower_sync_server.fleet.certificates import Authority

ANSWER_S = 0.05
"""How long the broker may take to turn the canary away; then it is asked again, and given more."""
CONNECT_S = 2.0
"""For a connection to a broker on this machine, with its handshake."""
TAKE_OVER_S = 3.0
"""How long it may take to let the tower in."""
REVOKED = "CERTIFICATE_REVOKED"
"""What the broker says to one on the list."""


class Canary:
    """A certificate that is made to be turned away; nobody but this process ever has its key."""

    def __init__(self, by: Authority, file: Path, now: datetime) -> None:
        """Make it; `file` is where it may lie while it is shown."""
        key = new_key()
        made = for_client(by, "canary", key.public_key(), now)
        self.serial = made.serial_number
        self._pem = key_pem(key) + pem(made)
        self._file = file

    def is_turned_away(self, at: Listener, within_s: float) -> bool:
        """Show it, again and again, until it is turned away; False: it never was."""
        until, patience = time.monotonic() + within_s, ANSWER_S
        while time.monotonic() < until:
            if self._is_turned_away_now(at, patience):
                return True
            patience *= 2
        return False

    def _is_turned_away_now(self, at: Listener, patience: float) -> bool:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # what is asked is how we are seen
        self._file.touch(mode=0o600)
        self._file.write_text(self._pem, encoding="ascii")
        try:
            context.load_cert_chain(self._file)
        finally:
            self._file.unlink()
        try:
            with (
                socket.create_connection((reachable(at.host), at.port), CONNECT_S) as link,
                context.wrap_socket(link) as secure,
            ):
                secure.settimeout(patience)
                secure.recv(1)  # in TLS 1.3 the answer comes after the handshake
        except ssl.SSLError as e:
            return REVOKED in (e.reason or "")
        except OSError:  # it said nothing in time: it waits for our first words
            return False
        return False


def take_over(name: str, at: Listener, authority: Path, own: Path) -> bool:
    """End the connection of this client id by coming with it; False: the broker didn't let us."""
    there = threading.Event()

    def hear(event: Event) -> None:
        if isinstance(event, Connected):
            there.set()

    tls = Tls(authority, own, own)
    transport = MqttTransport(Broker(reachable(at.host), name, at.port, tls))
    transport.start(hear)
    try:
        return there.wait(TAKE_OVER_S)
    finally:
        with suppress(OSError):
            transport.stop()


def reachable(host: str) -> str:
    """An address of this machine at which something that listens on `host` is reached."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
