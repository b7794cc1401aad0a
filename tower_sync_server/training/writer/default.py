"""The writer that ships, from its seed to its folder in the zoo."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tower_sync_server.training.publish import Identity
from tower_sync_server.training.writer.publish import publish_writer
from tower_sync_server.training.writer.recipe import DEFAULT, train_writer, with_seed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRITER = "summary-writer"


def make_writer(folder: Path, work: Path, seed: int, report: Callable[[str], None]) -> None:
    """Train the language model that words summaries and publish it in `folder`."""
    trained = train_writer(with_seed(DEFAULT, seed), work, report)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    identity = Identity(
        WRITER, folder.name, seed, trained.texts.sha256, datetime.now(UTC).date().isoformat(),
        "Words the summary of a case from its facts.",
    )  # fmt: skip
    publish_writer(folder, trained, identity)
