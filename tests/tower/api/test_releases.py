"""The release repository on a tower that asks who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tower_sync_server.releases.begin import begin
from tower_sync_server.releases.places import Places

if TYPE_CHECKING:
    from tests.fakes.towers_people import House


@pytest.mark.parametrize("ask", [False, True], ids=["open", "asks"])
async def test_releases_are_for_everybody_and_are_kept(house: House, ask: bool) -> None:
    begin(Places.under(house.folder), {}, {}, None)
    async with TestClient(TestServer(house.app(ask=ask))) as client:
        answer = await client.get("/releases/metadata/1.root.json")
        assert answer.status == 200
        assert "immutable" in answer.headers["Cache-Control"]
        # A client asks for the next root: that it isn't there is no question of who asks.
        assert (await client.get("/releases/metadata/2.root.json")).status == 404
        assert (await client.get("/releases/targets/x")).status == 404


async def test_nobody_writes_there(house: House) -> None:
    async with TestClient(TestServer(house.app(ask=False))) as client:
        answer = await client.put("/releases/metadata/timestamp.json", data=b"{}")
        assert answer.status == 405
