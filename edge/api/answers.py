"""The shapes of the answers that are not words of `models` themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edge.ports import CameraStatus, ModelInUse, UplinkStatus, VisionStatus, WriterStatus
from edge.updates.status import UpdateStatus
from models.case import Case, Decision, Estimate
from models.detection import Prediction
from models.quality import Quality


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What went wrong."""

    code: str
    """Stable word for programs."""
    message: str
    """For people."""
    hint: str
    """What to do about it, or ""."""


@dataclass(frozen=True, slots=True)
class Error:
    """Every error has this shape."""

    error: ErrorDetail
    """What went wrong."""


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """The verdict on one photo; nothing became a case."""

    status: str
    """ok, uncertain or retake."""
    message: str
    """What to do, or why a person should look; "" when ok."""
    blur_score: float
    """Sharpness, ≥ 0: higher is sharper."""
    quality: Quality
    """Everything that was measured."""
    predictions: tuple[Prediction, ...]
    """Surest first; what is `shown` is for people, the rest only for learning."""
    image_id: str
    """With this the photo becomes a case without being sent again."""
    timings: Mapping[str, float]
    """Step → milliseconds."""
    decision: Decision
    """The same verdict with its reasons, as a case would carry it."""
    summary: str
    """In plain words."""
    models: Mapping[str, str]
    """Role → id@version of what looked."""
    missing: tuple[str, ...] = ()
    """Models that this profile waits for."""
    estimate: Estimate | None = None
    """What it comes to, where the profile has a price table."""


@dataclass(frozen=True, slots=True)
class CaseList:
    """A page of cases."""

    cases: tuple[Case, ...]
    """Newest first."""
    next: str | None
    """Opaque: send it as `next` for the page after this one; null at the end."""


@dataclass(frozen=True, slots=True)
class Detections:
    """What the models see in one image."""

    detections: tuple[Prediction, ...]
    """The detector's boxes, surest first."""
    predictions: tuple[Prediction, ...]
    """The same and what the classifier says of them."""
    width: int
    """Of the upright image, pixels."""
    height: int
    """Of the upright image, pixels."""
    quality: Quality
    """Whether it is usable; nothing is looked for in an image that isn't."""
    models: Mapping[str, str]
    """Role → id@version of what looked."""
    timings: Mapping[str, float]
    """Step → milliseconds."""
    missing: tuple[str, ...] = ()
    """Models that this profile waits for."""


@dataclass(frozen=True, slots=True)
class Disk:
    """Room for more."""

    free_bytes: int
    """Free space of the disk that holds the cases."""
    accepting: bool
    """False: it is full, and nothing more is taken."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the device takes photos, and if not, why."""

    ready: bool
    """True: it does."""
    reason: str
    """Why not, or ""."""
    device: str
    """The device's name."""
    vision: VisionStatus
    """The worker that looks at photos."""
    writer: WriterStatus
    """What writes summaries."""
    camera: CameraStatus
    """The camera; being without one is no fault."""
    disk: Disk
    """Room for more."""
    clock_ok: bool
    """Whether the wall clock is trusted."""
    warnings: tuple[str, ...] = ()
    """What somebody should look at although photos are taken."""
    error: ErrorDetail | None = None
    """The reason again, as every error has it; null when ready."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The daemon is alive."""

    status: str = "ok"
    """Always ok."""
    device: str = ""
    """The device's name."""
    time: datetime | None = None
    """The device's wall time."""


@dataclass(frozen=True, slots=True)
class Models:
    """What runs, and what could."""

    serving: tuple[ModelInUse, ...]
    """What looks at photos now."""
    refused: Mapping[str, str]
    """id@version → why it does not serve."""
    installed: tuple[Mapping[str, Any], ...]
    """Everything on the device: id, version, task, active, …."""
    writer: WriterStatus
    """What writes summaries."""
    profiles: tuple[Mapping[str, Any], ...] = ()
    """The profiles: id, title, form, shots, the models they need, what they wait for."""
    updates: UpdateStatus = UpdateStatus()
    """What the updater is doing."""


@dataclass(frozen=True, slots=True)
class Looking:
    """The release repository is looked at."""

    updates: UpdateStatus
    """What the updater was doing when it was asked; `GET /models` says what follows."""


@dataclass(frozen=True, slots=True)
class Letter:
    """Something that the tower refused for good."""

    case: str
    """Id of its case."""
    rev: int
    """Revision of the case when it was queued."""
    kind: str
    """case, thumb or image."""
    reason: str
    """The tower's code and words."""


@dataclass(frozen=True, slots=True)
class SyncState:
    """What is still only on this device."""

    cases: int
    """Cases of which something is."""
    parcels: int
    """Things to send: cases, thumbnails, photos."""
    bytes: int
    """Of all that, about."""
    dead: int
    """Things the tower refused for good."""
    oldest: datetime | None
    """Since when the oldest of them waits; null where nothing does."""
    link: UplinkStatus | None = None
    """How the way to the tower is."""
    letters: tuple[Letter, ...] = ()
    """What was refused, newest first, at most 20."""
    compared: datetime | None = None
    """When both ends were compared last; null: never."""
    unconfirmed: int = 0
    """Cases that the tower said it holds, and no comparison has confirmed yet: they stay here."""
    lost: int = 0
    """Cases and photos that a comparison found on neither end."""


@dataclass(frozen=True, slots=True)
class Retried:
    """What goes again."""

    parcels: int
    """Things that the tower had refused."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A comparison was asked for."""

    connected: bool
    """False: it begins as soon as there is a link."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in."""

    name: str
    """As the token was named."""
    scopes: tuple[str, ...]
    """What it allows."""


@dataclass(frozen=True, slots=True)
class Paired:
    """A phone that was just paired."""

    id: str
    """What it is revoked by."""
    name: str
    """Whose phone it is."""
    scopes: tuple[str, ...]
    """What it may do."""
    token: str = ""
    """256 bits, shown this once; "" where it went into a cookie."""


@dataclass(frozen=True, slots=True)
class Phone:
    """Somebody who has a token."""

    id: str
    """What it is revoked by."""
    name: str
    """Whose phone it is."""
    scopes: tuple[str, ...]
    """What it may do."""
    created: datetime
    """When it was paired."""
    last_used: datetime | None = None
    """To the hour; null: never."""
    revoked: datetime | None = None
    """Since when it opens nothing any more."""
    own: bool = False
    """True for the one that asks."""


@dataclass(frozen=True, slots=True)
class Phones:
    """Everybody who has, or had, a token."""

    phones: tuple[Phone, ...]
    """Oldest first."""
