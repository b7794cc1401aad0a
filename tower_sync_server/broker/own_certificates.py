"""The tower's own certificates: the broker's and the workers', renewed by themselves."""

from __future__ import annotations

import ipaddress
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from tower_sync_server.broker.configuration import WORKER
from tower_sync_server.errors import OperatorError
from tower_sync_server.fleet.certificates import (
    for_client,
    for_server,
    key_pem,
    names_of,
    new_key,
    pem,
)
from tower_sync_server.fleet.folder import TOWER, put_in_place, read_certificate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

    from tower_sync_server.fleet.folder import FleetFolder

RENEW_BEFORE = timedelta(days=240)
"""A third of their life."""


def broker_names(settings: Sequence[str], host: str) -> list[str]:
    """What devices may call the broker: this machine's names and addresses, and the settings'.

    Args:
        settings: of `broker.names`; these come first.
        host: of `broker.host`, which counts where it is one address.
    """
    own = socket.gethostname()
    found = [*settings, own, f"{own.split('.')[0]}.local", "localhost", "127.0.0.1", "::1"]
    if not is_every(host):
        found.append(host)
    else:
        found += _addresses(own)
    return list(dict.fromkeys(_written(name) for name in found if name))


def is_every(host: str) -> bool:
    """Whether listening on `host` is listening on every address."""
    return host in ("", "0.0.0.0", "::")  # noqa: S104  it is compared, not listened on


def own_certificates(folder: FleetFolder, names: Sequence[str], now: datetime) -> tuple[Path, Path]:
    """The broker's file and the workers', key and certificate in each; made anew where it is time.

    Raises:
        OperatorError: the authority can't be read, or a name is none.
    """
    server, worker = folder.root / "server.pem", folder.root / "worker.pem"
    by = folder.authority(TOWER, now)
    if _is_old(server, by.certificate, now) or not set(names) <= names_of(read_certificate(server)):
        key = new_key()
        try:
            certificate = for_server(by, names, key.public_key(), now)
        except ValueError as e:
            raise OperatorError(f"A name of the broker is none: {e}", "See broker.names.") from e
        put_in_place(server, key_pem(key) + pem(certificate))
    if _is_old(worker, by.certificate, now):
        key = new_key()
        certificate = for_client(by, WORKER, key.public_key(), now)
        put_in_place(worker, key_pem(key) + pem(certificate))
    return server, worker


def _is_old(path: Path, authority: x509.Certificate, now: datetime) -> bool:
    if not path.exists():
        return True
    found = read_certificate(path)
    return now > found.not_valid_after_utc - RENEW_BEFORE or found.issuer != authority.subject


def _addresses(name: str) -> Iterable[str]:
    """This machine's addresses, as far as they can be found out without asking the network."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(name, None)]
    except OSError:
        found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))  # of a datagram socket: nothing is sent
                found.append(str(probe.getsockname()[0]))
        except OSError:
            continue
    return [one for one in found if "%" not in one]


def _written(name: str) -> str:
    """An address as certificates have it, a name in small letters."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower()
