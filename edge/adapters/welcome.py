"""Makes what welcomes the first phone, with the device's own screen and button."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.adapters.pairing_button import make_button
from edge.adapters.screen import make_screen
from edge.pairing.welcome import Welcome

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.lan.lan import Lan
    from edge.pairing.desk import Desk


def make_welcome(settings: Settings, desk: Desk, lan: Lan) -> Welcome:
    """What opens the window by itself; nothing is opened or connected yet."""
    wanted = settings.pairing
    return Welcome(
        desk,
        lan,
        make_screen(wanted.console),
        make_button(wanted.gpio_pin),
        asks=settings.http.auth == "token",
    )
