"""Python packages for devices that are offline: listed, signed, put on a stick with the models."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from models.offer import WHEELS
from models.release import sha256_of
from tower_sync_server.archive.files import translated
from tower_sync_server.errors import BadRequestError
from tower_sync_server.releases import edits
from tower_sync_server.releases.shelf import write_whole
from tower_sync_server.releases.tuf_words import TargetFile

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.releases.repository import Done, Repository

NAME = re.compile(
    r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.!+]+)(-\d[A-Za-z0-9_.]*)?"
    r"-(?P<python>[a-z0-9_.]+)-(?P<abi>[a-z0-9_.]+)-(?P<platform>[A-Za-z0-9_.]+)\.whl"
)
SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,150}")


def describe(folder: Path) -> list[dict[str, object]]:
    """List the packages of a folder, by name.

    Returns:
        For each: file, name, version, python, abi, platform, sha256, size.

    Raises:
        BadRequestError: there is none, or one has no name of a wheel.
    """
    found = sorted(folder.glob("*.whl"))
    if not found:
        raise BadRequestError(f"There are no wheels in {folder}.", "Give a folder with .whl files.")
    return [_describe(path) for path in found]


def offer_wheels(repository: Repository, folder: Path) -> tuple[Done, list[dict[str, object]]]:
    """Sign the packages of a folder, in the place of those that were signed before.

    Raises:
        BadRequestError: the folder isn't one of wheels.
    """
    wheels = describe(folder)
    text = json.dumps({"wheels": wheels}, indent=1).encode() + b"\n"
    base = WHEELS.rpartition("/")[0]
    shelf = repository.shelf
    with shelf.locked(), translated():
        staging = shelf.places.pending / ".staging-wheels"
        staging.mkdir(parents=True, exist_ok=True)
        files = [TargetFile.from_data(WHEELS, text, ["sha256"])]
        write_whole(staging / "wheels.json", text)
        for wheel in wheels:
            name = str(wheel["file"])
            write_whole(staging / name, (folder / name).read_bytes())
            file = TargetFile.from_file(f"{base}/{name}", str(staging / name), ["sha256"])
            if file.hashes["sha256"] != wheel["sha256"]:
                raise BadRequestError(f"{name} was changed while it was read.", "Try again.")
            files.append(file)
        for file in files:
            shelf.place(staging / file.path.rpartition("/")[2], file.get_prefixed_paths()[0])
        staging.rmdir()
        return repository.change_offers(lambda targets: edits.set_wheels(targets, files)), wheels


def _describe(path: Path) -> dict[str, object]:
    match = NAME.fullmatch(path.name)
    if match is None or not SAFE.fullmatch(path.name):
        raise BadRequestError(f"{path.name} is no name of a wheel.", "Remove it from the folder.")
    with translated():
        size, digest = path.stat().st_size, sha256_of(path)
    return {"file": path.name, **match.groupdict(), "sha256": digest, "size": size}
