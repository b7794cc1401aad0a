"""What plain HTTP is good for on a device that has HTTPS."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer

from edge.api import plain
from edge.lan.lan import Lan
from edge.lan.tls import NoTls
from edge.store.tokens import Scope

HTML = {"Accept": "text/html"}


class OnPort(NoTls):
    """HTTPS as far as these tests see it."""

    port = 8443
    authority = b"not a real one"


@pytest.fixture
async def reach(device, monkeypatch):
    """A client as from the network, of a device with this `http.plain`."""
    monkeypatch.setattr(plain, "is_from_here", lambda _: False)
    lan = Lan("0.0.0.0", 8000, ("edgecase-3f9a.local",), OnPort(), look=tuple)
    device.parts = replace(device.parts, lan=lan)
    clients = []

    async def start(mode):
        client = TestClient(TestServer(device.app(auth="token", host="0.0.0.0", plain=mode)))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
def token(device):
    async def make(*scopes):
        plain_text, _ = await device.store.create_token("x", [Scope(s) for s in scopes])
        return {"Authorization": f"Bearer {plain_text}"}

    return make


def asked(client, method, path, headers):
    return client.request(method, path, headers=headers, allow_redirects=False)


WAYS = {
    "redirect": {"/trust": 200, "/ca.crt": 200, "/pair": 307, "/cases": 403, "/phones": 403},
    "pairing": {"/trust": 200, "/ca.crt": 200, "/pair": 200, "/cases": 403, "/phones": 403},
    "capture": {"/trust": 200, "/ca.crt": 200, "/pair": 200, "/cases": 200, "/phones": 403},
    "all": {"/trust": 200, "/ca.crt": 200, "/pair": 200, "/cases": 200, "/phones": 200},
}


@pytest.mark.parametrize("mode", WAYS)
async def test_the_owner_decides_what_plain_http_is_good_for(reach, token, mode):
    client, admin = await reach(mode), await token("admin")
    for path, status in WAYS[mode].items():
        headers = {**admin, **(HTML if path == "/pair" else {})}
        assert (await asked(client, "GET", path, headers)).status == status, path
    for path in ("/ping", "/health", "/metrics", "/static/app.css"):
        assert (await asked(client, "GET", path, {})).status == 200, path


async def test_a_page_goes_to_the_same_place_over_https(reach):
    client = await reach("pairing")
    answer = await asked(client, "GET", "/history?q=a%20b", {**HTML, "Host": "192.168.1.7:8000"})
    assert answer.status == 307
    assert answer.headers["Location"] == "https://192.168.1.7:8443/history?q=a%20b"


async def test_nobody_is_asked_for_a_token_over_plain_http(reach):
    client = await reach("pairing")
    for path in ("/", "/session", "/history"):
        assert (await asked(client, "GET", path, HTML)).status == 307, path
    answer = await client.post("/session", json={"token": "x"})
    assert answer.status == 403


@pytest.mark.parametrize("mode", WAYS)
async def test_a_program_without_a_token_is_refused_for_that(reach, mode):
    assert (await asked(await reach(mode), "GET", "/cases", {})).status == 401


async def test_nothing_is_redirected_to_where_somebody_else_says(reach):
    client = await reach("pairing")
    answer = await asked(client, "GET", "/", {**HTML, "Host": "evil.example"})
    assert answer.status == 421


async def test_this_machine_itself_may_do_all_over_plain_http(reach, token, monkeypatch):
    client = await reach("pairing")
    monkeypatch.setattr(plain, "is_from_here", lambda _: True)
    assert (await client.get("/cases", headers=await token("view"))).status == 200


async def test_a_phone_is_paired_over_plain_http_where_that_is_allowed(reach, device):
    for mode, status in (("redirect", 403), ("pairing", 200)):
        window = await device.parts.desk.open()
        client = await reach(mode)
        assert (await client.post("/pair", json={"code": window.code})).status == status


async def test_the_devices_name_on_the_network_is_its_own(reach):
    client = await reach("all")
    for name in ("edgecase-3f9a.local:8000", "EDGECASE-3F9A.local"):
        assert (await client.get("/ping", headers={"Host": name})).status == 200
    answer = await client.get("/ping", headers={"Host": "edgecase-0000.local"})
    assert answer.status == 421
