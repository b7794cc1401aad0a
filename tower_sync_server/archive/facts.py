"""What the archive has to know of a case to list it; whatever else is in it is kept unread.

So a tower takes the cases of devices that are newer than itself.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.jsonable import require
from tower_sync_server.archive.words import words_of
from tower_sync_server.database.times import to_us

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SEQ = 1 << 53
"""What every JSON reader can hold."""
MAX_LABELS = 100
MAX_DEPTH = 32
"""Of the JSON."""
DOUBTED = "doubted"
"""The flag of a case on whose photo a model that was being tried saw something else."""
ESCAPE = b"\\u"
"""Without it a JSON has no escaped characters, of which half a surrogate pair is one."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one revision of a case."""

    id: str
    """As in the topic."""
    rev: int
    """Its revision."""
    seq: int
    """Its number on the device."""
    status: str
    """Where it stands."""
    profile: str
    """Which profile judged it."""
    created_us: int | None
    """When it was made, microseconds since 1970; None where the device didn't trust its clock."""
    labels: tuple[str, ...]
    """What people are shown of it, each once."""
    words: tuple[str, ...] = ()
    """What it is searched by: words of its labels, its summary and its form."""
    flags: tuple[str, ...] = ()
    """What asks for a person's look beside its status: see `DOUBTED`."""

    def __post_init__(self) -> None:
        """Refuse what couldn't be a case."""
        require(1 <= self.seq <= MAX_SEQ, "seq", f"1 to {MAX_SEQ}", self.seq)
        for name, text, longest in (("status", self.status, 32), ("profile", self.profile, 128)):
            require(0 < len(text) <= longest and _plain(text), name, f"1 to {longest} characters")
        for label in self.labels:
            require(0 < len(label) <= 200 and _plain(label), "label", "1 to 200 characters")
        require(len(self.labels) <= MAX_LABELS, "labels", f"at most {MAX_LABELS}")


def read_facts(payload: bytes) -> Facts:
    """Look into a case.

    Raises:
        ValueError: it isn't one.
    """
    try:
        body = READER.decode(payload.decode(json.detect_encoding(payload), "surrogatepass"))
    except RecursionError as e:
        raise ValueError("nested too deeply") from e
    if not isinstance(body, dict):
        raise ValueError("a case is an object")
    _require_shown(body)
    _require_writable(payload, body)
    labels = shown_labels(body)
    created = datetime.fromisoformat(_take(body, "created", str))
    require(created.tzinfo is not None, "created", "a time with its offset")
    return Facts(
        id=_take(body, "id", str),
        rev=_take(body, "rev", int),
        seq=_take(body, "seq", int),
        status=_take(body, "status", str),
        profile=_take(body, "profile", str),
        created_us=to_us(created) if body.get("clock_ok", True) is True else None,
        labels=labels,
        words=words_of(body, labels),
        flags=(DOUBTED,) if body.get("second_opinions") else (),
    )


def shown_labels(body: Mapping[str, Any]) -> tuple[str, ...]:
    """What people are shown of a case, each once.

    Raises:
        ValueError: a label is no text.
    """
    predictions = _take(body, "predictions", list)
    shown = [p for p in predictions if isinstance(p, dict) and p.get("shown", True) is True]
    return tuple(dict.fromkeys(_take(p, "label", str) for p in shown))


def _take(body: Mapping[str, Any], name: str, kind: type) -> Any:
    value = body.get(name)
    require(type(value) is kind, name, kind.__name__)
    return value


def _require_shown(body: dict[str, Any]) -> None:
    """Refuse what could be kept and never be shown: it would spoil every list that it is in."""
    for image in _take(body, "images", list):
        require(isinstance(image, dict), "images", "objects")
        _take(image, "sha256", str)
    require(_shallow(body, MAX_DEPTH), "case", f"at most {MAX_DEPTH} levels")


def _require_writable(payload: bytes, body: dict[str, Any]) -> None:
    """Refuse half a character, which JSON can say and which can't be written again."""
    if ESCAPE not in payload:
        return
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as e:
        raise ValueError("half of a surrogate pair") from e


def _shallow(value: Any, levels: int) -> bool:
    """Whether nothing in it lies deeper than so many levels; one after the other, for speed."""
    level = [value]
    for _ in range(levels):
        deeper: list[Any] = []
        for one in level:
            inside = one.values() if type(one) is dict else one
            deeper += [v for v in inside if type(v) is dict or type(v) is list]
        if not deeper:
            return True
        level = deeper
    return False


def _plain(text: str) -> bool:
    """Whether every database can keep it: no control characters, no half of a surrogate pair."""
    if text.isascii():
        return text.isprintable() or min(text) >= " "
    return all(ord(c) >= 32 and not 0xD800 <= ord(c) < 0xE000 for c in text)


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    require(math.isfinite(number), "number", "one that a computer can hold")
    return number


READER = json.JSONDecoder(parse_float=_finite, parse_constant=_no_constant)
"""Made once: making one takes longer than reading a case with it."""
