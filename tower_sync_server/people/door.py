"""Signing in: the throttle, the password, the session, and a line of the audit either way."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from tower_sync_server.errors import BusyError, RateLimitedError, WrongPasswordError
from tower_sync_server.people.words import NAME, Action, By

if TYPE_CHECKING:
    from tower_sync_server.people.audit import Audit
    from tower_sync_server.people.people import People
    from tower_sync_server.people.sessions import Sessions
    from tower_sync_server.people.throttle import Throttle

AT_ONCE = 2
"""Passwords that are hashed at once: each takes 64 MiB."""
WAITING = 16
"""Who else may wait for that; more are sent away."""


class Door:
    """Lets people in."""

    def __init__(
        self, people: People, sessions: Sessions, audit: Audit, throttle: Throttle
    ) -> None:
        """Everybody who may come in is known to `people`."""
        self._people = people
        self._sessions = sessions
        self._audit = audit
        self._throttle = throttle
        self._hashing = asyncio.Semaphore(AT_ONCE)
        self._here = 0

    async def enter(self, name: str, password: str, address: str) -> str:
        """Sign somebody in; gives the token.

        Raises:
            RateLimitedError: too many wrong tries.
            WrongPasswordError: the name or the password is wrong, and not which.
            BusyError: too many are at it.
        """
        await self.knock(name, password, address, Action.SIGN_IN)
        return await asyncio.to_thread(self._sessions.open, name, By(name, address))

    async def knock(self, name: str, password: str, address: str, why: Action) -> None:
        """Check a password; raises as `enter` does."""
        if self._here >= AT_ONCE + WAITING:
            raise BusyError("Too many people sign in at once.", "Try again in a few seconds.")
        wait = self._throttle.take(name, address)
        if wait > 0:
            hint = f"Try again in {math.ceil(wait)} seconds."
            raise RateLimitedError("Too many wrong tries.", hint, math.ceil(wait))
        self._here += 1
        try:
            async with self._hashing:
                known = await asyncio.to_thread(self._people.knows, name, password)
        finally:
            self._here -= 1
        if not known:
            shown = name if NAME.fullmatch(name) else "(no name)"
            by = By(shown, address)
            detail = "wrong name or password"
            await asyncio.to_thread(self._audit.add, by, why, "", detail, ok=False)
            raise WrongPasswordError("The name or the password is wrong.", "Try again.")
        self._throttle.succeeded(name, address)
