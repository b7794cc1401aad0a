"""What HTTP's own parser refuses."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json

import pytest
from aiohttp import web

from edge.api.server import MAX_CONNECTIONS, MAX_OF_ONE, Runner, too_many

REFUSED = {
    "no request line": b"HELLO\r\n\r\n",
    "no method": b"\x16\x03\x01\x02 / HTTP/1.1\r\n\r\n",
    "negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
}


async def ask(runner: web.AppRunner, request: bytes) -> tuple[int, dict[str, str], bytes]:
    host, port = runner.addresses[0][:2]
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request)
    async with asyncio.timeout(10):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    lines = head.decode().splitlines()
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), headers, body


async def serve(runner: web.AppRunner) -> web.AppRunner:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner


def app() -> web.Application:
    made = web.Application()

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    made.router.add_get("/", hello)
    return made


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_request_that_is_none_is_answered_in_the_shape_of_every_error(kind):
    runner = await serve(Runner(app()))
    try:
        status, headers, body = await ask(runner, REFUSED[kind])
    finally:
        await runner.cleanup()
    error = json.loads(body)["error"]
    assert 400 <= status < 500
    assert headers["content-type"].startswith("application/json")
    assert headers["server"] == "edgecase", "no library and its version"
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == "bad_request"
    assert "\n" not in error["message"]


async def test_a_request_is_answered_by_its_handler_as_ever():
    runner = await serve(Runner(app(), read_bufsize=1 << 20))
    try:
        answer = await ask(runner, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    finally:
        await runner.cleanup()
    assert (answer[0], answer[2]) == (200, b"hello")


async def test_a_phone_that_loses_the_wifi_leaves_no_traceback_in_the_log(caplog):
    begun = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        begun.set()
        await request.read()
        return web.Response()

    made = app()
    made.router.add_post("/", take)
    runner = await serve(Runner(made))
    try:
        await ask(runner, REFUSED["no method"])
        _, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf")
        async with asyncio.timeout(10):
            await begun.wait()
        writer.transport.abort()
    finally:
        await runner.cleanup()
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


async def test_what_breaks_on_the_device_is_in_the_log(caplog):
    async def broken(_: web.Request) -> web.Response:
        raise ZeroDivisionError

    made = app()
    made.router.add_get("/broken", broken)
    runner = await serve(Runner(made))
    try:
        answer = await ask(runner, b"GET /broken HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    finally:
        await runner.cleanup()
    assert answer[0] == 500
    assert "ZeroDivisionError" in caplog.text


async def test_without_it_they_get_plain_text():
    """The control."""
    runner = await serve(web.AppRunner(app()))
    try:
        _, headers, _ = await ask(runner, REFUSED["no request line"])
    finally:
        await runner.cleanup()
    assert headers["content-type"].startswith("text/plain")


async def test_a_head_that_never_ends_is_cut_off():
    runner = await serve(Runner(app(), keepalive_timeout=0.3))
    try:
        reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
        async with asyncio.timeout(10):
            with contextlib.suppress(ConnectionError):
                for letter in itertools.cycle("X-Slow: loris"):
                    writer.write(letter.encode())
                    await writer.drain()
                    if reader.at_eof():
                        break
                    await asyncio.sleep(0.05)
        writer.close()
    finally:
        await runner.cleanup()


async def test_others_are_served_while_many_never_finish_their_head():
    runner = await serve(Runner(app()))
    host, port = runner.addresses[0][:2]
    slow = [await asyncio.open_connection(host, port) for _ in range(100)]
    try:
        for _, writer in slow:
            writer.write(b"GET / HTTP/1.1\r\nX-Slow:")
        answer = await ask(runner, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    finally:
        for _, writer in slow:
            writer.close()
        await runner.cleanup()
    assert answer[0] == 200


def test_one_address_cannot_take_every_connection():
    taken = ["192.168.1.7"] * MAX_OF_ONE

    assert too_many("192.168.1.7", taken)
    assert not too_many("192.168.1.8", taken)
    assert not too_many("192.168.1.7", taken[1:])


def test_programs_on_the_device_may_have_as_many_as_there_are():
    assert not too_many("127.0.0.1", ["127.0.0.1"] * (MAX_CONNECTIONS - 1))
    assert too_many("127.0.0.1", ["127.0.0.1"] * MAX_CONNECTIONS)


async def test_a_connection_too_many_is_closed_and_the_others_stay(monkeypatch):
    monkeypatch.setattr("edge.api.server.MAX_CONNECTIONS", 1)
    runner = await serve(Runner(app()))
    host, port = runner.addresses[0][:2]
    try:
        first = await asyncio.open_connection(host, port)
        second = await asyncio.open_connection(host, port)
        async with asyncio.timeout(10):
            assert await second[0].read() == b""
        first[1].write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(10):
            assert b"200 OK" in await first[0].read()
    finally:
        first[1].close()
        second[1].close()
        await runner.cleanup()
