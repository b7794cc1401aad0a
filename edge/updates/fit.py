"""Which of what is on offer this device takes, and why not the others. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.offer import SCHEMA, DeviceClass, Offer, Ring, least_met
from models.rollout import is_offered
from models.semver import precedence

if TYPE_CHECKING:
    from edge.updates.look import Catalogue


@dataclass(frozen=True, slots=True)
class Device:
    """What a device is, as far as an offer asks."""

    ring: Ring
    """The ring it is in."""
    device_class: DeviceClass | None
    """Which machine; None: it can't tell, and takes what is for every class."""
    runtimes: Mapping[str, str]
    """Runtime → its version here: `onnxruntime`, `litert`, `llama.cpp`."""
    memory_mb: int
    """Of the machine."""
    wanted: frozenset[str]
    """Ids of the models that profiles ask for, and of the writer."""
    profiles: frozenset[str]
    """Ids of the profiles that are here."""
    installed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Model → versions on the device."""
    active: Mapping[str, str] = field(default_factory=dict)
    """Model → the version that serves."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """id@version → why it must not come back: it failed here before."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of the offers."""

    take: tuple[Offer, ...]
    """To be fetched and tried: of each model the newest that fits."""
    leave: Mapping[str, str]
    """id@version → why not. Versions older than what serves are passed over in silence."""
    open: frozenset[str]
    """id@version of all that fits and is newer than what serves: their trials may go on."""
    banned: tuple[str, ...]
    """id@version of what serves here and must not any more."""


def choose(catalogue: Catalogue, device: Device) -> Choice:
    """Decide what to take.

    Args:
        catalogue: what is on offer.
        device: for whom.
    """
    leave: dict[str, str] = {}
    best: dict[str, Offer] = {}
    still: set[str] = set()
    for offer in sorted(catalogue.offers, key=lambda o: precedence(o.version)):
        if offer.id not in device.wanted or not _is_newer(offer, device):
            continue
        why = why_not(offer, catalogue, device)
        if why:
            leave[offer.ref] = why
        else:
            best[offer.id] = offer
            still.add(offer.ref)
    banned = tuple(
        f"{id}@{version}"
        for id, version in device.active.items()
        if catalogue.rollout.of(id, version).blacklisted
    )
    return Choice(tuple(best[id] for id in sorted(best)), leave, frozenset(still), banned)


def why_not(offer: Offer, catalogue: Catalogue, device: Device) -> str:
    """Why this device doesn't take an offer; "" where it does."""
    if not is_offered(offer, catalogue.rollout, device.ring):
        said = catalogue.rollout.of(offer.id, offer.version).reason or catalogue.rollout.reason
        return f"not open to ring {device.ring}" + (f": {said}" if said else "")
    return device.refused.get(offer.ref) or _unfit(offer, device)


def _unfit(offer: Offer, device: Device) -> str:
    if offer.minimum_schema > SCHEMA:
        return f"needs EdgeCase with schema {offer.minimum_schema}, this is {SCHEMA}"
    if offer.profiles and not device.profiles & set(offer.profiles):
        return f"for the profiles {', '.join(offer.profiles)}, none of which is here"
    if not _runs_on(offer, device.device_class):
        return f"for {', '.join(offer.classes)}, this is {device.device_class or 'unknown'}"
    if offer.memory_mb > device.memory_mb:
        return f"needs {offer.memory_mb} MB of memory, {device.memory_mb} MB are here"
    lacking = (_lacking(runtime, least, device) for runtime, least in offer.requires.items())
    return next(filter(None, lacking), "")


def _lacking(runtime: str, least: str, device: Device) -> str:
    here = device.runtimes.get(runtime)
    if here is None:
        return f"needs {runtime}, which is not installed"
    return "" if least_met(here, least) else f"needs {runtime} {least}, {here} is installed"


def _runs_on(offer: Offer, device: DeviceClass | None) -> bool:
    return set(offer.classes) == set(DeviceClass) if device is None else device in offer.classes


def _is_newer(offer: Offer, device: Device) -> bool:
    now = device.active.get(offer.id)
    if now is None:
        return True
    return precedence(offer.version) > precedence(now)
