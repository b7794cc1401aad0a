"""The device's certificate, and the pages around it."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace

import pytest
from aiohttp import ClientConnectorCertificateError
from aiohttp.test_utils import TestClient, TestServer

from edge.api.auth import SECURE_COOKIE
from edge.api.secure_site import SecureSite
from edge.api.server import Runner
from edge.lan.keyring import Keyring
from edge.lan.lan import Lan
from edge.lan.local_tls import LocalTls
from edge.lan.make import wall_clock
from edge.pairing.invitation import in_hex

HTML = {"Accept": "text/html"}


@pytest.fixture
def tls(tmp_path):
    return LocalTls(8443, Keyring(tmp_path / "tls"), ("edgecase-3f9a.local",), wall_clock)


@pytest.fixture
async def secure(device, tls):
    """A client over HTTPS that verifies nothing by itself."""
    lan = Lan("0.0.0.0", 8000, ("edgecase-3f9a.local",), tls, look=tuple)
    device.parts = replace(device.parts, lan=lan)
    server = TestServer(device.app(auth="token"), scheme="https")
    await server.start_server(ssl=tls.context())
    client = TestClient(server)
    yield client
    await client.close()


async def test_what_is_downloaded_is_what_the_connection_is_proved_by(secure):
    answer = await secure.get("/ca.crt", ssl=False)
    assert answer.headers["Content-Type"] == "application/x-x509-ca-cert"
    trusting = ssl.create_default_context(cadata=await answer.read())
    assert (await secure.get("/ping", ssl=trusting)).status == 200
    pem = await (await secure.get("/ca.pem", ssl=trusting)).text()
    assert (await secure.get("/ping", ssl=ssl.create_default_context(cadata=pem))).status == 200


async def test_who_does_not_know_the_authority_is_warned(secure):
    with pytest.raises(ClientConnectorCertificateError):
        await secure.get("/ping", ssl=ssl.create_default_context())


async def test_over_https_the_cookie_never_travels_in_the_clear(secure, device):
    window = await device.parts.desk.open()
    answer = await secure.post("/pair", json={"code": window.code}, ssl=False)
    assert answer.cookies[SECURE_COOKIE]["secure"]
    assert answer.cookies[SECURE_COOKIE].OutputString().count("Domain") == 0
    kept = {"Cookie": f"{SECURE_COOKIE}={answer.cookies[SECURE_COOKIE].value}"}
    assert (await secure.get("/cases", headers=kept, ssl=False)).status == 200


async def test_the_pages_show_the_fingerprint_that_the_device_prints(secure, device):
    shown = in_hex(device.parts.lan.fingerprint)
    for path in ("/pair", "/trust"):
        text = await (await secure.get(path, headers=HTML, ssl=False)).text()
        assert shown in text.replace("<wbr>", ""), path
        assert f"{shown[:3]}<wbr>{shown[3:5]}" in text, path  # it breaks between two bytes


async def test_without_https_there_is_nothing_to_trust(client):
    assert (await client.get("/ca.crt")).status == 404
    assert "nothing to trust" in await (await client.get("/trust")).text()
    assert "Fingerprint" not in await (await client.get("/pair")).text()


async def test_who_never_finishes_the_handshake_is_let_go(device, tls):
    runner = Runner(device.app(auth="token"))
    await runner.setup()
    site = SecureSite(runner, "127.0.0.1", 0, tls.context(), handshake_s=0.2)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(20):
        assert await reader.read() == b""
    writer.close()
    await runner.cleanup()
