"""Waits, at a terminal, for the phone that the window was opened for."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from edge.adapters.clock import SystemClock
from edge.identity import identify
from edge.pairing import window as rules
from edge.pairing.window import KEY, Moment, Phase
from edge.store import settings as remembered
from edge.store import tokens
from edge.store.database import connect
from edge.store.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config import StoreSettings
    from edge.store.tokens import Token

EVERY_S = 1.0
"""Between two looks."""


def wait_for_phone(store: StoreSettings) -> str:
    """Wait until a phone is paired or the window closes; gives what came of it."""
    clock, boot = SystemClock(), identify("").boot
    before = {token.id for token in _look(store)[0]}
    over = False
    while True:
        found, window = _look(store)
        how = rules.phase(window, Moment(boot, clock.monotonic()))
        new = [token for token in found if token.id not in before]
        if new or over:
            return outcome(how, new)
        over = how is not Phase.OPEN  # a code is spent a moment before its token is there
        time.sleep(EVERY_S)


def outcome(how: Phase, new: Sequence[Token]) -> str:
    """What came of a window, in a sentence."""
    if new:
        return f"Paired: {new[-1].name}."
    if how is Phase.LOCKED:
        return "Locked after too many wrong codes. edgecase pair opens the window again."
    return "The window is closed, and no phone was paired."


def _look(store: StoreSettings) -> tuple[list[Token], rules.Window | None]:
    path = Layout(store.data_dir).database
    with closing(connect(path, store.synchronous, read_only=True)) as db:
        return tokens.list_all(db), rules.from_text(remembered.get(db, KEY))
