"""The device on its network: where it is found, and by which certificate it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.lan.addresses import own_addresses
from edge.lan.place import EVERYWHERE, Place, listening
from edge.lan.tls import NoTls, Tls, fingerprint
from edge.settings.check import host_is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable


class Lan:
    """Knows where people find the device now: addresses come and go."""

    def __init__(
        self,
        host: str,
        port: int,
        names: tuple[str, ...] = (),
        tls: Tls | None = None,
        look: Callable[[], tuple[str, ...]] = own_addresses,
    ) -> None:
        """Listen on `host` and `port`, be called `names`, and `look` for the own addresses."""
        self.tls: Tls = tls or NoTls()
        self.names = names
        self._host = host
        self._port = port
        self._look = look

    def place(self) -> Place:
        """Where the device is found now."""
        ips = listening(self._host, self._look()) if self._host in EVERYWHERE else ()
        names = () if host_is_loopback(self._host) else self.names
        return Place(self._host, self._port, self.tls.port, ips, names)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the authority's certificate; empty without HTTPS."""
        return fingerprint(self.tls.authority)
