"""What Home Assistant is told of this device: topics, the announcement, the state. No I/O.

The announcement is one message for the whole device, as "MQTT discovery" of Home Assistant's
documentation has it: `dev` says who it is, `o` who speaks, `cmps` what there is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.jsonable import require

if TYPE_CHECKING:
    from edge.updates.status import UpdateStatus

ONLINE, OFFLINE = "online", "offline"
CAPTURE, RELOAD, INSTALL = "capture", "reload", "install"
Part = dict[str, Any]
"""One component, as Home Assistant has it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where on the broker this device speaks."""

    prefix: str
    """Of Home Assistant's own topics: `homeassistant`."""
    node: str
    """The device, in a topic: letters, digits, - and _."""

    def __post_init__(self) -> None:
        """Refuse what would be a wildcard or a level of its own."""
        require(bool(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.node)), "node", "a topic's word")
        require(bool(self.prefix) and not set(self.prefix) & set("+#\0"), "prefix", "a topic")

    @property
    def config(self) -> str:
        """Where the announcement is kept."""
        return f"{self.prefix}/device/edgecase-{self.node}/config"

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it is up (again)."""
        return f"{self.prefix}/status"

    def own(self, name: str) -> str:
        """A topic of the device's own: state, update, image, available, command."""
        return f"edgecase/home-assistant/{self.node}/{name}"

    def id(self, part: str) -> str:
        """What tells a component from every other in that house."""
        return f"edgecase-{self.node}-{part}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How the device is, as far as a dashboard asks."""

    verdict: str = ""
    """Status of the newest case, "" without one."""
    seen: str = ""
    """Labels of what is on it."""
    today: int = 0
    """Cases since midnight."""
    to_review: int = 0
    """Cases that wait for a person."""
    backlog: int = 0
    """Cases of which something is still only here."""
    temperature: float | None = None
    """Of the processor, °C."""
    free_bytes: int = 0
    """Of the disk."""
    problem: str = ""
    """Why no photos are taken; "" while they are."""


def node_of(name: str) -> str:
    """A device's name as a topic's word."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:64] or "edgecase"


def announcement(place: Place, name: str, version: str) -> dict[str, Any]:
    """Everything that Home Assistant has to know, in one message.

    Args:
        place: where the device speaks.
        name: of the device, for people.
        version: of EdgeCase.
    """
    return {
        "dev": {"ids": [f"edgecase-{place.node}"], "name": name, "mf": "EdgeCase", "sw": version},
        "o": {"name": "EdgeCase", "sw": version},
        "cmps": {**_sensors(place), **_controls(place)},
        "availability_topic": place.own("available"),
        "state_topic": place.own("state"),
        "qos": 1,
    }


def _sensors(place: Place) -> dict[str, Part]:
    """What it says of itself; each is read out of one state."""
    celsius = {"device_class": "temperature", "unit_of_measurement": "°C"}
    room = {"device_class": "data_size", "unit_of_measurement": "B"}
    counted = {"state_class": "measurement"}
    aside = {"entity_category": "diagnostic"}
    problem: Part = {"device_class": "problem", "payload_on": "on", "payload_off": "off"}
    return {
        "verdict": _part(place, "sensor", "verdict", "Last verdict", {}),
        "seen": _part(place, "sensor", "seen", "Last seen", {}),
        "today": _part(place, "sensor", "today", "Cases today", counted),
        "to_review": _part(place, "sensor", "to_review", "Cases to review", counted),
        "backlog": _part(place, "sensor", "backlog", "Cases only here", {**counted, **aside}),
        "temperature": _part(
            place, "sensor", "temperature", "Temperature", {**celsius, **counted, **aside}
        ),
        "free_bytes": _part(
            place, "sensor", "free_bytes", "Free space", {**room, **counted, **aside}
        ),
        "problem": _part(place, "binary_sensor", "problem", "Problem", {**problem, **aside}),
    }


def _controls(place: Place) -> dict[str, Part]:
    """What can be looked at or pressed."""
    command = {"command_topic": place.own("command")}
    return {
        "photo": {
            "p": "image",
            "unique_id": place.id("photo"),
            "name": "Last photo",
            "image_topic": place.own("image"),
            "content_type": "image/jpeg",
        },
        "capture": {
            "p": "button",
            "unique_id": place.id("capture"),
            "name": "Take a photo",
            "payload_press": CAPTURE,
            **command,
        },
        "reload": {
            "p": "button",
            "unique_id": place.id("reload"),
            "name": "Reload the models",
            "payload_press": RELOAD,
            "entity_category": "config",
            **command,
        },
        "models": {
            "p": "update",
            "unique_id": place.id("models"),
            "name": "Models",
            "state_topic": place.own("update"),
            "payload_install": INSTALL,
            **command,
        },
    }


def _part(place: Place, kind: str, key: str, name: str, more: Part) -> Part:
    template = "{{ value_json." + key + " }}"
    return {
        "p": kind,
        "unique_id": place.id(key),
        "name": name,
        "value_template": template,
        **more,
    }


def state_of(now: Standing) -> dict[str, Any]:
    """The state that all sensors are read out of."""
    return {
        "verdict": now.verdict or None,
        "seen": now.seen or None,
        "today": now.today,
        "to_review": now.to_review,
        "backlog": now.backlog,
        "temperature": now.temperature,
        "free_bytes": now.free_bytes,
        "problem": "on" if now.problem else "off",
    }


def update_of(serving: tuple[str, ...], updates: UpdateStatus) -> dict[str, Any]:
    """What the update entity shows: what serves, and what waits for a word or is on its way.

    Args:
        serving: id@version of every model that looks or writes.
        updates: what the updater is doing.
    """
    now = ", ".join(serving) or "none"
    busy = updates.phase == "fetching"
    coming = updates.waiting or ((updates.version,) if busy or updates.phase == "shadow" else ())
    return {
        "installed_version": now,
        "latest_version": ", ".join(coming) or now,
        "in_progress": busy,
        "update_percentage": 100 * updates.done // updates.total
        if busy and updates.total
        else None,
    }
