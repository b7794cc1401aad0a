"""A device that does nothing but empty its outbox, made to be killed.

python -m tests.fakes.uplink_process FOLDER PORT DEVICE
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from edge.adapters.clock import SystemClock
from edge.config import SyncSettings
from edge.events import Events
from edge.identity import Identity
from edge.uplink.make import make_uplink
from tests.fakes.stores import make


async def main(folder: Path, port: int, device: str) -> None:
    """Send until killed."""
    store = make(folder, now=lambda: datetime.now(UTC))  # type: ignore[arg-type]
    await store.open()
    settings = SyncSettings(host="127.0.0.1", port=port, spread_s=0)
    uplink = make_uplink(settings, store, Events(), SystemClock(), Identity(device, "boot"))
    await uplink.run()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
