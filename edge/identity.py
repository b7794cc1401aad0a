"""Who this device is, and which boot this is."""

from __future__ import annotations

import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Identity:
    """Stamped on every case."""

    device: str
    """The device's name."""
    boot: str
    """Id of this boot; with seconds since boot it orders cases where the clock can't."""


def identify(name: str) -> Identity:
    """This device under the configured `name`, or its host name where that is empty."""
    try:
        boot = BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        boot = str(uuid.uuid4())
    return Identity(name or socket.gethostname(), boot)
