"""Cases, a real HTTP server that is told of them, and what goes wrong between."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from edge.config import WebhookSettings
from edge.events import EventKind, Events
from edge.webhooks import webhooks
from edge.webhooks.make import make_webhooks
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from edge.store.store import Store


class Shop:
    """Another program: answers as it is told, and remembers."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.heard: list[dict[str, Any]] = []
        self.keys: list[str] = []

    async def take(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        body = await request.json()
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.heard.append(body)
        elif status == 0:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=status or 200, headers={"Location": "/elsewhere"})

    @property
    def seqs(self) -> list[int]:
        return [said["seq"] for said in self.heard if said["event"] == "case"]


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Shop, str]]:
    made = Shop()
    app = web.Application()
    app.router.add_post("/cases", made.take)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    yield made, f"http://127.0.0.1:{server.port}/cases"
    await server.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "pause_s", lambda _: 0.01)


@asynccontextmanager
async def telling(store: Store, url: str, events: Events) -> AsyncIterator[None]:
    task = asyncio.create_task(make_webhooks(WebhookSettings(url=url), "", store, events).run())
    while not events._listeners:
        await asyncio.sleep(0.01)
        assert not task.done(), task
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def add(store: Store, events: Events, number: int) -> str:
    one = photo(number)
    case, _ = await store.add(draft([one], number), [one])
    events.publish(EventKind.CASE_STORED, {"id": case.id})
    return case.id


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_each_new_case_is_told_once_and_in_order(tmp_path, shop):
    told, url = shop
    events = Events()
    async with opened(tmp_path) as store, telling(store, url, events):
        for number in range(1, 6):
            await add(store, events, number)
        await until(lambda: len(told.heard) == 5)
    assert told.seqs == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("failure", [0, 302, 429, 500])
async def test_what_was_not_taken_is_told_again_under_the_same_key(tmp_path, shop, failure):
    told, url = shop
    told.answers = [failure, failure]
    events = Events()
    async with opened(tmp_path) as store, telling(store, url, events):
        await add(store, events, 1)
        await until(lambda: told.heard)
    assert told.seqs == [1]
    assert len(told.keys) >= 3
    assert len(set(told.keys)) == 1


async def test_what_is_refused_for_good_does_not_hold_up_the_others(tmp_path, shop):
    told, url = shop
    told.answers = [410]
    events = Events()
    async with opened(tmp_path) as store, telling(store, url, events):
        for number in (1, 2):
            await add(store, events, number)
        await until(lambda: told.heard)
    assert told.seqs == [2]


async def test_after_a_restart_it_goes_on_where_it_was(tmp_path, shop):
    told, url = shop
    events = Events()
    async with opened(tmp_path) as store:
        async with telling(store, url, events):
            await add(store, events, 1)
            async with asyncio.timeout(10):  # told is not yet noted
                while await store.setting(webhooks.CURSOR) != "1":
                    await asyncio.sleep(0.01)
        for number in (2, 3):
            await add(store, events, number)  # while nobody tells
    async with opened(tmp_path) as store, telling(store, url, events):
        await until(lambda: len(told.heard) == 3)
    assert told.seqs == [1, 2, 3]


async def test_what_was_there_before_the_first_start_is_not_told(tmp_path, shop):
    told, url = shop
    events = Events()
    async with opened(tmp_path) as store:
        await add(store, events, 1)
        async with telling(store, url, events):
            await add(store, events, 2)
            await until(lambda: told.heard)
    assert told.seqs == [2]


async def test_a_change_is_told_with_the_case_as_it_is_now(tmp_path, shop):
    told, url = shop
    events = Events()
    async with opened(tmp_path) as store, telling(store, url, events):
        ident = await add(store, events, 1)
        await until(lambda: told.heard)
        events.publish(EventKind.SUMMARY_READY, {"id": ident})
        await until(lambda: len(told.heard) == 2)
    assert told.heard[1]["event"] == "summary"
    assert json.dumps(told.heard[1]["summary"])


@pytest.mark.parametrize("failure", [0, 302, 404, 410, 500])
async def test_the_log_says_what_is_wrong_without_the_address_s_secrets(
    tmp_path, shop, caplog, failure
):
    told, url = shop
    told.answers = [failure]
    secret = url.replace("http://", "http://ada:hunter22@") + "?key=zz9"
    events = Events()
    async with opened(tmp_path) as store, telling(store, secret, events):
        await add(store, events, 1)
        await until(lambda: told.keys and caplog.records)
    assert "webhook http://127.0.0.1:" in caplog.text
    assert not any(word in caplog.text for word in ("hunter22", "zz9", "/cases"))
