"""The tower's composition root: makes every part, hands each what it needs, keeps them running.

A background task that dies ends the tower, loudly, and whatever supervises it starts it again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from typing import TYPE_CHECKING

from aiohttp import web

from tower_sync_server.api.app import build_app
from tower_sync_server.archive.listing import Listing
from tower_sync_server.archive.upgrade import migrate
from tower_sync_server.errors import OperatorError
from tower_sync_server.parts import open_keep
from tower_sync_server.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tower_sync_server.config import HttpSettings, Settings

MEGABYTE = 1_000_000
STOP_S = 4.0
"""Longest that requests in flight may take once the tower is told to stop."""

log = logging.getLogger(__name__)


def run(settings: Settings, worker_command: Sequence[str]) -> None:
    """Run the tower until it is told to stop; `worker_command` starts one of its workers.

    Raises:
        TowerError: it can't start, or a part of it ended.
    """
    keep = open_keep(settings.store)
    try:
        migrate(keep.engine)
        workers = Workers(settings.ingest.workers, worker_command, random.Random())  # noqa: S311
        app = build_app(
            Listing(keep.engine),
            keep.blobs,
            workers,
            int(settings.store.min_free_mb * MEGABYTE),
            settings.http.allowed_hosts,
        )
        asyncio.run(_serve(app, settings.http, workers))
    finally:
        keep.close()


async def _serve(app: web.Application, http: HttpSettings, workers: Workers) -> None:
    """Serve until told to stop; raises what ended the workers."""
    runner = web.AppRunner(app, shutdown_timeout=STOP_S)
    await runner.setup()
    stop = asyncio.create_task(_told_to_stop(), name="stop")
    ingest = asyncio.create_task(workers.run(), name="ingest")
    try:
        try:
            await web.TCPSite(runner, http.host, http.port).start()
        except OSError as e:
            hint = "Is another tower running? http.port (EDGECASE_TOWER_HTTP__PORT) is the port."
            raise OperatorError(f"Can't listen on {http.host}:{http.port}: {e}", hint) from e
        log.info("listening on http://%s:%d", http.host, http.port)
        await asyncio.wait((stop, ingest), return_when=asyncio.FIRST_COMPLETED)
        if ingest.done():
            await ingest
            raise OperatorError("The workers ended by themselves.", "See the log above it.")
    finally:
        for task in (stop, ingest):
            task.cancel()
        await asyncio.gather(stop, ingest, return_exceptions=True)
        await runner.cleanup()


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
