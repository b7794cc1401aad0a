"""What the daemon and the writer say to each other: one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from models.jsonable import InvalidWordError, from_json, to_json

T = TypeVar("T")

MAX_LINE = 256 * 1024
"""Bytes of one message."""


@dataclass(frozen=True, slots=True)
class Task:
    """Daemon → writer: answer this chat."""

    messages: tuple[Mapping[str, str], ...]
    """Role and content of each turn."""
    grammar: str
    """GBNF that the answer obeys."""
    max_tokens: int
    """After which it is cut off."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Writer → daemon: the model is loaded, or can't be."""

    notes: tuple[str, ...] = ()
    """Which locks the system did not permit."""
    problem: str = ""
    """Why it can't be loaded; empty where it is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Writer → daemon: what the model said, or why it said nothing."""

    text: str = ""
    """As it came."""
    problem: str = ""
    """Empty where there is a text."""


def encode(message: Task | Ready | Answer) -> bytes:
    """One line of JSON, ASCII, with its line feed."""
    return json.dumps(to_json(message)).encode("ascii") + b"\n"


def decode(kind: type[T], line: bytes) -> T:
    """Read one line.

    Raises:
        InvalidWordError: it isn't this kind of message.
    """
    try:
        data: Any = json.loads(line)
    except (ValueError, RecursionError) as e:
        raise InvalidWordError(f"no message: {e}") from e
    return from_json(kind, data)
