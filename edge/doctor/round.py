"""The doctor's round: every check, in the order in which people should mend things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.config import StoreSettings
from edge.doctor import parts
from edge.doctor.findings import Finding, fail, fine, warn
from edge.doctor.machine import examine_machine, gather
from edge.doctor.upgrade import upgrade
from edge.errors import ConfigError, EdgeError
from edge.identity import identify

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.ports import VisionStatus, WriterStatus
    from edge.settings.file import Reading
    from models.profile import Profile

INSTALL = "edgecase models install FILE"


async def examine(found: Reading) -> list[Finding]:
    """Look at everything; with wrong settings, only at what doesn't depend on them."""
    findings = [*parts.settings(found), *examine_machine(gather()), upgrade()]
    if found.problems:
        return findings
    settings = found.settings
    findings += [*parts.secrets(settings), *parts.data_dir(settings.store)]
    if not parts.closed(settings.store.data_dir):
        findings += [
            *parts.camera(settings.camera, settings.store.data_dir),
            *await _models(settings),
            _writer(settings),
            *_tower(settings),
            *_waiting(settings),
            *_home_assistant(settings),
            _https(settings),
        ]
    return [
        *findings,
        parts.port(settings.http),
        *parts.elsewhere(settings.store, StoreSettings().data_dir),
    ]


def judge_models(status: VisionStatus, profiles: dict[str, Profile], default: str) -> list[Finding]:
    """Decide how the models are.

    Args:
        status: of a worker that has tried them.
        profiles: id → profile.
        default: the device's own profile.
    """
    found = [
        fine("model", f"{m.ref}, {m.profile} {m.role}: {m.median_ms:.0f} ms on {m.backend}")
        for m in status.models
    ]
    found += [
        fail("model", f"{ref} is refused: {why}", f"edgecase models rollback {ref.split('@')[0]}")
        for ref, why in status.refused.items()
    ]
    serving = {m.ref.split("@")[0] for m in status.models}
    for profile in profiles.values():
        missing = [m for m in profile.model_ids if m not in serving]
        if not missing:
            continue
        text = f"profile {profile.id} waits for {', '.join(missing)}"
        if profile.id != default:
            found.append(fine("model", text))
        elif len(missing) < len(profile.model_ids):
            found.append(warn("model", f"{text}, and works without", INSTALL))
        else:
            found.append(fail("model", f"{text}: every case needs a person", INSTALL))
    return found


def judge_writer(status: WriterStatus, wanted: str) -> Finding:
    """Decide how the writer is; the template's text is fine unless something else was asked for."""
    model = f" with {status.model}" if status.model else ""
    text = f"{status.engine}{model}: {status.reason}"
    if status.engine == "template" and wanted not in ("auto", "template"):
        return warn("writer", text, f"pip install {wanted}, and {INSTALL}")
    return fine("writer", text)


async def _models(settings: Settings) -> list[Finding]:
    from edge.daemon import load_profiles
    from edge.eyes import open_eyes

    measured = settings.store.data_dir / "models" / "measured.json"
    try:
        profiles = load_profiles(settings)
        async with open_eyes(settings, measured) as (_, vision):
            return judge_models(vision.status(), profiles, settings.device.profile)
    except ConfigError as e:
        return [fail("profile", e.message, e.hint)]
    except EdgeError as e:
        return [fail("vision", e.message, "the lines above say why; install EdgeCase again")]


def _tower(settings: Settings) -> list[Finding]:
    from edge.adapters.clock import SystemClock
    from edge.doctor.tower import link, tower

    clock = SystemClock()
    now, believed = clock.now(), clock.trusted()
    data = settings.store.data_dir
    return [tower(settings.sync, data, now, believed=believed), *link(settings.sync, data)]


def _home_assistant(settings: Settings) -> list[Finding]:
    if not settings.home_assistant.host:
        return []
    from edge.doctor.home_assistant import home_assistant

    return home_assistant(settings.home_assistant, identify(settings.device.name).device)


def _waiting(settings: Settings) -> list[Finding]:
    from edge.adapters.clock import SystemClock
    from edge.doctor.waiting import waiting

    return waiting(settings, SystemClock().now())


def _https(settings: Settings) -> Finding:
    from edge.adapters.clock import SystemClock
    from edge.doctor.https import https

    return https(settings.http, settings.store.data_dir, SystemClock().now())


def _writer(settings: Settings) -> Finding:
    from edge.daemon import make_writer
    from edge.eyes import library_of

    writer = make_writer(settings.writer, library_of(settings))
    return judge_writer(writer.status(), settings.writer.engine)
