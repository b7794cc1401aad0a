"""A message off the transport, read as far as it can be read without looking anything up."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync import receiver, topics
from sync.codec import decode_state, decode_up
from sync.errors import BadNameError, WireError
from sync.messages import Chunk, Reject, RejectCode, State, Up
from tower_sync_server.ingest.letters import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sync.messages import Address, Header

MAX_REV = (1 << 31) - 1
"""What every database can hold."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """Of a comparison; the archive's part reads it."""

    topic: str
    """Where it came."""
    payload: bytes
    """What it says."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message."""

    device: str
    """Of its topic; "" where there is nothing to deal with."""
    said: Up | State | Question | Answer | None
    """What it says, or the answer where it can only be refused; None: nothing that is ours."""


def read(topic: str, payload: bytes) -> Heard:
    """Read a message; whatever it is, it can be dealt with."""
    try:
        if topic.endswith("/digest"):
            return Heard("", Question(topic, payload))
        if topic.endswith("/state"):
            return Heard(topics.parse_state(topic), decode_state(payload))
        return _read_up(topics.parse_up(topic), payload)
    except (BadNameError, WireError) as e:  # of an up message only the topic can be bad
        log.warning("dropped: %s", e)
        return Heard("", None)


def _read_up(where: topics.UpTopic, payload: bytes) -> Heard:
    try:
        message = decode_up(where.case, payload)
    except WireError as e:
        return Heard(where.device, Answer(where.device, receiver.refuse(e, where.case).ack))
    address = message.header.address
    if address.rev > MAX_REV:
        reject = Reject(address, RejectCode.MALFORMED, "rev: too large")
        return Heard(where.device, Answer(where.device, reject))
    return Heard(where.device, message)


def arrived(messages: Iterable[Heard]) -> list[Answer]:
    """What to say at once of the chunks that have come, to those who read `many`."""
    came: dict[tuple[str, Address], tuple[Header, list[int]]] = {}
    for one in messages:
        if isinstance(one.said, Chunk) and one.said.header.many:
            header = one.said.header
            payload = came.setdefault((one.device, header.address), (header, []))
            payload[1].append(one.said.index)
    return [
        Answer(device, receiver.arrived(header, indices), many=True)
        for (device, _), (header, indices) in came.items()
        if max(indices) < header.count
    ]
