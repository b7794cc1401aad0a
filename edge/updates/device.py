"""What this machine can run, as the offers of a release repository ask."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from edge.adapters.clock import SystemClock
from edge.updates.fit import Device
from edge.updates.outcomes import Outcomes
from edge.updates.pull import Puller
from edge.updates.trusted import TrustedMetadata
from models.offer import DeviceClass, Ring
from models.release import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.config import Settings
    from edge.library.library import ModelLibrary
    from models.profile import Profile

MEGABYTE = 1_000_000
PACKAGES = {
    "onnxruntime": ("onnxruntime",),
    "litert": ("ai-edge-litert", "tflite-runtime"),
    "llama.cpp": ("xllamacpp", "llama-cpp-python"),
}
"""Runtime → packages that bring it, the preferred one first."""
TREE = Path("/proc/device-tree/model")
"""A Pi says here which one it is."""


def device_of(
    library: ModelLibrary,
    profiles: Mapping[str, Profile],
    ring: Ring,
    refused: Mapping[str, str],
) -> Device:
    """Look at this device.

    Args:
        library: its models.
        profiles: its profiles.
        ring: which it is in.
        refused: id@version → why it must not come back.
    """
    models = library.list()
    writers = {m.release.id for m in models if m.release.task is Task.WRITE}
    installed: dict[str, tuple[str, ...]] = {}
    for model in models:
        release = model.release
        installed[release.id] = (*installed.get(release.id, ()), release.version)
    return Device(
        ring=ring,
        device_class=class_here(),
        runtimes=runtimes(),
        memory_mb=memory_mb(),
        wanted=frozenset({id for p in profiles.values() for id in p.model_ids} | writers),
        profiles=frozenset(profiles),
        installed=installed,
        active={m.release.id: m.release.version for m in models if m.active},
        refused=refused,
    )


def puller_of(settings: Settings, library: ModelLibrary, profiles: Mapping[str, Profile]) -> Puller:
    """What brings released models onto the device of these settings."""
    data_dir, ring = settings.store.data_dir, Ring(settings.updates.ring)
    models = data_dir / "models"
    outcomes, clock = Outcomes(models), SystemClock()
    return Puller(
        library,
        models,
        TrustedMetadata(data_dir),
        outcomes,
        lambda: device_of(library, profiles, ring, outcomes.failed()),
        lambda: clock.passed() or clock.now(),
        int(settings.store.min_free_mb * MEGABYTE),
    )


def class_here() -> DeviceClass | None:
    """The class of this machine; None where it is none of them."""
    return class_of(platform.machine(), _text(TREE))


def class_of(machine: str, model: str) -> DeviceClass | None:
    """Tell the class of a machine; None where it is none of them.

    Args:
        machine: as `uname -m` has it.
        model: what the device tree says, "" without one.
    """
    if machine in ("x86_64", "AMD64"):
        return DeviceClass.X86
    if "Raspberry Pi 4" in model or "Compute Module 4" in model:
        return DeviceClass.PI4
    if "Raspberry Pi 5" in model or "Compute Module 5" in model:
        return DeviceClass.PI5
    return None


def runtimes() -> dict[str, str]:
    """Runtime → its version, of those that are installed."""
    found = {name: _version(packages) for name, packages in PACKAGES.items()}
    return {name: version for name, version in found.items() if version}


def memory_mb() -> int:
    """Of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000


def _version(packages: Iterable[str]) -> str:
    for package in packages:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_bytes().rstrip(b"\0").decode(errors="replace")
    except OSError:
        return ""
