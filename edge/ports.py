"""What the device's core needs from the outside, as Protocols; `edge/adapters/` has them.

"Off" and "none" are implementations of these too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from models.case import FormValue
from models.detection import Doubt, Prediction
from models.quality import Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.case import Summary
    from models.facts import Facts


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that is safe to store: whole, checked, without anything of EXIF that isn't ours."""

    data: bytes
    """JPEG, PNG or WebP; the original's pixels untouched where its format is one of these."""
    sha256: str
    """Of `data`."""
    media_type: str
    """image/jpeg, image/png or image/webp."""
    width: int
    """Upright, pixels."""
    height: int
    """Upright, pixels."""
    thumbnail: bytes
    """JPEG, at most 320 pixels on its longer side."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the vision worker found out about one photo; JSON both ways."""

    quality: Quality
    """Whether it is usable."""
    predictions: tuple[Prediction, ...]
    """Everything above the profile's `keep`, surest first; empty for an unusable photo."""
    models: Mapping[str, str]
    """Role (`detector`, `classifier`) → id@version of what looked."""
    timings: Mapping[str, float]
    """Step → milliseconds: decode, quality, detect, classify, store, total; and `cpu`, the
    processor time of the whole, which doesn't grow with what else the machine does."""
    out_of_domain: bool = False
    """True where the classifier's energy score says it never learned such a thing."""
    missing: tuple[str, ...] = ()
    """Ids of models the profile waits for; then nothing was detected or classified."""
    doubts: tuple[Doubt, ...] = ()
    """Where the classifier can't settle for one label."""


@dataclass(frozen=True, slots=True)
class ModelInUse:
    """One model that is serving."""

    role: str
    """detector or classifier."""
    profile: str
    """For which profile."""
    ref: str
    """id@version."""
    backend: str
    """Library and version."""
    threads: int
    """Chosen by measuring."""
    median_ms: float
    """Of one inference, measured at activation."""
    p95_ms: float
    """The same, 95th percentile."""


@dataclass(frozen=True, slots=True)
class VisionStatus:
    """How the vision worker is."""

    ready: bool
    """True when it takes photos."""
    reason: str
    """Why not, or ""."""
    pid: int | None
    """Of the serving child."""
    restarts: int
    """Since the daemon started."""
    jobs: int
    """Done since the daemon started."""
    models: tuple[ModelInUse, ...] = ()
    """What is serving."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """id@version → why it was not taken."""
    waiting: int = 0
    """Photos that wait for their turn now."""
    notes: tuple[str, ...] = ()
    """What of its confinement the system did not permit, for the operator."""


class Vision(Protocol):
    """Looks at photos. Nothing a photo or a model does can take the caller down."""

    async def inspect(self, photo: bytes, profile: str) -> tuple[Inspection, Photo]:
        """Decode, judge, detect and classify one photo.

        Raises:
            BadImageError, ImageTooLargeError: it can't be read.
            VisionBusyError: too many are waiting.
            VisionFailedError: the worker crashed or overran the deadline, twice.
        """
        ...

    async def annotate(self, photo: bytes, predictions: tuple[Prediction, ...]) -> bytes:
        """Draw the shown predictions; JPEG, at most 1600 pixels on its longer side."""
        ...

    async def reload(self) -> VisionStatus:
        """Start a new worker with what is active now, try it, then move the traffic.

        Raises:
            RefusedModelFileError: it failed its trial; the old worker keeps serving.
        """
        ...

    def status(self) -> VisionStatus:
        """How it is, without asking the child."""
        ...


@dataclass(frozen=True, slots=True)
class WriterStatus:
    """How the writer is."""

    engine: str
    """`template`, `llama-cpp-python` or `xllamacpp`."""
    model: str
    """id@version, or ""."""
    reason: str
    """Why this engine."""
    written: int = 0
    """Texts of this model that could be used, since the daemon's start."""
    lost: int = 0
    """Texts of this model in whose place the template's stayed."""


class Writer(Protocol):
    """Turns facts into verified words."""

    async def write(self, facts: Facts) -> Summary:
        """Write the summary; falls back to the template, never raises for what a model did."""
        ...

    def status(self) -> WriterStatus:
        """Which engine runs and why."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One photo from a camera."""

    data: bytes
    """JPEG (or whatever the watched folder held)."""
    taken: datetime
    """When, with its offset."""
    metadata: Mapping[str, FormValue] = field(default_factory=dict)
    """lux, exposure_us, focus_measure, …: what the camera said."""
    profile: str = ""
    """The profile this source is for; "" is the default one."""
    key: str = ""
    """Idempotency key: the same photo has the same one after a restart; "" where each is new."""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How a camera is."""

    name: str
    """Which adapter and device."""
    ready: bool
    """True when frames come."""
    reason: str
    """Why not, or ""."""
    frame_age_s: float | None
    """Seconds since the last frame; None before the first."""
    reopened: int
    """How often it stalled and was opened again."""


class Camera(Protocol):
    """Gives frames. Its methods block; the capture loop calls them in a thread."""

    @property
    def name(self) -> str:
        """Which adapter and device."""
        ...

    def open(self) -> None:
        """Start the camera.

        Raises:
            CameraError: there is none, or it is taken.
        """
        ...

    def glance(self) -> bytes | None:
        """A small greyscale frame, 160 x 120 bytes, for motion; None where there is none."""
        ...

    def capture(self) -> Frame:
        """Take one photo.

        Raises:
            CameraError: it stalled; it is closed and opened again.
            NotFoundError: there is no camera, or nothing waits in its folder.
        """
        ...

    def settle(self, frame: Frame, problem: str) -> None:
        """Hear what became of a frame: durable (`problem` is "") or refused; never raises."""
        ...

    def close(self) -> None:
        """Stop it; never raises. May be called while another method still blocks, and ends that."""
        ...


class Trigger(Protocol):
    """Says when to take a photo."""

    @property
    def name(self) -> str:
        """For people: `every 60 s`, `motion`, …."""
        ...

    async def wait(self, glance: Callable[[], Awaitable[bytes | None]]) -> None:
        """Return when a photo is due.

        Args:
            glance: gives the camera's `glance()`; None also while the camera is down.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds (a pin); never raises."""
        ...


@dataclass(frozen=True, slots=True)
class UplinkStatus:
    """How the way to the tower is."""

    connected: bool
    """Whether its broker is there."""
    silent: bool
    """Whether the tower has stopped answering."""
    reason: str
    """Why there is no link, or what was refused last; "" where all is well."""
    wanted: bool = True
    """Whether a tower is set."""


class Link(Protocol):
    """The way to the tower."""

    def status(self) -> UplinkStatus:
        """How it is."""
        ...

    def compare(self) -> None:
        """Compare what is here with what the tower holds, as soon as there is a link."""
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Wall time with its offset."""
        ...

    def monotonic(self) -> float:
        """Seconds since boot."""
        ...

    def trusted(self) -> bool:
        """False while the wall clock can't be right: before the build, or before what we stored."""
        ...

    def passed(self) -> datetime | None:
        """None while the wall clock can be right, otherwise a moment that has surely passed."""
        ...


class ChildGroups(Protocol):
    """Holds the daemon's children apart, so that none takes memory or processor from the others."""

    def inside(self, group: str, command: Sequence[str]) -> tuple[str, ...]:
        """The command that starts a child of this group (`vision`, `writer`) in the place of it."""
        ...
