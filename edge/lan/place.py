"""Where people find the device: its addresses and names as they are now. No I/O."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  compared, not listened on


NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the device listens and what it is called."""

    host: str
    """`http.host`."""
    port: int
    """Of plain HTTP."""
    tls_port: int = 0
    """Of HTTPS; 0: there is none."""
    ips: tuple[str, ...] = ()
    """Its addresses on the network, the likeliest first."""
    names: tuple[str, ...] = ()
    """What it is called there, lower case: edgecase-3f9a.local, …; none on loopback."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """What stands in an address of this device, the best first."""
        if self.host in EVERYWHERE:
            return (*self.ips, *self.names) or ("localhost",)
        return (self.host.strip("[]"), *self.names)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Those of them that are addresses."""
        return tuple(host for host in self.hosts if is_address(host))

    def plain(self) -> tuple[str, ...]:
        """The addresses over HTTP."""
        return tuple(url("http", host, self.port) for host in self.hosts)

    def secure(self) -> tuple[str, ...]:
        """The addresses over HTTPS; none where there is none."""
        if not self.tls_port:
            return ()
        return tuple(url("https", host, self.tls_port) for host in self.hosts)


def listening(host: str, ips: Iterable[str]) -> tuple[str, ...]:
    """Of a machine's addresses those at which a program listens that listens on `host`."""
    version = {"0.0.0.0": 4, "::": 6}.get(host)  # noqa: S104  compared, not listened on
    return tuple(ip for ip in ips if version in (None, ipaddress.ip_address(ip).version))


def url(scheme: str, host: str, port: int) -> str:
    """An address without its path, with a slash at the end."""
    with contextlib.suppress(ValueError):  # it is a name
        host = f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    return f"{scheme}://{host}:{port}/"


def can_be_signed(name: str) -> bool:
    """True for an address, and for a name that a certificate can hold."""
    return is_address(name) or bool(NAME.fullmatch(name))


def is_address(host: str) -> bool:
    """True for 192.168.1.7 and fd00::7, false for a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def lan_name(device_id: str) -> str:
    """The name of a device on the network, without `.local`: edgecase-3f9a."""
    letters = "".join(c for c in device_id.lower() if c in "0123456789abcdef")
    return f"edgecase-{letters[:4]}" if letters else "edgecase"


def local_names(device_id: str, hostname: str) -> tuple[str, ...]:
    """The names that the device answers to on the network."""
    host = hostname.lower().rstrip(".").removesuffix(".local")
    own = f"{lan_name(device_id)}.local"
    second = f"{host}.local"
    return (own, second) if NAME.fullmatch(second) and second != own else (own,)
