"""A program that pulls released models onto a device, to be killed in the middle of it.

Reads `DATA_DIR REPOSITORY` lines; for each it forks a child that looks, fetches, installs and
activates, says its process id, and `end` when the child has gone.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edge.library.library import ModelLibrary
from edge.updates.device import device_of
from edge.updates.outcomes import Outcomes
from edge.updates.pull import Puller
from edge.updates.source import FolderSource
from edge.updates.trusted import TrustedMetadata
from models.offer import Ring
from tests.fakes.vision_models import FINDS

if TYPE_CHECKING:
    from edge.updates.source import Source


def library_at(data: Path) -> ModelLibrary:
    return ModelLibrary(data / "no-zoo", data / "models")


def pull(data: Path, source: Source) -> None:
    """Take what is newer, and let it serve."""
    library, outcomes = library_at(data), Outcomes(data / "models")
    puller = Puller(
        library,
        data / "models",
        TrustedMetadata(data),
        outcomes,
        lambda: device_of(library, {"finds": FINDS}, Ring.ALL, outcomes.failed()),
        lambda: datetime.now(UTC),
        0,
    )
    found = puller.look(source)
    for offer in found.choice.take:
        release = puller.install(found, offer, source, lambda *_: None, lambda *_: None)
        puller.activate(release)


def main() -> None:
    import edge.library.staging  # noqa: F401 - before the fork, so that a child begins at once

    for line in sys.stdin:
        data, repository = line.split()
        child = os.fork()
        if not child:
            pull(Path(data), FolderSource(Path(repository)))
            os._exit(0)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print("end", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
