"""What is kept of how a device says it is: fields of this version, in the bounds of JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from models.jsonable import InvalidWordError, from_json, to_json
from models.rollout import REPORT, DeviceReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sync.messages import State

MAX_NUMBER = 1 << 53
"""What every JSON reader can hold."""
MAX_TEXT = 100
MAX_MODELS = 32
HOTTEST = 200.0
COUNTED = ("cases", "parcels", "size", "dead", "last_seq", "lost")
"""Numbers that every device knows."""


def shown(state: State) -> dict[str, Any]:
    """What is kept of a state; None stands for what the device doesn't know."""
    return {
        "at": _moment(state.at),
        "clock_ok": state.clock_ok,
        "boot": _text(state.boot),
        "software": _text(state.software),
        **{name: _count(getattr(state, name)) for name in COUNTED},
        "compared": _moment(state.compared),
        "disk_free": None if state.disk_free is None else _count(state.disk_free),
        "temperature": _degrees(state.temperature),
        "throttled": None if state.throttled is None else _count(state.throttled),
        "models": _models(state.models),
        REPORT: _report(state.extra.get(REPORT)),
    }


def _report(said: object) -> Any:
    """What the device says of releases; None where that can't be read."""
    try:
        return to_json(from_json(DeviceReport, said))
    except InvalidWordError:
        return None


def _count(value: int) -> int:
    return max(0, min(value, MAX_NUMBER))


def _moment(seconds: float) -> float:
    return seconds if 0 <= seconds <= MAX_NUMBER else 0.0


def _degrees(value: float | None) -> float | None:
    if value is None or not math.isfinite(value) or abs(value) > HOTTEST:
        return None
    return round(value, 1)


def _text(value: str) -> str:
    """Cut short, and without halves of surrogate pairs, which no page could show."""
    return "".join(c for c in value[:MAX_TEXT] if not 0xD800 <= ord(c) < 0xE000)


def _models(models: Mapping[str, str]) -> dict[str, str]:
    return {_text(role): _text(ref) for role, ref in sorted(models.items())[:MAX_MODELS]}
