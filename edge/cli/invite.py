"""Makes a token, or opens the pairing window, for a phone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.adapters.clock import SystemClock
from edge.cli.in_store import in_store
from edge.errors import BadRequestError
from edge.identity import identify
from edge.lan.make import make_lan
from edge.pairing import window as rules
from edge.pairing.code import new_code
from edge.pairing.invitation import invite
from edge.pairing.window import KEY, OPEN_S, Moment
from edge.store import settings as remembered
from edge.store import tokens
from edge.store.layout import Layout
from edge.store.tokens import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlite_utils import Database

    from edge.config import Settings, StoreSettings
    from edge.lan.lan import Lan
    from edge.pairing.invitation import Invitation


def new_token(store: StoreSettings, name: str, scopes: Sequence[str]) -> str:
    """Make a token and keep its hash; the token itself is kept nowhere.

    Raises:
        BadRequestError: the name is too long, or a scope is none.
        OperatorError: the store can't be written.
    """
    wanted, now = _scopes(scopes), datetime.now(UTC).astimezone()
    return in_store(store, lambda db: tokens.create(db, name, wanted, now)[0])


def open_window(settings: Settings, name: str, scopes: Sequence[str]) -> Invitation:
    """Open the pairing window of this device; a daemon that runs answers to it at once.

    Raises:
        BadRequestError: the name is too long, or a scope is none.
        OperatorError: the store can't be written.
    """
    wanted, code = tuple(_scopes(scopes)), new_code()

    def open_it(db: Database) -> None:
        # As late as possible: making the store takes a moment of the five minutes.
        now = Moment(identify("").boot, SystemClock().monotonic())
        made = rules.to_text(rules.opened(code, now, wanted, name))
        remembered.change(db, KEY, lambda _: (made, None))

    in_store(settings.store, open_it)
    lan = lan_of(settings)
    return invite(lan.place(), lan.fingerprint, code, OPEN_S)


def lan_of(settings: Settings) -> Lan:
    """Where this device is found; its store is there."""
    return make_lan(settings.http, Layout(settings.store.data_dir))


def _scopes(names: Sequence[str]) -> list[Scope]:
    unknown = [name for name in names if name not in list(Scope)]
    if unknown:
        known = ", ".join(scope.value for scope in Scope)
        raise BadRequestError(f"There is no scope {unknown[0]!r}.", f"Scopes are {known}.")
    return [Scope(name) for name in names]
