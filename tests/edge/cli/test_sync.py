"""`edgecase sync status|retry|compare`, beside a daemon that runs."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakes.device import a_device
from tests.fakes.drafts import draft, photo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from tests.edge.cli.conftest import Cli


@contextmanager
def daemon(folder: Path, auth: str = "open") -> Iterator[int]:
    """A device with a case that the tower refused; gives its port."""
    ready, stopping, ports = threading.Event(), asyncio.Event(), list[int]()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with a_device(folder) as device:
            one = photo(1)
            await device.store.add(draft([one], 1), [one])
            await device.store.dead_letter((await device.store.pending())[0].id, "hash: no")
            runner = web.AppRunner(device.app(auth=auth))
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            ports.append(runner.addresses[0][1])
            ready.set()
            await stopping.wait()
            await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(20)
        loop.close()


def test_what_was_refused_is_told_and_goes_once_more(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with daemon(tmp_path / "device") as port:
        monkeypatch.setenv("EDGECASE_HTTP__PORT", str(port))
        assert "hash: no" in cli("sync", "status").out
        assert json.loads(cli("sync", "retry", "--json").out) == {"parcels": 1}
        assert json.loads(cli("sync", "status", "--json").out)["dead"] == 0
        assert "link" in cli("sync", "compare").out


def test_a_daemon_that_asks_for_tokens_lets_its_own_commands_in(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with daemon(tmp_path / "data", "token") as port:
        monkeypatch.setenv("EDGECASE_HTTP__PORT", str(port))
        monkeypatch.setenv("EDGECASE_HTTP__AUTH", "token")
        assert "hash: no" in cli("sync", "status").out
        assert json.loads(cli("phones", "list", "--json").out) == {"phones": []}


def test_without_a_daemon_it_says_how_to_start_one(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECASE_HTTP__PORT", "1")
    ran = cli("sync", "status")
    assert ran.code == 1
    assert "edgecase run" in ran.err
