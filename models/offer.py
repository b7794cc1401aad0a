"""What the release repository says of one version of one model, signed with it.

Every file of a model's folder is a TUF target `MODEL/VERSION/FILE`; the target
`MODEL/VERSION/model.toml` carries the offer in its `custom`, under `edgecase`. An offer is signed
by people's keys; what the tower may do with it by itself is in `models.rollout`.

Signed JSON knows no fractions, so every number here is a whole one.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from models.jsonable import InvalidWordError, from_json, require, to_json
from models.release import MANIFEST, File, Format, ModelRelease, Task

CUSTOM = "edgecase"
"""Under which name the offer lies in a target's `custom`."""
SCHEMA = 1
"""Which manifests, models and offers this program understands. It goes up with each change that a
program which doesn't know it must not overlook."""
WHEELS = "wheels/wheels.json"
"""The target that lists Python packages for devices: `wheels`, each with file, name, version,
python, abi, platform, sha256, size; each is itself a target, `wheels/FILE`."""
STICK = "edgecase-releases"
"""The folder on a USB stick that holds `metadata/` and `targets/`, as over HTTP."""
MAX_FILES = 256
MAX_NOTES = 2000
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}(-[0-9A-Za-z][0-9A-Za-z.-]{0,40})?")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}){0,7}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class NewerSchemaError(InvalidWordError):
    """The offer is for a program that is newer than this one."""


class DeviceClass(StrEnum):
    """Machines that differ in what they can run."""

    PI4 = "pi4"
    """Cortex-A72: no dot-product instructions."""
    PI5 = "pi5"
    """Cortex-A76."""
    X86 = "x86"
    """Anything with x86-64."""


class Ring(StrEnum):
    """Who tries a version first: each device is in one ring, and the next one opens when this one
    had no trouble."""

    CANARY = "canary"
    """The few that go first."""
    EARLY = "early"
    """Some more."""
    ALL = "all"
    """Everybody else."""

    @property
    def rank(self) -> int:
        """0 for the ring that is first."""
        return _RINGS.index(self)

    def reaches(self, device: Ring) -> bool:
        """Whether what is open to this ring is open to a device of that one."""
        return device.rank <= self.rank

    @property
    def wider(self) -> Ring:
        """The ring that opens after this one; the last one stays."""
        return _RINGS[min(self.rank + 1, len(_RINGS) - 1)]

    def narrower_of(self, other: Ring) -> Ring:
        """The one of the two that reaches fewer."""
        return min(self, other, key=lambda ring: ring.rank)


_RINGS = (Ring.CANARY, Ring.EARLY, Ring.ALL)


@dataclass(frozen=True, slots=True)
class Offer:
    """One version of one model, and for whom it is."""

    id: str
    """Of the model, as in its manifest."""
    version: str
    """Semantic version, without a +build: two of those would have the same rank."""
    task: Task
    """What it does."""
    format: Format
    """Which runner loads it."""
    files: tuple[File, ...]
    """Everything but the manifest: path, SHA-256, size. A file that the device has already, under
    whatever name, need not be fetched. Each is also a target, which must say the same."""
    size: int
    """Bytes of the whole folder, with the manifest."""
    ring: Ring
    """The widest that people's keys allow; what is open now may be narrower."""
    released: datetime
    """When it was added."""
    profiles: tuple[str, ...] = ()
    """Ids of the profiles it is for; (): for every profile that asks for a model of this id."""
    requires: Mapping[str, str] = field(default_factory=dict)
    """Runtime → least version, "" for any: `onnxruntime`, `litert`, `llama.cpp`."""
    classes: tuple[DeviceClass, ...] = tuple(DeviceClass)
    """Machines that it runs on."""
    memory_mb: int = 0
    """Memory that it needs to work, megabytes; 0: not said."""
    replaces: str = ""
    """The version of the same model that it is meant to follow; "" for none."""
    minimum_schema: int = 1
    """A device whose `SCHEMA` is lower leaves it alone."""
    notes: str = ""
    """What is new, for people; one paragraph."""

    def __post_init__(self) -> None:
        """Refuse what can't be offered, and names that aren't safe as paths anywhere."""
        require(bool(_ID.fullmatch(self.id)), "id", "lower-case letters, digits, . _ -", self.id)
        ok = bool(_VERSION.fullmatch(self.version))
        require(ok, "version", "a semantic version without +build", self.version)
        _check_files(self.files)
        total = sum(file.size for file in self.files)
        require(total < self.size < 1 << 53, "size", f"above {total} bytes", self.size)
        require(self.released.tzinfo is not None, "released", "a time with its offset")
        _check_each("profiles", self.profiles)
        _check_each("requires", tuple(self.requires))
        require(bool(self.classes), "classes", f"some of {[c.value for c in DeviceClass]}")
        require(len(set(self.classes)) == len(self.classes), "classes", "each once")
        require(0 <= self.memory_mb < 1 << 20, "memory_mb", "megabytes", self.memory_mb)
        ok = self.replaces == "" or bool(_VERSION.fullmatch(self.replaces))
        require(ok, "replaces", "a version", self.replaces)
        require(self.minimum_schema >= 1, "minimum_schema", "1 or more", self.minimum_schema)
        readable = self.notes.isprintable() and len(self.notes) <= MAX_NOTES
        require(readable, "notes", f"a paragraph of at most {MAX_NOTES} characters")

    @property
    def ref(self) -> str:
        """id@version, as cases carry it."""
        return f"{self.id}@{self.version}"

    @property
    def manifest(self) -> str:
        """Path of the target that carries this offer."""
        return target_path(self.id, self.version, MANIFEST)

    def target(self, file: File) -> str:
        """Path of the target that holds one of its files."""
        return target_path(self.id, self.version, file.path)


def offer_of(release: ModelRelease, manifest_size: int, ring: Ring, released: datetime) -> Offer:
    """Make the offer of a model as its own manifest tells it; see `dataclasses.replace` for more.

    Args:
        release: the manifest.
        manifest_size: of `model.toml`, bytes.
        ring: the widest that is allowed.
        released: now.

    Raises:
        InvalidWordError: it can't be offered under these names.
    """
    return Offer(
        id=release.id,
        version=release.version,
        task=release.task,
        format=release.format,
        files=release.files,
        size=manifest_size + sum(file.size for file in release.files),
        ring=ring,
        released=released,
        requires=release.requires,
    )


def target_path(id: str, version: str, file: str) -> str:
    """Path of the target that holds this file of this version."""
    return f"{id}/{version}/{file}"


def to_custom(offer: Offer) -> dict[str, Any]:
    """What the target of the manifest carries in `custom`."""
    return {CUSTOM: to_json(offer)}


def from_custom(path: str, custom: object) -> Offer:
    """Read the offer that a signed target carries.

    Fields that this program doesn't know are passed over: one that must not be comes with a higher
    `minimum_schema`.

    Args:
        path: of the target.
        custom: of the target.

    Raises:
        NewerSchemaError: it is for a newer program.
        InvalidWordError: it carries none, or that of another model.
    """
    said = custom.get(CUSTOM) if isinstance(custom, Mapping) else None
    if not isinstance(said, Mapping):
        raise InvalidWordError(f"{path}: expected an offer in custom.{CUSTOM}")
    least = said.get("minimum_schema", 1)
    if type(least) is int and least > SCHEMA:
        raise NewerSchemaError(f"{path}: needs a program of schema {least}, this is {SCHEMA}")
    known = {f.name for f in dataclasses.fields(Offer)}
    offer = from_json(Offer, {k: v for k, v in said.items() if k in known}, path)
    require(offer.manifest == path, path, f"the offer of {offer.manifest}")
    return offer


def is_offer(path: str) -> bool:
    """Whether the target of this path should carry an offer."""
    parts = path.split("/")
    return len(parts) == 3 and parts[2] == MANIFEST


def least_met(have: str, least: str) -> bool:
    """Whether a runtime of version `have` is at least `least`: 1.31.1 ≥ 1.22, b4100 ≥ b4000."""
    return _numbers(have) >= _numbers(least)


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(n) for n in re.findall(r"\d+", version.partition("+")[0])]
    while numbers and not numbers[-1]:
        numbers.pop()  # 1.22 and 1.22.0 are the same
    return tuple(numbers)


def _check_files(files: tuple[File, ...]) -> None:
    require(1 <= len(files) <= MAX_FILES, "files", f"1 to {MAX_FILES}", len(files))
    for file in files:
        ok = bool(_FILE.fullmatch(file.path))
        require(ok, "files", "paths of letters, digits, . _ - only, no sign first", file.path)
        require(file.path.lower() != MANIFEST, "files", "the manifest isn't one of them")
    # Case doesn't count on a stick.
    names = {file.path.lower() for file in files}
    require(len(names) == len(files), "files", "each path once")
    folders = {
        "/".join(name.split("/")[:n]) for name in names for n in range(1, name.count("/") + 1)
    }
    require(not names & folders, "files", "no path both a file and a folder")


def _check_each(field: str, names: tuple[str, ...]) -> None:
    for name in names:
        require(bool(_NAME.fullmatch(name)), field, "letters, digits, . _ -", name)
    require(len(set(names)) == len(names), field, "each once", names)
