"""Tells the network the device's name by mDNS: edgecase-3f9a.local, and that it is an EdgeCase."""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING, Protocol

from edge.errors import UnavailableError

if TYPE_CHECKING:
    from zeroconf import ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf

    from edge.lan.place import Place

log = logging.getLogger(__name__)


class Announcer(Protocol):
    """Tells where the device is."""

    async def tell(self, place: Place) -> None:
        """Tell it from now on, in the place of what was told before.

        Raises:
            UnavailableError: the network doesn't let us; try again later.
        """
        ...

    async def close(self) -> None:
        """Say goodbye."""
        ...


class NoAnnouncer:
    """Tells nobody."""

    async def tell(self, place: Place) -> None:
        """Tell nobody."""

    async def close(self) -> None:
        """Nothing was told."""


class ZeroconfAnnouncer:
    """Answers for the first of the device's names, and announces its services."""

    def __init__(self) -> None:
        """Nothing is told yet."""
        self._zeroconf: AsyncZeroconf | None = None

    async def tell(self, place: Place) -> None:
        """Begin anew: a socket for each address that there is now."""
        await self.close()
        addresses = [a for a in place.numbers if ipaddress.ip_address(a).version == 4]
        if not addresses or not place.names:
            return
        from zeroconf import Error, IPVersion
        from zeroconf.asyncio import AsyncZeroconf

        try:
            self._zeroconf = AsyncZeroconf(interfaces=addresses, ip_version=IPVersion.V4Only)
            for info in services(place):
                announced = await self._zeroconf.async_register_service(
                    info, allow_name_change=True
                )
                await announced
        except (OSError, Error) as e:
            await self.close()
            raise UnavailableError(f"mDNS: {e or type(e).__name__}") from e
        log.info("the network knows this device as %s", place.names[0])

    async def close(self) -> None:
        """Say goodbye, and stop answering."""
        if self._zeroconf is not None:
            going, self._zeroconf = self._zeroconf, None
            await going.async_unregister_all_services()
            await going.async_close()


def services(place: Place) -> tuple[ServiceInfo, ...]:
    """What is announced: the device itself, and where a browser finds it."""
    name = place.names[0]
    web = ("_https._tcp.local.", place.tls_port) if place.tls_port else ("_http._tcp.local.", None)
    told = {"path": "/", "http": str(place.port), "https": str(place.tls_port or "")}
    addresses = [ipaddress.ip_address(a).packed for a in place.numbers]
    found = []
    for kind, port in (("_edgecase._tcp.local.", place.port), web):
        from zeroconf import ServiceInfo

        found.append(
            ServiceInfo(
                kind,
                f"{name.removesuffix('.local')}.{kind}",
                port=port or place.port,
                addresses=addresses,
                properties=told,
                server=f"{name}.",
            )
        )
    return tuple(found)
