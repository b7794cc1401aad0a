"""How the machine is: warm, slowed down; and which models look at photos."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge.programs import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.ports import ModelInUse

THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")
"""Thousandths of a degree; of a Pi's processor, and of most others'."""


THROTTLED = {
    0: "the voltage is too low",
    1: "the frequency is capped",
    2: "it is throttled",
    3: "it is too hot",
}
"""Bits of `vcgencmd get_throttled` that are true now; 16 above them: were true since the boot."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the machine."""

    temperature: float | None = None
    """Of the processor, °C; None where nothing says so."""
    throttled: int | None = None
    """As `vcgencmd get_throttled` has it; None where there is no such program."""
    models: Mapping[str, str] = field(default_factory=dict)
    """profile/role → id@version of what looks at photos."""


class Vitals(Protocol):
    """Tells how the machine is."""

    async def read(self) -> Reading:
        """Look; never raises for what the machine doesn't have."""
        ...


class NoVitals:
    """Says nothing."""

    async def read(self) -> Reading:
        """Nothing is known."""
        return Reading()


class MachineVitals:
    """Reads the kernel's files and asks the Pi's firmware."""

    def __init__(self, models: Callable[[], Sequence[ModelInUse]], thermal: Path = THERMAL) -> None:
        """Ask `models` what is serving, and the file `thermal` how warm it is."""
        self._models = models
        self._thermal = thermal

    async def read(self) -> Reading:
        """Look at everything."""
        used = {f"{model.profile}/{model.role}": model.ref for model in self._models()}
        temperature = parse_thermal(await asyncio.to_thread(self._text))
        return Reading(temperature, await asyncio.to_thread(throttled), used)

    def _text(self) -> str:
        try:
            return self._thermal.read_text(encoding="ascii")
        except (OSError, ValueError):
            return ""


def parse_thermal(text: str) -> float | None:
    """°C of what the kernel says; None where it is no temperature of a processor that runs."""
    word = text.strip()
    if not word.lstrip("-").isdecimal():
        return None
    degrees = int(word) / 1000
    return degrees if -60 <= degrees <= 150 else None


def parse_throttled(text: str) -> int | None:
    """Read vcgencmd's `throttled=0x50000`; None where it says something else."""
    found = re.fullmatch(r"throttled=(0x[0-9a-fA-F]+)\s*", text)
    return int(found.group(1), 16) if found else None


def throttled() -> int | None:
    """What slows the Pi down now, and has since the boot; None where there is no vcgencmd."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    return parse_throttled(ask([program, "get_throttled"])[1])


def slowed(bits: int | None) -> tuple[str, ...] | None:
    """What slows the machine down now, or has since the boot, in words; None: nothing is known."""
    if bits is None:
        return None
    now = [text for bit, text in THROTTLED.items() if bits & 1 << bit]
    since = [f"{text} (was so since the start)" for bit, text in THROTTLED.items()
             if bits & 1 << bit + 16 and not bits & 1 << bit]  # fmt: skip
    return (*now, *since)
