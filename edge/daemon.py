"""The device's daemon: makes every part, hands each what it needs, and keeps them running.

The only file that knows everybody. A background task that dies ends the daemon, loudly, and
whatever supervises it starts it again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web

from edge.adapters.allocator import keep_buffers
from edge.adapters.clock import BUILT, SystemClock
from edge.adapters.control_groups import NO_GROUPS, open_groups
from edge.adapters.vision.measured import MeasuredModels
from edge.adapters.vision.messages import Start
from edge.adapters.vision.pool import VisionLimits, WorkerVision
from edge.adapters.vision.process import COMMAND as LOOK
from edge.adapters.vision.start import step_s
from edge.adapters.welcome import make_welcome
from edge.adapters.writer.llm import LlmWriter, WriterLimits, open_writer
from edge.adapters.writer.process import COMMAND as WRITE
from edge.adapters.writer.process import LanguageModel
from edge.adapters.writer.template import TemplateWriter
from edge.api.app import build_app
from edge.api.broken import build_broken_app
from edge.api.parts import Parts
from edge.api.secure_site import SecureSite
from edge.api.server import Runner
from edge.capture.loop import Capture, tell_camera
from edge.capture.make import make_camera
from edge.capture.watch import CameraWatch
from edge.errors import ConfigError, OperatorError
from edge.events import Events
from edge.home_assistant.make import make_home_assistant
from edge.home_assistant.seen import DeviceSeen
from edge.housekeeping import Housekeeping
from edge.identity import identify
from edge.lan.make import make_announcer, make_lan
from edge.lan.tls import NoTls, Tls
from edge.lan.watch import LanWatch
from edge.library.library import ModelLibrary, shipped_models
from edge.logs import set_up_logs
from edge.overrides import apply_overrides
from edge.pairing.desk import Desk
from edge.pairing.window import Moment
from edge.pipeline import Pipeline
from edge.service_manager import Service, tell_of_broken_settings
from edge.settings.secret_files import Secrets, read_secrets
from edge.store.retention import Limits
from edge.store.store import Store
from edge.summaries import Summaries
from edge.updates.fallback import Fallback
from edge.updates.make import Updates, make_updater
from edge.updates.outcomes import Outcomes
from edge.updates.word import serve_waiting
from edge.uplink.bundle import join
from edge.uplink.make import NoUplink, ReleaseTalk, make_uplink
from edge.vitals import MachineVitals
from edge.webhooks.make import make_webhooks
from models.jsonable import InvalidWordError
from models.profile import Profile, load_all, shipped
from models.release import Task

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import (
        HttpSettings,
        Settings,
        StoreSettings,
        WriterSettings,
    )
    from edge.ports import ChildGroups

MEGABYTE = 1_000_000
GIGABYTE = 1_000 * MEGABYTE
STOP_S = 4.0
"""Longest that requests in flight may take once the daemon is told to stop."""

READ_AHEAD = 1024 * 1024
"""Bytes of a body that are read before the handler has asked for them: a photo arrives in 6 ms in
the place of 8 (2.1 MB on loopback) when it isn't stopped every 64 kB."""

NO_TLS = NoTls()

log = logging.getLogger(__name__)

Work = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class Device:
    """Everything that has to be started, kept running, or closed."""

    app: web.Application
    """What answers HTTP."""
    tls: Tls
    """What it answers HTTPS with."""
    store: Store
    """Open."""
    vision: WorkerVision
    """Not started yet."""
    writer: LlmWriter | TemplateWriter
    """Starts its child when there is work."""
    background: Mapping[str, Work]
    """Name → what runs for as long as the daemon does."""


def run(settings: Settings, problem: ConfigError | None = None) -> None:
    """Run the device until it is told to stop; with a `problem`, only the page that shows it."""
    set_up_logs()
    keep_buffers()
    try:
        if problem is None:
            profiles, secrets = load_profiles(settings), read_secrets(settings)
    except ConfigError as e:
        problem = e
    if problem is None:
        asyncio.run(_run(settings, profiles, secrets))
        return
    log.error("%s", "; ".join(filter(None, (problem.message, problem.hint))))
    app = build_broken_app(problem, settings.http, settings.device.name)
    told = tell_of_broken_settings(problem.message)
    asyncio.run(_serve(app, settings.http, {"service": told}))


async def _run(settings: Settings, profiles: Mapping[str, Profile], secrets: Secrets) -> None:
    groups = open_groups()
    store = make_store(settings.store)
    report = await store.open()
    log.info("store open: %s", report)
    try:
        device = wire(settings, profiles, secrets, store, report.latest or BUILT, groups)
        await device.vision.start()
        try:
            await _serve(device.app, settings.http, device.background, device.tls)
        finally:
            await device.vision.close()
            await device.writer.close()
    finally:
        await store.close()


def load_profiles(settings: Settings) -> dict[str, Profile]:
    """Read the shipped profiles and the owner's, and put the settings' thresholds over them.

    Raises:
        ConfigError: one is wrong, or the device's own profile is none of them.
    """
    own = settings.store.data_dir / "profiles"
    try:
        found = load_all(shipped(), own)
    except InvalidWordError as e:
        raise ConfigError(str(e), f"Mend the file, or move it out of {own}.") from e
    for name in filter(None, (settings.device.profile, settings.camera.profile)):
        if name not in found:
            known = ", ".join(sorted(found))
            raise ConfigError(f"There is no profile {name!r}.", f"Known are: {known}.")
    return {name: apply_overrides(profile, settings) for name, profile in found.items()}


def make_store(settings: StoreSettings) -> Store:
    """The store of these settings; `open` opens it."""
    return Store(
        settings.data_dir,
        now=lambda: datetime.now(UTC).astimezone(),
        limits=Limits(
            image_bytes=int(settings.max_gb * GIGABYTE),
            thumb_bytes=int(settings.max_gb * GIGABYTE / 10),
            case_age=timedelta(days=settings.max_age_days),
            deleted_age=timedelta(days=settings.deleted_age_days),
            staged_age=timedelta(minutes=settings.staged_minutes),
            staged_bytes=int(settings.max_gb * GIGABYTE / 10),
            image_age=timedelta(days=settings.image_days),
        ),
        min_free_bytes=int(settings.min_free_mb * MEGABYTE),
        synchronous=settings.synchronous,
    )


def make_vision(
    settings: Settings,
    profiles: Mapping[str, Profile],
    library: ModelLibrary,
    measured: MeasuredModels | None,
    instead: Mapping[str, Path] | None = None,
    groups: ChildGroups = NO_GROUPS,
) -> WorkerVision:
    """The eyes; each start of a worker asks the library what is active.

    Args:
        settings: of the device.
        profiles: what is looked with.
        library: where models are.
        measured: keeps the models' measurements; None keeps none.
        instead: id → folder of a version that is to be tried in the place of the active one.
        groups: that its workers are kept in.
    """
    vision = settings.vision
    wanted = {model for profile in profiles.values() for model in profile.model_ids}

    def plan() -> Start:
        return Start(
            profiles=tuple(profiles.values()),
            models={
                **{m: str(found.folder) for m in wanted if (found := library.active(m))},
                **{m: str(folder) for m, folder in (instead or {}).items()},
            },
            threads=vision.threads,
            max_bytes=round(settings.http.max_body_mb * MEGABYTE),
            max_megapixels=vision.max_megapixels,
            max_model_mb=vision.max_model_mb,
            memory_mb=vision.memory_mb,
        )

    limits = VisionLimits(
        deadline_s=vision.deadline_s,
        start_s=step_s(vision.deadline_s),
        max_rss_mb=vision.max_rss_mb,
        queue=vision.queue,
    )
    return WorkerVision(plan, limits, measured, groups.inside("vision", LOOK))


def make_writer(
    settings: WriterSettings, library: ModelLibrary, groups: ChildGroups = NO_GROUPS
) -> LlmWriter | TemplateWriter:
    """The writer; each text asks the library which model is active."""

    def model() -> LanguageModel | None:
        for found in library.list():
            release = found.release
            named = settings.model in ("", release.id)
            if found.active and named and release.task is Task.WRITE:
                return LanguageModel(release.ref, found.folder / release.weights.path)
        return None

    limits = WriterLimits(
        deadline_s=settings.deadline_s, memory_mb=settings.memory_mb, idle_s=settings.idle_s
    )
    return open_writer(settings.engine, model, limits, groups.inside("writer", WRITE))


def wire(
    settings: Settings,
    profiles: Mapping[str, Profile],
    secrets: Secrets,
    store: Store,
    passed: datetime,
    groups: ChildGroups = NO_GROUPS,
) -> Device:
    """Make every part and hand each what it needs; nothing is started.

    Args:
        settings: what was read.
        profiles: id → profile, overrides applied.
        secrets: what it is known by elsewhere.
        store: open.
        passed: a moment that has surely passed; an earlier wall clock is wrong.
        groups: that children are kept in.
    """
    way = join(settings.sync, settings.store.data_dir)
    clock, events = SystemClock(max(passed, way.since or passed)), Events()
    identity = identify(settings.device.name)
    installed = settings.store.data_dir / "models"
    library = ModelLibrary(shipped_models(), installed)
    measured = MeasuredModels(installed / "measured.json")
    vision = make_vision(settings, profiles, library, measured, groups=groups)
    writer = make_writer(settings.writer, library, groups)
    summaries = Summaries(writer, store, events, profiles)
    pipeline = Pipeline(
        vision, store, summaries, events, clock, identity, profiles, settings.device.profile
    )
    camera, trigger = make_camera(settings)
    watch = CameraWatch(camera, clock, settings.camera.stall_s, tell_camera(events))
    capture = Capture(watch, trigger, pipeline.keep, events)
    vitals = MachineVitals(lambda: vision.status().models)

    def wire_updates() -> Updates:
        from edge.updates.wiring import Serving, wire_updater  # heavy, and seldom wanted

        def challenger(instead: Mapping[str, Path]) -> WorkerVision:
            return make_vision(settings, profiles, library, None, instead, groups)

        serving = Serving(vision, challenger, writer, groups)
        return wire_updater(settings, library, profiles, serving, store, events, clock)

    updater = make_updater(settings.updates, wire_updates)
    uplink = (
        NoUplink(way.fault)
        if way.fault
        else make_uplink(
            way.settings,
            store,
            events,
            clock,
            identity,
            vitals,
            ReleaseTalk(settings.updates.ring, lambda _: updater.look_soon(), updater.report),
        )
    )
    lan = make_lan(settings.http, store.layout, lambda: clock.passed() or clock.now())
    desk = Desk(store, lambda: Moment(identity.boot, clock.monotonic()))
    app = build_app(
        Parts(
            pipeline=pipeline,
            store=store,
            vision=vision,
            writer=writer,
            library=library,
            capture=capture,
            events=events,
            clock=clock,
            http=settings.http,
            device=identity.device,
            desk=desk,
            lan=lan,
            uplink=uplink,
            updates=updater,
            vitals=vitals,
        )
    )
    background = {
        "vision": vision.watch(),
        "summaries": summaries.run(),
        "capture": capture.run(),
        "housekeeping": Housekeeping(store, clock).run(),
        "uplink": uplink.run(),
        "updater": updater.run(),
        "lan": LanWatch(lan, make_announcer(settings.http)).run(),
        "welcome": make_welcome(settings, desk, lan).run(),
        "home assistant": make_home_assistant(
            settings.home_assistant,
            secrets.home_assistant,
            identity.device,
            DeviceSeen(store, vision, writer, updater, vitals, clock),
            events,
            capture.take,
            vision.reload,
            lambda: serve_waiting(updater, library, vision),
        ).run(),
        "webhooks": make_webhooks(settings.webhooks, secrets.webhook, store, events).run(),
        "fallback": Fallback(vision, library, Outcomes(installed), events).run(),
        "service": Service(vision, events, settings.vision.deadline_s).run(),
    }
    return Device(app, lan.tls, store, vision, writer, background)


async def _serve(
    app: web.Application, http: HttpSettings, background: Mapping[str, Work], tls: Tls = NO_TLS
) -> None:
    """Serve until told to stop; raises what ended a background task."""
    runner = Runner(app, shutdown_timeout=STOP_S, read_bufsize=READ_AHEAD)
    await runner.setup()
    tasks = [asyncio.create_task(_told_to_stop(), name="stop")]
    tasks += [asyncio.create_task(work, name=name) for name, work in background.items()]
    try:
        await _listen(runner, http.host, http.port)
        if tls.port:
            await _listen(runner, http.host, tls.port, tls)
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            await task
            if task.get_name() != "stop":
                raise OperatorError(f"{task.get_name()} ended by itself", "See the log above it.")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int, tls: Tls = NO_TLS) -> None:
    key = "tls_port" if tls.port else "port"
    try:
        context = tls.context()
        site = SecureSite(runner, host, port, context) if context else None
        await (site or web.TCPSite(runner, host, port)).start()
    except OSError as e:
        why = os.strerror(e.errno) if e.errno and e.errno > 0 else e.strerror or str(e)
        raise OperatorError(
            f"Can't listen on {host}:{port}: {why}.",
            f"Stop the program that does, or set another http.{key} "
            f"(EDGECASE_HTTP__{key.upper()}).",
        ) from e
    log.info("listening on http%s://%s:%d", "s" if tls.port else "", host, port)


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
