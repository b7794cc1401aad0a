"""Where the broker is, and how to show it who we are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS 1.3, both sides with a certificate."""

    ca: Path
    """Certificate of who signs the broker's, PEM; others that may lie in the file are skipped."""
    certificate: Path | None = None
    """Our own, PEM; None where the broker asks for none."""
    key: Path | None = None
    """Its key, PEM."""
    passed: Callable[[], datetime | None] = lambda: None
    """Asked before every connection: None while the system's clock is believed, otherwise a moment
    that has surely passed, which certificates are judged by in its place."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where and as whom."""

    host: str
    """Name or address."""
    client_id: str
    """Ours; a second client of the same id ends the first one's link."""
    port: int = 1883
    """1883, or 8883 with TLS."""
    tls: Tls | None = None
    """None: in the clear, for loopback."""
    username: str = ""
    """"" where the certificate says who we are."""
    password: str = ""
    """Goes with the name."""
