"""Makes what the device is on its network, of the settings."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.errors import OperatorError
from edge.lan.keyring import Keyring
from edge.lan.lan import Lan
from edge.lan.local_tls import LocalTls
from edge.lan.mdns import Announcer, NoAnnouncer, ZeroconfAnnouncer
from edge.lan.place import can_be_signed, local_names
from edge.lan.tls import NoTls
from edge.settings.check import host_is_loopback
from edge.store import device_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.config import HttpSettings
    from edge.lan.tls import Tls
    from edge.store.layout import Layout

TLS_PORT = 8443
FOLDER = "tls"
"""Of the keys, in the data directory."""


def wall_clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


def make_lan(
    settings: HttpSettings, layout: Layout, now: Callable[[], datetime] = wall_clock
) -> Lan:
    """Where the device is found; its store has been opened before.

    Args:
        settings: `[http]`.
        layout: of the store.
        now: a time that has surely come.

    Raises:
        OperatorError: HTTPS is wanted, and its keys can't be read or made.
    """
    names = local_names(device_file.load(layout).device_id, socket.gethostname())
    more = (name.lower().rstrip(".") for name in settings.allowed_hosts)
    own = (*names, *(name for name in more if can_be_signed(name)))
    told = names if settings.mdns else names[1:]
    tls = make_tls(settings, layout.root / FOLDER, own, now)
    return Lan(settings.host, settings.port, told, tls)


def make_tls(
    settings: HttpSettings, folder: Path, names: tuple[str, ...], now: Callable[[], datetime]
) -> Tls:
    """HTTPS as it is set; none on loopback where nothing is set."""
    port = tls_port(settings)
    if not port:
        return NoTls()
    try:
        return LocalTls(port, Keyring(folder), names, now)
    except OSError as e:
        raise OperatorError(f"The keys of HTTPS can't be made: {e}.", "df -h; http.tls_port") from e


def tls_port(settings: HttpSettings) -> int:
    """Where HTTPS is served; 0: nowhere."""
    if settings.tls_port is not None:
        return settings.tls_port
    return 0 if host_is_loopback(settings.host) else TLS_PORT


def make_announcer(settings: HttpSettings) -> Announcer:
    """What tells the network the device's name; nothing does on loopback."""
    if not settings.mdns or host_is_loopback(settings.host):
        return NoAnnouncer()
    return ZeroconfAnnouncer()
