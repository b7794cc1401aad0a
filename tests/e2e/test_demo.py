"""The demo's comparison of device and tower: it has to be able to fail."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from scripts.demo import ROOT, carried, same
from scripts.demo_parts import Part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CASE: dict[str, Any] = {"id": "one", "rev": 2, "status": "accepted", "images": [{"sha256": "a"}]}
HERE = {**CASE, "sync": {"state": "stored"}}
THERE = {**CASE, "archive": {"complete": True}}


@asynccontextmanager
async def answering(case: dict[str, Any], photo: bytes) -> AsyncIterator[aiohttp.ClientSession]:
    """A device or a tower that has this case and this photo."""

    async def show(_request: web.Request) -> web.Response:
        return web.json_response(case)

    async def several(_request: web.Request) -> web.Response:
        return web.json_response({"cases": [case]})

    async def picture(_request: web.Request) -> web.Response:
        return web.Response(body=photo)

    async def health(_request: web.Request) -> web.Response:
        return web.json_response({"ready": True})

    app = web.Application()
    app.add_routes(
        [
            web.get("/cases", several),
            web.get("/cases/{id}", show),
            web.get("/cases/{id}/image", picture),
            web.get("/health", health),
        ]
    )
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as session:
        yield session


@pytest.mark.parametrize(
    ("here", "there", "photo", "agree"),
    [
        (HERE, THERE, b"photo", True),
        (HERE, {**THERE, "status": "rejected"}, b"photo", False),
        (HERE, {**THERE, "rev": 1}, b"photo", False),
        (HERE, {**THERE, "archive": {"complete": False}}, b"photo", False),
        ({**HERE, "sync": {"state": "sent"}}, THERE, b"photo", False),
        (HERE, THERE, b"phot0", False),
    ],
    ids=["same", "status", "revision", "photo missing", "no receipt", "bytes"],
)
async def test_only_a_case_that_is_the_same_in_every_byte_counts(
    here: dict[str, Any], there: dict[str, Any], photo: bytes, agree: bool
) -> None:
    async with answering(here, b"photo") as device, answering(there, photo) as tower:
        assert await same(device, tower, "one") is agree


async def test_the_demo_fails_where_a_case_stays_behind() -> None:
    process = await asyncio.create_subprocess_exec("true")
    part = Part("tower", process, "http://tower", Path("tower.log"))
    behind = {**THERE, "rev": 1}
    async with answering(HERE, b"photo") as device, answering(behind, b"photo") as tower:
        assert not await carried(device, tower, part, within_s=0.5)
    async with answering(HERE, b"photo") as device, answering(THERE, b"photo") as tower:
        assert await carried(device, tower, part, within_s=0.5)
    await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_demo_that_is_told_to_end_ends_its_programs(number: signal.Signals) -> None:
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "scripts/demo.py", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert demo.stdout is not None
    async with asyncio.timeout(90):
        while b"Device ready" not in await demo.stdout.readline():
            pass
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
        demo.send_signal(number)
        await demo.communicate()
    assert len(children) >= 3
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
