"""Sorts the daemon's children into control groups of their own, where systemd hands them over.

    edgecase.service     MemoryMax= and CPUWeight= of the unit hold for all of it
      ├─ daemon          the daemon, and the process of its camera
      ├─ vision          every vision worker
      └─ writer          the language model

What a child takes too much of, it takes from itself: the kernel ends the one that fills its group
and none of its neighbours, and a writer at full load leaves the processor to photos. Niceness
counts within a group alone, so that `CHILDREN` says how the groups stand to each other.

Rules of the kernel (Documentation/admin-guide/cgroup-v2.rst): programs live in the leaves, and
limits are handed down by `cgroup.subtree_control` once the group itself is empty.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from edge.ports import ChildGroups

ROOT = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
DELEGATED = "user.delegate"
"""The mark that systemd puts on a group that it hands over (Delegate=), since version 251."""
WANTED = ("memory", "cpu")
"""Controllers; without `cgroup_enable=memory` a Pi's kernel has the second alone."""
MOVE = 'echo 0 >"$0"; exec "$@"'
"""For sh: move into the group, then become the child, which so never was anywhere else."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Share:
    """What a group of children may take."""

    memory: float
    """Of the whole service's memory, 0..1; what is left is the daemon's."""
    weight: int
    """Of the processor, 1..10000, where several want it; the daemon's is 100."""


CHILDREN: Mapping[str, Share] = MappingProxyType(
    {"vision": Share(0.75, 100), "writer": Share(0.75, 10)}
)


class NoGroups:
    """Implements `edge.ports.ChildGroups` where children stay in the daemon's group."""

    def inside(self, group: str, command: Sequence[str]) -> tuple[str, ...]:
        """The command as it is."""
        return tuple(command)


NO_GROUPS = NoGroups()


class ControlGroups:
    """Implements `edge.ports.ChildGroups` with groups below the service's."""

    def __init__(self, service: Path) -> None:
        """Use the groups of this one, which `open_groups` has made."""
        self._service = service

    def inside(self, group: str, command: Sequence[str]) -> tuple[str, ...]:
        """A command that becomes the child, in that group; the number of the process stays."""
        return ("/bin/sh", "-c", MOVE, str(self._service / group / "cgroup.procs"), *command)


def open_groups(
    root: Path = ROOT, own: Path = OWN, delegated: Callable[[Path], bool] | None = None
) -> ChildGroups:
    """Make the groups and move this process into its own; call it before there is a child.

    Args:
        root: where the control groups (version 2) are mounted.
        own: the file that says which one this process is in.
        delegated: tells whether a group was handed over; None looks for systemd's mark.
    """
    service = group_of(own, root)
    if service is None or not (delegated or is_delegated)(service):
        log.info("children share the daemon's control group: it is not handed over to it")
        return NO_GROUPS
    try:
        reason = _why_not(service)
        if not reason:
            _sort(service)
            return ControlGroups(service)
    except OSError as e:
        reason = str(e)
    log.warning("children share the daemon's control group: %s", reason)
    return NO_GROUPS


def group_of(own: Path, root: Path) -> Path | None:
    """The folder of the control group (version 2) that the file names; None without any."""
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = next((line[3:] for line in lines if line.startswith("0::/")), None)
    folder = None if found is None else root / found.lstrip("/")
    return folder if folder is not None and folder.is_dir() else None


def is_delegated(group: Path) -> bool:
    """Whether systemd hands it over; one that only happens to be writable is somebody else's."""
    try:
        return os.getxattr(group, DELEGATED) == b"1"
    except OSError:
        return False


def limits_of(share: Share, service_max: str, controllers: Collection[str]) -> dict[str, str]:
    """What is to be written into the files of a group of children.

    Args:
        share: of these children.
        service_max: the whole service's `memory.max`: bytes, or "max".
        controllers: that the group has.
    """
    limits = {}
    if "memory" in controllers and service_max != "max":
        limits["memory.max"] = str(int(int(service_max) * share.memory))
    if "cpu" in controllers:
        limits["cpu.weight"] = str(share.weight)
    return limits


def _why_not(service: Path) -> str:
    """What keeps a group that is handed over from being sorted; "" where nothing does."""
    others = set(_read(service, "cgroup.procs").split()) - {str(os.getpid())}
    if others:
        return "it is not alone there"
    return "" if _controllers(service) else "the kernel limits nothing there"


def _controllers(service: Path) -> list[str]:
    there = _read(service, "cgroup.controllers").split()
    return [name for name in WANTED if name in there]


def _sort(service: Path) -> None:
    for name in ("daemon", *CHILDREN):
        (service / name).mkdir(exist_ok=True)
    _write(service / "daemon", "cgroup.procs", "0")
    controllers = _controllers(service)
    _write(service, "cgroup.subtree_control", " ".join(f"+{name}" for name in controllers))
    most = _read(service, "memory.max") if "memory" in controllers else "max"
    for name, share in CHILDREN.items():
        limits = limits_of(share, most, controllers)
        for file, value in limits.items():
            _write(service / name, file, value)
        log.info("control group of the %s: %s", name, limits)


def _read(group: Path, file: str) -> str:
    return (group / file).read_text(encoding="ascii").strip()


def _write(group: Path, file: str, value: str) -> None:
    (group / file).write_text(value, encoding="ascii")
