"""What the handlers need: a few Protocols, and the parts that keep them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from edge.config import HttpSettings
from edge.errors import ConfigError
from edge.events import Events
from edge.lan.lan import Lan
from edge.pairing.desk import Desk
from edge.ports import Clock, Link, Vision, Writer
from edge.updates.make import NoUpdater, Updates
from edge.vitals import NoVitals, Vitals

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edge.library.library import Model
    from edge.pipeline import Submission, Verdict
    from edge.ports import CameraStatus, Inspection
    from edge.store.images import ImageFile
    from edge.store.listing import Filter, Page
    from edge.store.outbox import Backlog, Parcel
    from edge.store.receipt_book import Compared
    from edge.store.store import StoreStatus
    from edge.store.tokens import Token
    from models.case import Case, FormValue
    from models.profile import Profile


class Holder(Protocol):
    """Who a token belongs to."""

    @property
    def id(self) -> str:
        """Short; what it is revoked by."""
        ...

    @property
    def name(self) -> str:
        """As it was given when the token was made."""
        ...

    @property
    def scopes(self) -> Sequence[str]:
        """Of view, capture, admin."""
        ...


class Tokens(Protocol):
    """Knows the tokens; keeps only their hashes."""

    async def verify_token(self, plain: str) -> Holder | None:
        """Whose token this is; None where nobody's."""
        ...

    async def tokens(self) -> Sequence[Token]:
        """Every token, oldest first, the revoked ones too."""
        ...

    async def revoke_token(self, token_id: str) -> None:
        """Have a token open nothing any more.

        Raises:
            NotFoundError: there is none of this id.
        """
        ...

    async def rename_token(self, token_id: str, name: str) -> None:
        """Give a token another name.

        Raises:
            NotFoundError: there is none of this id.
        """
        ...


class Cases(Tokens, Protocol):
    """What the handlers ask of the store."""

    async def get(self, case_id: str) -> Case:
        """The case, a deleted one too.

        Raises:
            NotFoundError: there is none.
        """
        ...

    async def list(
        self, which: Filter | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """The newest cases that fit; deleted ones only where they are asked for.

        Raises:
            BadRequestError: the cursor is not one.
        """
        ...

    async def revise(self, case_id: str, change: Callable[[Case], Case]) -> Case:
        """Store a new revision of the case."""
        ...

    async def delete(self, case_id: str) -> Case:
        """Mark the case deleted."""
        ...

    async def restore(self, case_id: str) -> Case:
        """Take the mark away."""
        ...

    async def image(self, case_id: str, place: int = 0) -> ImageFile:
        """The file of a case's original.

        Raises:
            NotFoundError: there is no such photo (any more).
        """
        ...

    async def thumbnail(self, case_id: str, place: int = 0) -> ImageFile:
        """The file of a case's thumbnail.

        Raises:
            NotFoundError: there is no such photo (any more).
        """
        ...

    def status(self) -> StoreStatus:
        """How the store is."""
        ...

    async def counts(self) -> Mapping[str, int]:
        """Status → how many cases."""
        ...

    async def backlog(self) -> Backlog:
        """What is still only here."""
        ...

    async def room(self) -> Mapping[str, int]:
        """Kind → bytes that it takes on the disk."""
        ...

    async def dead_letters(self, limit: int = 20) -> Sequence[Parcel]:
        """What the tower refused for good, newest first."""
        ...

    async def revive(self) -> int:
        """Queue it again; how many that are."""
        ...

    async def compared(self) -> Compared:
        """How far both ends are known to be the same."""
        ...


class Looks(Protocol):
    """What the handlers ask of the pipeline."""

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """Id → profile."""
        ...

    def profile(self, name: str | None) -> Profile:
        """The profile of that name, or the device's own."""
        ...

    async def look(self, photo: bytes, profile: str | None = None) -> Inspection:
        """Inspect a photo and keep nothing."""
        ...

    async def check(
        self,
        photo: bytes,
        profile: str | None = None,
        form: Mapping[str, FormValue] | None = None,
    ) -> Verdict:
        """Judge a photo; nothing becomes a case yet."""
        ...

    async def keep(
        self,
        submissions: Sequence[Submission],
        profile: str | None = None,
        form: Mapping[str, FormValue] | None = None,
        device: str = "",
        idempotency_key: str | None = None,
        attended: bool = True,
    ) -> tuple[Case, bool]:
        """Make a case; returns when it is durable."""
        ...


class Capture(Protocol):
    """What the handlers ask of the camera."""

    async def take(self) -> tuple[Case, bool]:
        """Take a photo and make a case of it; False where it had been made before.

        Raises:
            CameraError: it gives no picture.
            NotFoundError: there is no camera, or nothing waits in its folder.
            RetakeError: the photo is not usable.
        """
        ...

    def status(self) -> CameraStatus:
        """How the camera is."""
        ...


class Library(Protocol):
    """What is installed."""

    def list(self) -> Sequence[Model]:
        """Every version of every model on the device."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the handlers need, made by whoever wires the daemon."""

    pipeline: Looks
    """Takes photos to verdicts and cases."""
    store: Cases
    """Holds the cases."""
    vision: Vision
    """Looks at photos; here for annotating, reloading and its status."""
    writer: Writer
    """Turns facts into words."""
    library: Library
    """The models on this device."""
    capture: Capture
    """The camera."""
    events: Events
    """What just happened."""
    clock: Clock
    """The time."""
    http: HttpSettings
    """`[http]`."""
    device: str
    """The device's name."""
    desk: Desk
    """Pairs phones."""
    lan: Lan
    """Where the device is found on its network."""
    config_problem: ConfigError | None = None
    """Given: the settings are broken, and all that is served is a page that says so."""
    uplink: Link | None = None
    """The way to the tower."""
    updates: Updates = field(default_factory=NoUpdater)
    """What keeps the models up to date."""
    vitals: Vitals = field(default_factory=NoVitals)
    """How warm the machine is, and whether it is slowed down."""
