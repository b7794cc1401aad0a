"""What the page of the devices shows of each: pure functions. What isn't known is said so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tower_sync_server.api.views import UNKNOWN, moment, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tower_sync_server.archive.listing import DeviceRow

THROTTLING = (
    (0, "voltage too low"),
    (1, "frequency capped"),
    (2, "slowed down"),
    (3, "too warm"),
)
"""Bit of a Pi's `get_throttled` → what it says about now."""
THROTTLED_BEFORE = 0xF0000


def device(row: DeviceRow) -> list[tuple[str, str, bool]]:
    """What a device is: name, value, and whether somebody should look. Unknown is said so."""
    state = row.state
    waiting, dead = state.get("cases"), state.get("dead")
    found = [
        ("Cases that came", str(row.cases), False),
        ("Still on the device", _waiting(state), False),
        ("Refused by the tower", _known(dead), bool(dead)),
        ("Missing numbers", str(row.gaps), row.gaps > 0 and not waiting),
        ("In quarantine", str(row.quarantined), row.quarantined > 0),
        ("Too much at once", _too_much(row.held_back), row.held_back > 0),
        ("Compared with the tower", _stamp(state.get("compared")), False),
        ("Clock", _clock(state), state.get("clock_ok") is False),
        ("Temperature", _degrees(state.get("temperature")), _is_hot(state.get("temperature"))),
        ("Throttling", throttling(state.get("throttled")), bool(state.get("throttled"))),
        ("Free on its disk", _bytes(state.get("disk_free")), False),
        ("Program", str(state.get("software") or UNKNOWN), False),
        ("First heard", moment(row.first_seen), False),
    ]
    models = state.get("models")
    of_models = models if isinstance(models, dict) and models else {"Models": UNKNOWN}
    return found + [(str(role), str(ref), False) for role, ref in of_models.items()]


def throttling(bits: Any) -> str:
    """What slows a Pi down, in words."""
    if not isinstance(bits, int):
        return UNKNOWN
    now = [text for bit, text in THROTTLING if bits >> bit & 1]
    if now:
        return ", ".join(now)
    return "not now, but since it started" if bits & THROTTLED_BEFORE else "none"


def _too_much(count: int) -> str:
    return f"{count} messages since the tower started" if count else "never"


def _waiting(state: Mapping[str, Any]) -> str:
    if "cases" not in state:
        return UNKNOWN
    held, total = state.get("cases", 0), state.get("size", 0)
    return f"{held} ({size(total)})" if total else str(held)


def _known(value: Any) -> str:
    return UNKNOWN if value is None else str(value)


def _clock(state: Mapping[str, Any]) -> str:
    if "clock_ok" not in state:
        return UNKNOWN
    return "right" if state["clock_ok"] else "not to be trusted"


def _degrees(value: Any) -> str:
    return f"{value:.0f} °C" if isinstance(value, (int, float)) else UNKNOWN


def _is_hot(value: Any) -> bool:
    return isinstance(value, (int, float)) and value >= 80


def _bytes(value: Any) -> str:
    return size(value) if isinstance(value, int) else UNKNOWN


def _stamp(seconds: Any) -> str:
    if not isinstance(seconds, (int, float)) or not seconds:
        return UNKNOWN
    try:
        return moment(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return UNKNOWN
