"""Certificate and announcement follow the addresses; a real mDNS on loopback."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zeroconf import AddressResolver
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from edge.config import HttpSettings
from edge.errors import UnavailableError
from edge.lan.authority import names_of
from edge.lan.keyring import Keyring
from edge.lan.lan import Lan
from edge.lan.local_tls import LocalTls
from edge.lan.make import make_announcer, tls_port, wall_clock
from edge.lan.mdns import NoAnnouncer, ZeroconfAnnouncer
from edge.lan.place import Place
from edge.lan.watch import LanWatch

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NAME = "edgecase-te57.local"


@dataclass
class Heard:
    """An announcer that keeps what it was told."""

    told: list[Place] = field(default_factory=list)
    closed: bool = False
    fails: int = 0

    async def tell(self, place: Place) -> None:
        if self.fails:
            self.fails -= 1
            raise UnavailableError("mDNS: no network")
        self.told.append(place)

    async def close(self) -> None:
        self.closed = True


class Wifi:
    """Addresses that come and go."""

    ips: tuple[str, ...] = ()

    def __call__(self) -> tuple[str, ...]:
        return self.ips


async def test_a_new_address_comes_into_the_certificate_and_is_announced(tmp_path: Path) -> None:
    keyring, wifi, heard = Keyring(tmp_path / "tls"), Wifi(), Heard()
    tls = LocalTls(8443, keyring, (NAME,), wall_clock)
    tls.context()
    watch = LanWatch(Lan("0.0.0.0", 8000, (NAME,), tls, wifi), heard)
    await watch.look()
    wifi.ips = ("192.168.1.7",)
    await watch.look()
    await watch.look()
    assert [place.ips for place in heard.told] == [(), ("192.168.1.7",)]
    server = keyring.server()
    assert server
    assert "192.168.1.7" in names_of(server.certificate)


async def test_what_could_not_be_announced_is_said_once_and_announced_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    heard = Heard(fails=3)
    watch = LanWatch(Lan("0.0.0.0", 8000, (NAME,), None, tuple), heard)
    for _ in range(5):
        await watch.look()
    assert len(heard.told) == 1
    assert caplog.text.count("no network") == 1


async def test_the_end_is_said_to_the_network() -> None:
    heard = Heard()
    running = asyncio.create_task(LanWatch(Lan("::", 80, (), None, tuple), heard, 0.01).run())
    while not heard.told:
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert heard.closed


def test_loopback_is_never_announced_and_has_no_https_unless_asked_for() -> None:
    assert isinstance(make_announcer(HttpSettings()), NoAnnouncer)
    assert isinstance(make_announcer(HttpSettings(host="0.0.0.0", mdns=False)), NoAnnouncer)
    assert isinstance(make_announcer(HttpSettings(host="0.0.0.0")), ZeroconfAnnouncer)
    assert tls_port(HttpSettings()) == 0
    assert tls_port(HttpSettings(tls_port=9443)) == 9443
    assert tls_port(HttpSettings(host="0.0.0.0")) == 8443
    assert tls_port(HttpSettings(host="0.0.0.0", tls_port=0)) == 0


async def test_others_find_the_device_by_its_name_and_as_a_service() -> None:
    announcer = ZeroconfAnnouncer()
    await announcer.tell(Place("127.0.0.1", 8000, 8443, (), (NAME,)))
    asking = AsyncZeroconf(interfaces=["127.0.0.1"])
    try:
        found = AddressResolver(f"{NAME}.")
        assert await found.async_request(asking.zeroconf, 5000)
        assert found.parsed_addresses() == ["127.0.0.1"]
        for kind, port in (("_edgecase._tcp", 8000), ("_https._tcp", 8443)):
            info = AsyncServiceInfo(f"{kind}.local.", f"edgecase-te57.{kind}.local.")
            assert await info.async_request(asking.zeroconf, 5000)
            assert info.port == port
    finally:
        await asking.async_close()
        await announcer.close()
