"""The doctor's look at the machine. Each check decides from values; `gather` reads them."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from edge.adapters.clock import BUILT, SystemClock, believable
from edge.doctor.findings import Finding, fail, fine, warn
from edge.vitals import THROTTLED, throttled

PYTHONS = ((3, 11), (3, 13))
"""Oldest and newest version that is tried."""
SMALL_MB, TIGHT_MB = 900, 300
"""Memory of the whole machine, and free now, below which the doctor warns."""
CORTEX_A72 = "0xd08"
"""`CPU part` of a Pi 4 in /proc/cpuinfo."""
ILLEGAL_ORT = "1.21.0"
"""This onnxruntime has instructions that a Cortex-A72 doesn't."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is known of the machine."""

    python: tuple[int, int, int]
    """Version."""
    bits: int
    """64, or 32."""
    memory_mb: float
    """In all."""
    available_mb: float
    """Free or easily freed."""
    throttled: int | None
    """As vcgencmd has it; None where there is no vcgencmd."""
    now: datetime
    """By the wall clock."""
    synchronised: bool
    """True: a time server has been heard since the boot."""
    cpuinfo: str
    """/proc/cpuinfo."""
    onnxruntime: str
    """Version; "" where it isn't installed."""


def examine_machine(machine: Machine) -> list[Finding]:
    """Look at everything about the machine."""
    return [
        python(machine.python, machine.bits),
        memory(machine.memory_mb, machine.available_mb),
        power(machine.throttled),
        clock(machine.now, machine.synchronised),
        onnxruntime(machine.onnxruntime, machine.cpuinfo),
    ]


def python(version: tuple[int, int, int], bits: int) -> Finding:
    """Is it a Python that EdgeCase is tried with?"""
    text = "Python " + ".".join(map(str, version))
    if bits != 64:
        return fail("python", f"{text}, {bits} bit", "install the 64-bit Raspberry Pi OS")
    if not PYTHONS[0] <= version[:2] <= PYTHONS[1]:
        return fail("python", f"{text} is not 3.11 to 3.13", "sudo apt install python3")
    return fine("python", text)


def memory(total_mb: float, available_mb: float) -> Finding:
    """Is there room for the worker and a model?"""
    text = f"{available_mb:.0f} MB of {total_mb:.0f} MB available"
    if total_mb < SMALL_MB:
        return warn("memory", f"{text}: too small for a language model", "writer.engine = template")
    if available_mb < TIGHT_MB:
        return warn("memory", f"{text}: tight", "ps aux --sort=-rss | head")
    return fine("memory", text)


def power(throttled: int | None) -> Finding:
    """Does the Pi get enough power and air?"""
    if throttled is None:
        return fine("power", "no vcgencmd here: this is no Raspberry Pi, or a minimal one")
    now = [text for bit, text in THROTTLED.items() if throttled & 1 << bit]
    since = [text for bit, text in THROTTLED.items() if throttled & 1 << bit + 16]
    mend = "use the official power supply and a cooler; then: vcgencmd get_throttled"
    if now:
        return warn("power", f"now: {', '.join(now)}", mend)
    if since:
        return warn("power", f"since the boot: {', '.join(since)}", mend)
    return fine("power", "not throttled since the boot")


def clock(now: datetime, synchronised: bool) -> Finding:
    """Can the wall clock be right?"""
    text = now.isoformat(timespec="seconds")
    if not believable(now, BUILT):
        return fail(
            "clock", f"{text} can't be right", "sudo timedatectl set-time 'YYYY-MM-DD HH:MM'"
        )
    if not synchronised:
        return warn("clock", f"{text}, not heard from a time server", "timedatectl status")
    return fine("clock", text)


def onnxruntime(version: str, cpuinfo: str) -> Finding:
    """Is it there, and without illegal instructions?"""
    mend = "pip install 'onnxruntime>=1.22'"
    if not version:
        return fail("onnxruntime", "not installed: no model can run", mend)
    a72 = re.search(rf"^CPU part\s*:\s*{CORTEX_A72}", cpuinfo, re.MULTILINE) is not None
    if version == ILLEGAL_ORT and a72:
        text = f"{version} dies of an illegal instruction on this processor (Cortex-A72)"
        return fail("onnxruntime", text, mend)
    if version == ILLEGAL_ORT:
        return warn("onnxruntime", f"{version} dies on a Raspberry Pi 4", mend)
    return fine("onnxruntime", version)


def gather() -> Machine:
    """Read what is known of this machine."""
    import psutil

    ram = psutil.virtual_memory()
    return Machine(
        python=sys.version_info[:3],
        bits=64 if sys.maxsize > 2**32 else 32,
        memory_mb=ram.total / 1e6,
        available_mb=ram.available / 1e6,
        throttled=throttled(),
        now=SystemClock().now(),
        synchronised=Path("/run/systemd/timesync/synchronized").exists(),
        cpuinfo=_text(Path("/proc/cpuinfo")),
        onnxruntime=installed_version("onnxruntime"),
    )


def describe_machine() -> dict[str, str]:
    """Facts of this machine for beside a measurement."""
    machine = gather()
    name = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", machine.cpuinfo, re.MULTILINE)
    return {
        "processor": name.group(1).strip() if name else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{machine.memory_mb:.0f} MB",
        "python": ".".join(map(str, machine.python)),
        "onnxruntime": machine.onnxruntime or "none",
    }


def installed_version(package: str) -> str:
    """Version of an installed package; "" where it isn't."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
