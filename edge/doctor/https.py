"""The doctor's look at HTTPS: whether it is on, and how long its certificate lasts."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from edge.doctor.findings import Finding, fail, fine, warn
from edge.errors import OperatorError
from edge.lan.keyring import Keyring
from edge.lan.make import FOLDER, tls_port
from edge.settings.check import host_is_loopback

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from edge.config import HttpSettings
    from edge.lan.authority import Signed

RESTART = "sudo systemctl restart edgecase"
LATE = timedelta(days=30)
"""A running device makes its certificate anew 60 days before its end."""


def https(http: HttpSettings, data_dir: Path, now: datetime) -> Finding:
    """Is what phones send encrypted, and for how long yet?"""
    port = tls_port(http)
    if not port and host_is_loopback(http.host):
        return fine("https", "off: only this machine reaches the device")
    if not port:
        return warn("https", "off: others on the network can read along", "set http.tls_port")
    folder = data_dir / FOLDER
    if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
        owner = folder.stat().st_uid
        mend = f"sudo -u '#{owner}' edgecase doctor"
        return warn("https", f"port {port}; only user {owner} may look at its keys", mend)
    try:
        whole = Keyring(folder).authority()
    except OperatorError as e:
        return fail("https", e.message, e.hint)
    return judge(port, Keyring(folder).server() if whole else None, now)


def judge(port: int, server: Signed | None, now: datetime) -> Finding:
    """Decide by the server's certificate; None where there is none yet."""
    if server is None:
        return fine("https", f"port {port}; its keys are made at the next start")
    begins = server.certificate.not_valid_before_utc
    ends = server.certificate.not_valid_after_utc
    text = f"port {port}, certificate from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}"
    if now < begins:
        return fail("https", f"{text}: the clock is wrong", "timedatectl status")
    if now >= ends:
        return fail("https", f"{text}: its time is over", RESTART)
    if ends - now < LATE:
        return warn("https", f"{text}: no running device has renewed it", RESTART)
    return fine("https", text)
