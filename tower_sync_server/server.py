"""The tower's composition root: makes every part, hands each what it needs, keeps them running.

A background task that dies ends the tower, loudly, and whatever supervises it starts it again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import ssl
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tower_sync_server.api.app import Parts, Rules, build_app
from tower_sync_server.api.guard import Doors
from tower_sync_server.archive.history import Histories
from tower_sync_server.archive.listing import Listing
from tower_sync_server.archive.removal import Removal
from tower_sync_server.errors import ConfigError, OperatorError
from tower_sync_server.ingest.workers import Workers
from tower_sync_server.migrations.upgrade import migrate
from tower_sync_server.parts import make_housekeeping, make_uploads, now, open_keep
from tower_sync_server.people.audit import Audit
from tower_sync_server.people.passwords import Passwords
from tower_sync_server.people.people import People
from tower_sync_server.people.sessions import Sessions
from tower_sync_server.people.tidying import Tidying
from tower_sync_server.releases.watch import keeper_of, places_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tower_sync_server.config import HttpSettings, Settings
    from tower_sync_server.parts import Keep

MEGABYTE = 1_000_000
STOP_S = 4.0
"""Longest that requests in flight may take once the tower is told to stop."""

Task = Callable[[], Coroutine[Any, Any, None]]

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
        parts = http_parts(keep, settings, workers)
        app = build_app(parts, http_rules(settings))
        if settings.http.auth == "session" and not parts.people.all():
            log.warning("nobody may sign in yet: edgecase-tower users add NAME --role admin")
        tidying = Tidying(parts.removal, parts.sessions)
        keeper = keeper_of(settings, keep.engine)
        releases = partial(keeper.run, settings.releases.check_s)
        clearing = make_housekeeping(keep, settings.store)
        beside: dict[str, Task] = {
            "tidying": tidying.run,
            "releases": releases,
            "housekeeping": clearing.run,
        }
        asyncio.run(_serve(app, settings.http, workers, beside))
    finally:
        keep.close()


def http_parts(keep: Keep, settings: Settings, workers: Workers) -> Parts:
    """What HTTP shows and changes."""
    http = settings.http
    return Parts(
        listing=Listing(keep.engine),
        histories=Histories(keep.engine),
        removal=Removal(keep.engine, keep.blobs, now),
        blobs=keep.blobs,
        intake=workers,
        people=People(keep.engine, now, Passwords()),
        sessions=Sessions(keep.engine, now, http.lifetimes),
        audit=Audit(keep.engine, now),
        uploads=make_uploads(keep, settings),
        releases=places_of(settings),
    )


def http_rules(settings: Settings) -> Rules:
    """How HTTP is to be."""
    http = settings.http
    doors = Doors(ask=http.auth == "session", proxied=http.plain)
    room = int(settings.store.min_free_mb * MEGABYTE)
    return Rules(doors, http.lifetimes, room, http.allowed_hosts)


def tls_of(http: HttpSettings) -> ssl.SSLContext | None:
    """What the tower encrypts with; None: it doesn't.

    Raises:
        ConfigError: the files are no certificate with its key.
    """
    if http.certificate is None or http.key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(http.certificate, http.key)
    except (OSError, ssl.SSLError) as e:
        hint = "Both are PEM; the certificate's own comes first in its file."
        raise ConfigError(f"http.certificate, http.key: {e}", hint) from e
    return context


async def _serve(
    app: web.Application, http: HttpSettings, workers: Workers, beside: Mapping[str, Task]
) -> None:
    """Serve until told to stop; raises what ended a background task."""
    tls = tls_of(http)
    runner = web.AppRunner(app, shutdown_timeout=STOP_S)
    await runner.setup()
    stop = asyncio.create_task(_told_to_stop(), name="stop")
    ingest = asyncio.create_task(workers.run(), name="ingest")
    others = [asyncio.create_task(run(), name=name) for name, run in beside.items()]
    try:
        try:
            await web.TCPSite(runner, http.host, http.port, ssl_context=tls).start()
        except OSError as e:
            hint = "Is another tower running? http.port (EDGECASE_TOWER_HTTP__PORT) is the port."
            raise OperatorError(f"Can't listen on {http.host}:{http.port}: {e}", hint) from e
        log.info("listening on %s://%s:%d", "https" if tls else "http", http.host, http.port)
        await asyncio.wait((stop, ingest, *others), return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            if task.done():
                await task
        if ingest.done():
            await ingest
            raise OperatorError("The workers ended by themselves.", "See the log above it.")
    finally:
        for task in (stop, ingest, *others):
            task.cancel()
        await asyncio.gather(stop, ingest, *others, return_exceptions=True)
        await runner.cleanup()


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
