"""Who has a token, and how fast it can be taken away."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest
from aiohttp import FormData

from edge.api import doors
from edge.api.doors import Doors
from edge.store.tokens import Scope


@pytest.fixture
async def locked(serve):
    return await serve(auth="token", host="0.0.0.0")


@pytest.fixture
def token(device):
    async def make(name, *scopes):
        plain, known = await device.store.create_token(name, [Scope(s) for s in scopes])
        return {"Authorization": f"Bearer {plain}"}, known.id

    return make


async def test_an_admin_sees_everybody_and_nobodys_hash(locked, token):
    admin, own = await token("Ada", "admin")
    _, other = await token("Bo's phone", "view")
    answer = await locked.get("/phones", headers=admin)
    found = {p["id"]: p for p in (await answer.json())["phones"]}
    assert (found[own]["own"], found[other]["own"]) == (True, False)
    assert (found[other]["name"], found[other]["scopes"]) == ("Bo's phone", ["view"])
    assert "hash" not in found[own]


async def test_a_phone_gets_another_name(locked, token):
    admin, own = await token("Ada", "admin")
    answer = await locked.post(f"/phones/{own}", json={"name": "Bo"}, headers=admin)
    assert answer.status == 204
    told = await (await locked.get("/phones", headers=admin)).json()
    assert [p["name"] for p in told["phones"]] == ["Bo"]


async def test_a_revoked_phone_opens_nothing_from_the_next_request_on(locked, token):
    admin, _ = await token("Ada", "admin")
    stolen, its_id = await token("stolen", "view")
    assert (await locked.get("/cases", headers=stolen)).status == 200
    assert (await locked.delete(f"/phones/{its_id}", headers=admin)).status == 204
    assert (await locked.get("/cases", headers=stolen)).status == 401


async def test_an_unknown_phone_is_said_to_be_unknown(locked, token):
    admin, _ = await token("Ada", "admin")
    assert (await locked.delete("/phones/nobody", headers=admin)).status == 404
    assert (await locked.post("/phones/x", json={"name": "y"}, headers=admin)).status == 404


async def test_only_an_admin_may_look_and_revoke(locked, token):
    phone, its_id = await token("phone", "view", "capture")
    assert (await locked.get("/phones", headers=phone)).status == 403
    assert (await locked.delete(f"/phones/{its_id}", headers=phone)).status == 403


async def rest(answer):
    while await answer.content.readuntil(b"\n\n"):
        pass


async def test_an_open_stream_of_a_stolen_token_is_cut_within_a_second(
    locked, token, device, caplog
):
    stolen, its_id = await token("stolen", "view")
    kept, _ = await token("kept", "view")
    async with (
        locked.get("/events", headers=stolen) as cut,
        locked.get("/events", headers=kept) as goes_on,
    ):
        await cut.content.readuntil(b"\n\n")
        await goes_on.content.readuntil(b"\n\n")
        await device.store.revoke_token(its_id)  # by whatever process: only the store knows
        async with asyncio.timeout(20 * doors.EVERY_S):
            with pytest.raises((aiohttp.ClientError, asyncio.IncompleteReadError)):
                await rest(cut)
        device.events.publish("synced", {"id": "x"})
        assert b"synced" in await goes_on.content.readuntil(b"\n\n")
        assert device.events.listeners == 1
    assert "Traceback" not in caplog.text
    assert "Error handling" not in caplog.text


def test_two_looks_fit_into_the_second_that_is_promised():
    assert 2 * doors.EVERY_S <= 1


async def test_many_streams_ask_the_store_once():
    asked = []

    async def tokens():
        asked.append(1)
        await asyncio.sleep(0)
        return [type("Token", (), {"id": "a", "revoked": None})]

    watch = Doors(tokens, every_s=0.2)
    over = asyncio.Event()

    async def stream():
        await over.wait()

    held = [asyncio.create_task(watch.hold(None, "a", stream())) for _ in range(20)]
    while not asked:
        await asyncio.sleep(0.01)
    over.set()
    await asyncio.gather(*held)
    assert len(asked) <= 2


async def test_a_token_in_an_address_opens_nothing(locked, device):
    plain, _ = await device.store.create_token("x", [Scope.ADMIN])
    for name in ("token", "access_token", "edgecase_token", "key"):
        assert (await locked.get(f"/phones?{name}={plain}")).status == 401


async def test_the_page_lists_takes_back_and_invites(locked, token):
    admin, _ = await token("Ada", "admin")
    _, other = await token("<b>Bo</b>", "view")
    page = await (await locked.get("/paired", headers=admin)).text()
    assert "&lt;b&gt;Bo&lt;/b&gt;" in page
    revoked = await locked.post(f"/page/phones/{other}/revoke", headers=admin)
    assert "revoked" in await revoked.text()
    form = FormData({"name": "Cy", "may": "admin"}, default_to_multipart=True)
    shown = await locked.post("/page/phones/window", data=form, headers=admin)
    text = await shown.text()
    assert "<svg" in text
    code = re.search(r'class="code">(\S+)<', text)
    paired = await locked.post("/pair", json={"code": code.group(1)})
    assert (await paired.json())["scopes"] == ["view", "capture", "admin"]
