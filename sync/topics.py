"""Topics: who speaks, and about what. The broker's ACL binds a device to its own branch.

The device of a message is the one in its topic, never anything in its payload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sync.errors import BadNameError

ROOT = "edgecase/v1"
EVERY_UP = f"{ROOT}/d/+/up/+"
"""Filter: what every device sends up."""
SHARED_UP = f"$share/ingest/{EVERY_UP}"
"""The same, each message to one of the workers only."""
EVERY_DIGEST = f"{ROOT}/d/+/digest"
"""Filter: what every device asks in a comparison."""
SHARED_DIGEST = f"$share/ingest/{EVERY_DIGEST}"
"""The same, each question to one of the workers only."""
EVERY_STATE = f"{ROOT}/d/+/state"
"""Filter: the state of every device."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CASE = re.compile(r"[0-9a-f-]{36}")
UP = re.compile(rf"{ROOT}/d/({NAME.pattern})/up/({CASE.pattern})")
DIGEST = re.compile(rf"{ROOT}/d/({NAME.pattern})/digest")
STATE = re.compile(rf"{ROOT}/d/({NAME.pattern})/state")


@dataclass(frozen=True, slots=True)
class UpTopic:
    """Who sends, and of which case."""

    device: str
    """The device, as the broker knows it."""
    case: str
    """Id of the case, a UUID."""


def check_name(name: str) -> str:
    """Give back the name of a device or ring where it can be part of a topic.

    Raises:
        BadNameError: it can't.
    """
    if not NAME.fullmatch(name):
        allowed = "1 to 64 letters, digits, dots, hyphens and underscores, no sign first"
        raise BadNameError(f"{name[:80]!r} can't be part of a topic; allowed are {allowed}.")
    return name


def device(name: str) -> str:
    """How every topic of a device begins."""
    return f"{ROOT}/d/{check_name(name)}/"


def up(device: str, case: str) -> str:
    """Where a device sends the chunks of a case."""
    if not CASE.fullmatch(case):
        raise BadNameError(f"{case[:80]!r} is no id of a case.")
    return f"{ROOT}/d/{check_name(device)}/up/{case}"


def ack(device: str) -> str:
    """Where a device hears what became of them."""
    return f"{ROOT}/d/{check_name(device)}/ack"


def digest(device: str) -> str:
    """Where a device asks what the tower holds; the answers come with the other ones."""
    return f"{ROOT}/d/{check_name(device)}/digest"


def state(device: str) -> str:
    """Where a device says how it is; retained."""
    return f"{ROOT}/d/{check_name(device)}/state"


def hint(ring: str) -> str:
    """Where a ring of devices hears that there is a release to look at; retained."""
    return f"{ROOT}/fleet/{check_name(ring)}/hint"


def parse_up(topic: str) -> UpTopic:
    """Read an up topic.

    Raises:
        BadNameError: it is none.
    """
    found = UP.fullmatch(topic)
    if found is None:
        raise BadNameError(f"{topic[:200]!r} is no topic of a case.")
    return UpTopic(found[1], found[2])


def parse_digest(topic: str) -> str:
    """The device of a digest topic.

    Raises:
        BadNameError: it is none.
    """
    found = DIGEST.fullmatch(topic)
    if found is None:
        raise BadNameError(f"{topic[:200]!r} is no topic of a comparison.")
    return found[1]


def parse_state(topic: str) -> str:
    """The device of a state topic.

    Raises:
        BadNameError: it is none.
    """
    found = STATE.fullmatch(topic)
    if found is None:
        raise BadNameError(f"{topic[:200]!r} is no topic of a state.")
    return found[1]
