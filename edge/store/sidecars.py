"""Every case again as a file of its own, from which a lost database is rebuilt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from models.case import Case, Status
from models.jsonable import InvalidWordError, from_json, require, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.store.layout import Layout

VERSION = 1


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One case and what the store knows of it besides."""

    case: Case
    """At its latest revision; `sync` is as it was then."""
    deleted: datetime | None = None
    """When it was deleted, where it is."""
    restore_to: Status | None = None
    """The status it had before that."""
    version: int = VERSION
    """Of this format."""

    def __post_init__(self) -> None:
        """A deleted case knows since when, and what it was."""
        require(self.version == VERSION, "version", f"{VERSION}", self.version)
        deleted = self.case.status is Status.DELETED
        whole = deleted == (self.deleted is not None) == (self.restore_to is not None)
        require(whole, "deleted, restore_to", "both where the case is deleted, else neither")


@dataclass(frozen=True, slots=True)
class Found:
    """One file among the sidecars."""

    path: Path
    """Where."""
    sidecar: Sidecar | None
    """What it holds; None where it can't be read."""
    problem: str = ""
    """Why not."""


def encode(sidecar: Sidecar) -> bytes:
    """The file's content: JSON, UTF-8, one line."""
    return json.dumps(to_json(sidecar), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read(path: Path) -> Found:
    """Read one sidecar; one that can't be read says why."""
    try:
        return Found(path, from_json(Sidecar, json.loads(path.read_bytes()), path.name))
    except (OSError, ValueError, RecursionError) as e:
        reason = e if isinstance(e, InvalidWordError) else f"{path.name}: {e}"
        return Found(path, None, str(reason))


def read_all(layout: Layout) -> Iterator[Found]:
    """Read every sidecar, month by month."""
    for path in paths(layout):
        yield read(path)


def paths(layout: Layout) -> Iterator[Path]:
    """The path of every sidecar, month by month."""
    for month in months(layout):
        yield from sorted(month.glob("*.json"))


def months(layout: Layout) -> list[Path]:
    """The folders of sidecars, oldest first."""
    if not layout.sidecars.is_dir():
        return []
    return sorted(path for path in layout.sidecars.iterdir() if path.is_dir())
