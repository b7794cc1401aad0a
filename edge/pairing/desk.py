"""Where phones are paired: the window as the store has it, so that every process sees the same."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from edge.errors import BadFieldError, PairingClosedError, PairingLockedError, WrongCodeError
from edge.pairing import window as rules
from edge.pairing.code import new_code
from edge.pairing.window import FOR_A_PHONE, KEY, OPEN_S, TRIES, Phase, Tried
from models.jsonable import InvalidWordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from edge.pairing.window import Moment, Window
    from edge.store.tokens import Scope, Token

T = TypeVar("T")
HOW = "On the device: edgecase pair. Or on a phone that is an admin's: its page of phones."
log = logging.getLogger(__name__)


class Keeps(Protocol):
    """What the desk asks of the store."""

    async def change_setting(
        self, key: str, change: Callable[[str | None], tuple[str | None, T]]
    ) -> T:
        """Put what `change` makes of a remembered value in its place, in one transaction."""
        ...

    async def setting(self, key: str) -> str | None:
        """What is remembered under `key`."""
        ...

    async def create_token(self, name: str, scopes: Iterable[Scope]) -> tuple[str, Token]:
        """Make a token; this is the only time that it is seen itself."""
        ...

    async def tokens(self) -> Sequence[Token]:
        """Every token, the revoked ones too."""
        ...


@dataclass(frozen=True, slots=True)
class Opened:
    """A window that was just opened."""

    code: str
    """The code; it is kept nowhere."""
    seconds: float
    """How long it is good for."""


@dataclass(frozen=True, slots=True)
class DeskStatus:
    """How the pairing window is."""

    phase: Phase
    """closed, open, or locked after too many wrong codes."""
    seconds_left: float
    """Until it closes; 0 where it is not open."""
    wrong: int
    """Wrong codes since it was opened; 10 lock it."""


class Desk:
    """Opens the window and pairs phones."""

    def __init__(self, store: Keeps, now: Callable[[], Moment]) -> None:
        """Keep the window in `store`; `now` is the machine's time since boot."""
        self._store = store
        self._now = now

    async def open(self, scopes: tuple[Scope, ...] = FOR_A_PHONE, name: str = "") -> Opened:
        """Open a window for one phone, in the place of any other.

        Raises:
            BadFieldError: the name is too long, or there is no scope.
        """
        code = new_code()
        try:
            made = rules.opened(code, self._now(), scopes, name)
        except InvalidWordError as e:
            raise BadFieldError(str(e)) from e
        await self._put(made)
        log.info("the pairing window is open for %d minutes", OPEN_S // 60)
        return Opened(code, OPEN_S)

    async def close(self) -> None:
        """Close it."""
        await self._put(None)

    async def status(self) -> DeskStatus:
        """How it is."""
        found, now = rules.from_text(await self._store.setting(KEY)), self._now()
        how = rules.phase(found, now)
        seconds = rules.left(found, now) if found and how is Phase.OPEN else 0.0
        return DeskStatus(how, seconds, found.wrong if found else 0)

    async def pair(self, code: str, name: str) -> tuple[str, Token]:
        """Give whoever knows the code a token.

        Raises:
            PairingClosedError: no window is open.
            PairingLockedError: there were too many wrong codes.
            WrongCodeError: this is another one.
        """
        window, tried = await self._store.change_setting(KEY, self._tried(code))
        if tried is Tried.CLOSED:
            raise PairingClosedError("No pairing window is open.", HOW)
        if tried is Tried.LOCKED:
            log.warning("the pairing window is locked after %d wrong codes", TRIES)
            raise PairingLockedError(f"Locked after {TRIES} wrong codes. Open it again.", HOW)
        if tried is Tried.WRONG or window is None:
            raise WrongCodeError("This is not the code.", "Look at it once more, and mind its age.")
        plain, token = await self._store.create_token(name or window.name or "phone", window.scopes)
        log.info("paired: %r (%s), may %s", token.name, token.id, ", ".join(token.scopes))
        return plain, token

    async def nobody_yet(self) -> bool:
        """True where no phone is paired."""
        return all(token.revoked for token in await self._store.tokens())

    def _tried(
        self, code: str
    ) -> Callable[[str | None], tuple[str | None, tuple[Window | None, Tried]]]:
        def change(text: str | None) -> tuple[str | None, tuple[Window | None, Tried]]:
            before = rules.from_text(text)
            after, tried = rules.attempt(before, code, self._now())
            return rules.to_text(after), (before, tried)

        return change

    async def _put(self, window: Window | None) -> None:
        await self._store.change_setting(KEY, lambda _: (rules.to_text(window), None))
