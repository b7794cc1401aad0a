"""How far a release may go now: what the tower may say by itself, and what devices say of it.

The tower's own key signs one target, `rollout.json`, and nothing else. All that it can do is to
take away from what people's keys allowed (`Offer.ring`): hold a version at a ring, pause it,
blacklist it. So whoever takes the tower can stop releases and can never ship one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from models.jsonable import InvalidWordError, from_json, require, to_json
from models.offer import DeviceClass, Offer, Ring

ROLLOUT = "rollout.json"
"""The target that holds the `Rollout`, signed by the delegated role `rollout`."""
REPORT = "releases"
"""Under which name a device's `DeviceReport` travels in the `extra` of its `sync` state."""
MAX_REASON = 300
MAX_OUTCOMES = 32


@dataclass(frozen=True, slots=True)
class Restraint:
    """What holds one version back."""

    id: str
    """Of the model."""
    version: str
    """Which one."""
    hold: Ring = Ring.ALL
    """Open to this ring and those before it, and no further."""
    paused: bool = False
    """Nobody begins with it; who has it keeps it."""
    blacklisted: bool = False
    """Nobody begins with it, and who runs it goes back to the version before."""
    reason: str = ""
    """For people."""

    def __post_init__(self) -> None:
        """Refuse a reason that is a novel."""
        require(bool(self.id) and bool(self.version), "id, version", "a model's")
        require(len(self.reason) <= MAX_REASON, "reason", f"at most {MAX_REASON} characters")


@dataclass(frozen=True, slots=True)
class Rollout:
    """The content of `rollout.json`.

    A device that can't read it takes nothing new: something may be held back that it can't see.
    """

    restraints: tuple[Restraint, ...] = ()
    """A version that isn't here is open as far as people's keys allow."""
    paused: bool = False
    """Nobody begins with anything."""
    reason: str = ""
    """Why, for people."""

    def __post_init__(self) -> None:
        """Refuse to say two things of one version."""
        keys = {(r.id, r.version) for r in self.restraints}
        require(len(keys) == len(self.restraints), "restraints", "each version once")
        require(len(self.reason) <= MAX_REASON, "reason", f"at most {MAX_REASON} characters")

    def of(self, id: str, version: str) -> Restraint:
        """What is said of a version."""
        found = (r for r in self.restraints if (r.id, r.version) == (id, version))
        return next(found, Restraint(id, version))

    def saying(self, restraint: Restraint) -> Rollout:
        """The same, with this in the place of what it said of that version."""
        key = (restraint.id, restraint.version)
        others = tuple(r for r in self.restraints if (r.id, r.version) != key)
        needed = restraint != Restraint(*key)
        mine = (restraint,) if needed else ()
        return Rollout((*others, *mine), self.paused, self.reason)


def open_to(offer: Offer, rollout: Rollout) -> Ring | None:
    """The widest ring that may begin with a version now; None: nobody may."""
    restraint = rollout.of(offer.id, offer.version)
    if rollout.paused or restraint.paused or restraint.blacklisted:
        return None
    return offer.ring.narrower_of(restraint.hold)


def is_offered(offer: Offer, rollout: Rollout, ring: Ring) -> bool:
    """Whether a device of this ring may begin with it now."""
    widest = open_to(offer, rollout)
    return widest is not None and widest.reaches(ring)


def encode_rollout(rollout: Rollout) -> bytes:
    """The bytes of `rollout.json`; the same rollout has always the same bytes."""
    return json.dumps(to_json(rollout), sort_keys=True, indent=1).encode()


def decode_rollout(data: bytes) -> Rollout:
    """Read `rollout.json`.

    Raises:
        InvalidWordError: it is none, or one of a newer program.
    """
    try:
        said = json.loads(data)
    except ValueError as e:
        raise InvalidWordError(f"{ROLLOUT}: {e}") from e
    return from_json(Rollout, said, ROLLOUT)


class Result(StrEnum):
    """What became of a version on a device; the last one stands."""

    UNFIT = "unfit"
    """This machine can't run it: class, runtime, memory. Says nothing about the version."""
    REFUSED = "refused"
    """It can't be loaded, or failed on its golden images."""
    TRYING = "trying"
    """It runs in the shadow of the one that serves."""
    WAITING = "waiting"
    """Its trial is over, and it waits for a person's word."""
    WORSE = "worse"
    """In the shadow it was worse or slower than the one that serves."""
    ACTIVATED = "activated"
    """It serves, on probation."""
    PROVED = "proved"
    """It serves, and its probation is over."""
    ROLLED_BACK = "rolled_back"
    """It served and was taken back: crashes, latency, golden images, agreement."""

    @property
    def is_failure(self) -> bool:
        """Whether it speaks against the version."""
        return self in (Result.REFUSED, Result.WORSE, Result.ROLLED_BACK)

    @property
    def is_success(self) -> bool:
        """Whether it speaks for the version."""
        return self is Result.PROVED


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a device says of one version."""

    id: str
    """Of the model."""
    version: str
    """Which one."""
    result: Result
    """What became of it."""
    reason: str = ""
    """Why, for people; "" where all is well."""

    def __post_init__(self) -> None:
        """Refuse a reason that is a novel."""
        require(0 < len(self.id) <= 64 and 0 < len(self.version) <= 80, "id, version", "a model's")
        require(len(self.reason) <= MAX_REASON, "reason", f"at most {MAX_REASON} characters")


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What a device says about releases, in its state."""

    ring: Ring = Ring.ALL
    """The ring that it is in."""
    device_class: DeviceClass | None = None
    """Which machine it is; None: it can't tell."""
    outcomes: tuple[Outcome, ...] = ()
    """Of each version the last, the latest first."""

    def __post_init__(self) -> None:
        """Refuse to say two things of one version."""
        keys = {(o.id, o.version) for o in self.outcomes}
        require(len(keys) == len(self.outcomes), "outcomes", "each version once")
        most = len(self.outcomes) <= MAX_OUTCOMES
        require(most, "outcomes", f"at most {MAX_OUTCOMES}", len(self.outcomes))

    def of(self, id: str, version: str) -> Outcome | None:
        """What it says of a version."""
        found = (o for o in self.outcomes if (o.id, o.version) == (id, version))
        return next(found, None)
