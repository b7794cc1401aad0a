"""A photo when somebody presses a button on a GPIO pin."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from typing import TYPE_CHECKING, Protocol

from edge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BOUNCE_S = 0.05
"""Time in which a contact may bounce."""


class Button(Protocol):
    """A pin that somebody can press."""

    def close(self) -> None:
        """Let go of the pin."""
        ...


class Connect(Protocol):
    """Connects a pin to a function."""

    def __call__(self, pin: int, pressed: Callable[[], None]) -> Button:
        """Call `pressed`, from any thread, whenever the button on BCM `pin` goes down.

        Raises:
            ConfigError: this machine has no such pin, or not the library for it.
        """
        ...


class ButtonTrigger:
    """Fires when a button is pressed; presses during a photo count as one."""

    def __init__(self, pin: int, connect: Connect | None = None) -> None:
        """Take the pin at the first `wait`.

        Args:
            pin: BCM number; the button connects it to ground.
            connect: None: gpiozero's.
        """
        self._pin = pin
        self._connect = connect or connect_gpiozero
        self._button: Button | None = None
        self._pressed = asyncio.Event()

    @property
    def name(self) -> str:
        """Which pin."""
        return f"button on GPIO {self._pin}"

    async def wait(self, glance: Callable[[], Awaitable[bytes | None]]) -> None:
        """Wait for a press.

        Raises:
            ConfigError: this machine has no such pin, or not the library for it.
        """
        del glance
        if self._button is None:
            loop = asyncio.get_running_loop()

            def pressed() -> None:
                with contextlib.suppress(RuntimeError):  # pressed while the daemon ends
                    loop.call_soon_threadsafe(self._pressed.set)

            self._button = self._connect(self._pin, pressed)
        await self._pressed.wait()
        self._pressed.clear()

    def close(self) -> None:
        """Let go of the pin."""
        if self._button is not None:
            self._button.close()
            self._button = None


def connect_gpiozero(pin: int, pressed: Callable[[], None]) -> Button:
    """Connect a button by gpiozero, which uses lgpio on Raspberry Pi OS.

    Raises:
        ConfigError: gpiozero isn't installed, or there is no such pin.
    """
    try:
        gpiozero = importlib.import_module("gpiozero")
    except ImportError as e:
        raise ConfigError(
            'camera.trigger = "button" needs gpiozero, which is not installed here.',
            "sudo apt install python3-gpiozero python3-lgpio, or choose another trigger",
        ) from e
    try:
        button = gpiozero.Button(pin, pull_up=True, bounce_time=BOUNCE_S)
    except (gpiozero.GPIOZeroError, OSError) as e:
        raise ConfigError(
            f"camera.gpio_pin = {pin}: {e or type(e).__name__}",
            "is this a Raspberry Pi, and may this user use its pins (group gpio)?",
        ) from e
    button.when_pressed = pressed
    made: Button = button
    return made
