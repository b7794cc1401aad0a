"""A USB stick: the same repository as files, with a timestamp that holds for three months."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.offer import STICK, WHEELS, Offer
from models.release import sha256_of
from models.rollout import ROLLOUT as ROLLOUT_FILE
from tower_sync_server.archive.files import free_bytes, translated
from tower_sync_server.errors import BadRequestError, DiskFullError, OperatorError
from tower_sync_server.releases import edits
from tower_sync_server.releases.repository import BEGIN
from tower_sync_server.releases.shelf import BROKEN, read_metadata
from tower_sync_server.releases.tuf_words import Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tower_sync_server.releases.repository import Repository
    from tower_sync_server.releases.shelf import Shelf
    from tower_sync_server.releases.state import Published
    from tower_sync_server.releases.tuf_words import Targets

TIMESTAMP = "metadata/timestamp.json"
CONTENTS, PACKAGES, README = "contents.json", "wheels.json", "README.txt"
ROOM = 1_000_000
"""Bytes that are left free."""
TEXT = """This stick holds models for EdgeCase devices, in the folder {name}.

On a device: sudo ./install.sh --update-models        (it finds the stick)
          or edgecase models pull PATH-OF-THE-STICK

The device checks every file with the keys that it was set up with, and takes this until {until}.
"""


@dataclass(frozen=True, slots=True)
class Exported:
    """What is on the stick."""

    folder: Path
    """Of the repository on it."""
    offers: tuple[Offer, ...]
    """Whose files are there."""
    wheels: int
    """How many packages."""
    size: int
    """Bytes of all files."""
    copied: int
    """Bytes that were not there before."""
    until: datetime
    """Devices take it until then."""


def export(repository: Repository, folder: Path, models: Sequence[str] = ()) -> Exported:
    """Write a repository onto a stick; one that is there is brought up to date.

    Args:
        repository: of this tower.
        folder: the stick.
        models: `ID` or `ID@VERSION`; (): the newest version of every model.

    Raises:
        BadRequestError: the folder can't be used.
        NotFoundError: a model isn't offered.
        DiskFullError: there is not enough room.
    """
    if folder.exists() and not folder.is_dir():
        raise BadRequestError(f"{folder} is no folder.", "Give where the stick is mounted.")
    now, stamp = repository.stamp_stick()
    if now.targets is None:
        raise OperatorError("There is no repository to be written on a stick.", BEGIN)
    targets = now.targets.signed
    chosen = _choose(now, targets, models)
    home = folder / STICK
    texts = dict(_texts(now, stamp, chosen, targets, repository.shelf))
    files = dict(_files(now, targets, chosen, repository.shelf))
    with translated():
        home.mkdir(parents=True, exist_ok=True)
        (home / TIMESTAMP).unlink(missing_ok=True)  # until the end it is no repository
        fresh = {path: source for path, source in files.items() if not _same(home / path, source)}
        copied = sum(source.stat().st_size for source in fresh.values())
        _clear(home, {*files, *texts, TIMESTAMP})
        _require_room(home, copied)
        for path, source in fresh.items():
            _write_from(home / path, source)
        for path, data in (*texts.items(), (TIMESTAMP, stamp)):
            _write(home / path, data)
    size = sum(source.stat().st_size for source in files.values())
    wheels = max(0, len(edits.wheel_paths(targets)) - 1)
    return Exported(home, chosen, wheels, size, copied, _until(now, stamp))


def _choose(now: Published, targets: Targets, models: Sequence[str]) -> tuple[Offer, ...]:
    if not models:
        good = [o for o in edits.offers(targets) if not now.held.of(o.id, o.version).blacklisted]
        return tuple({offer.id: offer for offer in reversed(good)}.values())
    found = []
    for model in models:
        id, _, version = model.partition("@")
        found.append(edits.find_offer(targets, id, version or None))
    return tuple({offer.ref: offer for offer in found}.values())


def _texts(
    now: Published, stamp: bytes, chosen: Sequence[Offer], targets: Targets, shelf: Shelf
) -> Iterator[tuple[str, bytes]]:
    """The small files: what people read, and metadata."""
    until = _until(now, stamp)
    listed = [
        {"model": o.id, "version": o.version, "size": o.size, "notes": o.notes} for o in chosen
    ]
    contents = {"until": until.isoformat(), "models": listed}
    yield CONTENTS, json.dumps(contents, indent=1, ensure_ascii=False).encode() + b"\n"
    yield PACKAGES, _packages(targets, shelf)
    yield README, TEXT.format(name=STICK, until=until.date()).encode()
    names = {f"{m.signed.version}.{role}.json" for role, m in _documents(now)}
    for path in sorted(shelf.places.metadata.glob("*.json")):
        if path.name in names or path.name.endswith(".root.json"):
            yield f"metadata/{path.name}", path.read_bytes()


def _packages(targets: Targets, shelf: Shelf) -> bytes:
    """What packages for devices are on the stick; the signed list, where there is one."""
    listed = targets.targets.get(WHEELS)
    if listed is None:
        return b'{"wheels": []}\n'
    return _source(shelf, listed.get_prefixed_paths()[0]).read_bytes()


def _files(
    now: Published, targets: Targets, chosen: Sequence[Offer], shelf: Shelf
) -> Iterator[tuple[str, Path]]:
    """Where each lies on the stick, and where it comes from."""
    wanted = [targets.targets[path] for path in edits.wheel_paths(targets)]
    for offer in chosen:
        wanted.append(targets.targets[offer.manifest])
        wanted += [targets.targets[offer.target(file)] for file in offer.files]
    if now.rollout is not None:
        wanted.append(now.rollout.signed.targets[ROLLOUT_FILE])
    for file in wanted:
        for path in file.get_prefixed_paths():
            yield f"targets/{path}", _source(shelf, path)


def _source(shelf: Shelf, path: str) -> Path:
    found = shelf.find(path)
    if found is None:
        raise OperatorError(f"{path} is missing from the repository.", BROKEN)
    return found


def _documents(now: Published) -> list[tuple[str, Any]]:
    named = (("targets", now.targets), ("rollout", now.rollout), ("snapshot", now.snapshot))
    return [(role, one) for role, one in named if one is not None]


def _until(now: Published, stamp: bytes) -> datetime:
    ends: list[datetime] = [one.signed.expires for _, one in _documents(now)]
    if now.root is not None:
        ends.append(now.root.signed.expires)
    return min(*ends, read_metadata(stamp, Timestamp).signed.expires)


def _same(path: Path, source: Path) -> bool:
    """Whether it is there already: of this size, and with the hash that its name carries."""
    if not path.is_file() or path.stat().st_size != source.stat().st_size:
        return False
    return path.name.startswith(sha256_of(path))


def _clear(home: Path, kept: set[str]) -> None:
    """Remove what an earlier export left and this one doesn't have."""
    for path in sorted(home.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with contextlib.suppress(OSError):
                path.rmdir()  # only where it is empty
        elif path.relative_to(home).as_posix() not in kept:
            path.unlink()


def _require_room(home: Path, needed: int) -> None:
    free = free_bytes(home)
    if free < needed + ROOM:
        message = f"The stick has {free / 1e6:.0f} MB free; {needed / 1e6:.0f} MB are needed."
        raise DiskFullError(message, "Take a larger one, or fewer models: --model ID")


def _write_from(path: Path, source: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    with source.open("rb") as reading, beside.open("wb") as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
        writing.flush()
        os.fsync(writing.fileno())
    beside.replace(path)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as writing:
        writing.write(data)
        writing.flush()
        os.fsync(writing.fileno())
    beside.replace(path)
