from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from edge.api.events import MAX_LISTENERS, EventsApi
from edge.api.operation import add_operations
from edge.events import Event, EventKind, Events


async def frames(answer, count: int) -> list[dict[str, str]]:
    """The next events of a stream, comments and the pause left out."""
    found: list[dict[str, str]] = []
    while len(found) < count:
        block = await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 5)
        lines = [line.partition(": ") for line in block.decode().strip().split("\n")]
        frame = {name: value for name, _, value in lines}
        if "event" in frame:
            found.append(frame)
    return found


async def test_a_case_that_is_stored_is_told_as_it_happens(client, keep):
    async with client.get("/events") as answer:
        assert answer.content_type == "text/event-stream"
        case = await keep()
        (frame,) = await frames(answer, 1)
        assert frame["event"] == "case"
        assert json.loads(frame["data"])["id"] == case["id"]


async def test_a_page_that_comes_back_hears_what_it_missed(client, keep, device):
    async with client.get("/events") as answer:
        await keep(seed=1)
        (seen,) = await frames(answer, 1)
    later = [(await keep(seed=n))["id"] for n in (2, 3)]
    async with client.get("/events", headers={"Last-Event-ID": seen["id"]}) as answer:
        heard = await frames(answer, 2)
        assert [json.loads(frame["data"])["id"] for frame in heard] == later


async def test_a_page_of_an_earlier_run_is_told_to_load_again(client):
    async with client.get("/events", headers={"Last-Event-ID": "before-7"}) as answer:
        assert (await frames(answer, 1))[0]["event"] == "missed"


async def test_a_page_that_goes_is_forgotten(client, device):
    async with client.get("/events"):
        assert device.events.listeners == 1
    for _ in range(100):
        device.events.publish(EventKind.SYNCED, {"id": "x"})
        await asyncio.sleep(0.01)
        if device.events.listeners == 0:
            return
    pytest.fail("the listener stayed")


async def test_there_are_only_so_many_streams(client, device):
    async with client.get("/events"):
        pass
    held = [device.events.listen() for _ in range(MAX_LISTENERS)]
    for each in held:
        await each.__aenter__()
    answer = await client.get("/events")
    assert (answer.status, (await answer.json())["error"]["code"]) == (503, "unavailable")
    for each in held:
        await each.__aexit__(None, None, None)


async def test_stopping_the_server_waits_for_no_stream(serve, device):
    client = await serve()
    answer = await client.get("/events")
    assert answer.status == 200
    async with asyncio.timeout(3):
        await client.server.close()


async def test_a_quiet_stream_still_shows_that_it_lives():
    app = web.Application()
    add_operations(app, EventsApi(Events(), heartbeat_s=0.02).operations())
    async with TestClient(TestServer(app)) as client, client.get("/events") as answer:
        block = b""
        while b"still here" not in block:
            block = await asyncio.wait_for(answer.content.readuntil(b"\n\n"), 5)


def test_nothing_in_an_event_can_forge_another():
    from edge.api.events import encode

    text = encode(Event("a-1", EventKind.SUMMARY_READY, {"text": "x\n\nevent: synced\ndata: {}"}))
    assert text.count(b"\nevent:") == 1
    assert text.endswith(b"\n\n")
    assert text.count(b"\n\n") == 1
