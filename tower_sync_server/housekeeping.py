"""Once a day: what killed workers and broken uploads left on the disk."""

from __future__ import annotations

import asyncio
import logging
import shutil
from typing import TYPE_CHECKING

from tower_sync_server.archive.files import age_s
from tower_sync_server.errors import TowerError

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.archive.blobs import Blobs
    from tower_sync_server.archive.orphans import Orphans
    from tower_sync_server.archive.spool import Spool

FIRST_S = 600.0
"""After the start: a tower that has just come up has other things to do."""
EVERY_S = 24 * 3600.0
LEFT_OVER_S = 24 * 3600.0
"""Uploads that are older will not go on."""

log = logging.getLogger(__name__)


class Housekeeping:
    """Runs in the tower, beside HTTP."""

    def __init__(
        self, orphans: Orphans, blobs: Blobs, spool: Spool, spool_s: float, uploads: Path
    ) -> None:
        """Nothing is done yet; chunks to which nothing came for `spool_s` seconds go."""
        self._orphans = orphans
        self._blobs = blobs
        self._spool = spool
        self._spool_s = spool_s
        self._uploads = uploads

    async def run(self) -> None:
        """Look every day until cancelled."""
        await asyncio.sleep(FIRST_S)
        while True:
            await asyncio.to_thread(self.once)
            await asyncio.sleep(EVERY_S)

    def once(self) -> None:
        """Do it; what can't be done now is done the next time."""
        try:
            self._blobs.open()
            self._spool.open(self._spool_s)
            self._clear_uploads()
            found = self._orphans.find()
        except TowerError as e:
            log.warning("not cleared up: %s", e)
        else:
            log.info("%d photos that nothing refers to will be removed", found)

    def _clear_uploads(self) -> None:
        for path in self._uploads.glob("*"):
            if age_s(path) > LEFT_OVER_S:
                shutil.rmtree(path, ignore_errors=True)
