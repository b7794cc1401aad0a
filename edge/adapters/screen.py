"""The device's own screen: the console of its HDMI, where the settings name one."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

log = logging.getLogger(__name__)


def make_screen(console: Path | None) -> Callable[[str], None]:
    """What shows text on the console; without one nothing is shown."""

    def show(text: str) -> None:
        if console is None:
            return
        try:
            handle = os.open(console, os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as e:
            log.warning("can't show anything on %s: %s", console, e.strerror)
            return
        with os.fdopen(handle, "wb", buffering=0) as file:
            file.write(text.replace("\n", "\r\n").encode())

    return show
