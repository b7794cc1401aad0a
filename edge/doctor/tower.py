"""The doctor's look at the way to the tower: who this device is there, and until when."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from edge.doctor.findings import Finding, fail, fine, warn
from edge.errors import EdgeError
from edge.uplink.bundle import find, join, read

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import SyncSettings
    from sync.bundle import Bundle

SOON = timedelta(days=60)
"""Before the end of a certificate, when the doctor warns."""
REACH_S = 3.0
"""In which a broker that is there lets itself be reached."""
ENROLL = "edgecase-tower devices enroll NAME on the tower, then: edgecase sync enroll NAME.bundle"


def tower(settings: SyncSettings, data_dir: Path, now: datetime, *, believed: bool) -> Finding:
    """Is this device part of a fleet, and will it stay so?

    Args:
        settings: as they were read.
        data_dir: where the bundle may lie.
        now: by the wall clock.
        believed: whether that can be right.
    """
    joined = join(settings, data_dir)
    if joined.fault:
        return fail("tower", joined.fault, ENROLL)
    way = joined.settings
    if not way.host:
        return fine("tower", "none is set: every case stays here")
    path = find(settings, data_dir)
    if path is None or settings.ca is not None:
        return fine("tower", f"{way.host}, as set in [sync]")
    try:
        return judge(read(path), now, believed=believed)
    except EdgeError as e:
        return fail("tower", e.message, ENROLL)


def link(settings: SyncSettings, data_dir: Path) -> list[Finding]:
    """Does the tower's broker answer now? Nothing is said where no tower is set."""
    way = join(settings, data_dir).settings
    if not way.host:
        return []
    where = f"{way.host}:{way.broker_port}"
    try:
        socket.create_connection((way.host, way.broker_port), timeout=REACH_S).close()
    except OSError as e:
        text = f"{where}: {e.strerror or e}; cases wait here until it answers"
        return [
            warn("link", text, f"ping {way.host}; on the tower: systemctl status edgecase-broker")
        ]
    return [fine("link", f"{where} answers")]


def judge(bundle: Bundle, now: datetime, *, believed: bool) -> Finding:
    """Decide how a bundle is."""
    text = f"{bundle.host}:{bundle.port} knows this device as {bundle.name}"
    renew = f"edgecase-tower devices renew {bundle.name} on the tower, then: edgecase sync enroll"
    if not believed:
        mend = "sudo timedatectl set-ntp true"
        return warn("tower", f"{text}; the clock is wrong, so how long is not known", mend)
    if now > bundle.until:
        return fail("tower", f"{text}, until {bundle.until:%F}: it has expired", renew)
    if now < bundle.since:
        mend = "sudo timedatectl set-ntp true"
        return warn("tower", f"{text}, from {bundle.since:%F}: the clock is behind", mend)
    if now > bundle.until - SOON:
        return warn("tower", f"{text}, only until {bundle.until:%F}", renew)
    return fine("tower", f"{text}, until {bundle.until:%F}")
