"""A button on a GPIO pin that opens the pairing window."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from edge.adapters.trigger.button import ButtonTrigger, connect_gpiozero
from edge.errors import ConfigError
from edge.pairing.welcome import NoButton

if TYPE_CHECKING:
    from edge.adapters.trigger.button import Connect
    from edge.pairing.welcome import Button

log = logging.getLogger(__name__)


class PairingButton:
    """Waits for presses; a pin that isn't there is said once, and nobody presses it."""

    def __init__(self, pin: int, connect: Connect = connect_gpiozero) -> None:
        """Take BCM `pin` at the first `wait`."""
        self._trigger = ButtonTrigger(pin, connect)

    async def wait(self) -> None:
        """Wait until it is pressed."""
        try:
            await self._trigger.wait(_nothing)
        except ConfigError as e:
            log.error("no pairing button: %s %s", e.message, e.hint)  # noqa: TRY400  no trace
            await asyncio.Event().wait()


def make_button(pin: int | None) -> Button:
    """The button on this pin, or none."""
    return NoButton() if pin is None else PairingButton(pin)


async def _nothing() -> bytes | None:
    return None
