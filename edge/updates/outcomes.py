"""What became of each version on this device: the last word on it, kept and told to the tower.

DATA_DIR/models/outcomes.json
DATA_DIR/models/spent.json       how long the version on trial or on probation has been so
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.store.failures import translated
from edge.store.files import sync_folder
from models.jsonable import InvalidWordError, from_json, to_json
from models.rollout import MAX_OUTCOMES, MAX_REASON, Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE, SPENT = "outcomes.json", "spent.json"


class Outcomes:
    """Of every version that was ever offered. Any thread and any program may use it."""

    def __init__(self, models: Path) -> None:
        """Keep them in `models`, DATA_DIR/models."""
        self._path = models / FILE

    def all(self) -> tuple[Outcome, ...]:
        """Of each version the last, the latest first; a file that can't be read holds none."""
        try:
            said = json.loads(self._path.read_text(encoding="utf-8"))
            return tuple(from_json(Outcome, one) for one in said)
        except (OSError, ValueError, TypeError, InvalidWordError):
            return ()

    def of(self, id: str, version: str) -> Outcome | None:
        """The last word on a version; None where it was never offered."""
        return next((o for o in self.all() if (o.id, o.version) == (id, version)), None)

    def failed(self) -> dict[str, str]:
        """id@version → why, of those that must not come back."""
        return {f"{o.id}@{o.version}": o.reason for o in self.all() if o.result.is_failure}

    def note(self, id: str, version: str, result: Result, reason: str = "") -> None:
        """Remember what became of a version; durable when this returns."""
        outcome = Outcome(id, version, result, reason[:MAX_REASON])
        with self._alone():
            others = [o for o in self.all() if (o.id, o.version) != (id, version)]
            self._write((outcome, *others)[:MAX_OUTCOMES])

    def forgive(self, id: str, version: str) -> None:
        """Let a version that failed be offered again."""
        with self._alone():
            self._write(tuple(o for o in self.all() if (o.id, o.version) != (id, version)))

    def spent(self, id: str, version: str, result: Result) -> float:
        """Seconds that this version has been at this station, before this start too."""
        try:
            said = json.loads((self._path.with_name(SPENT)).read_text(encoding="utf-8"))
            return float(said["seconds"]) if said["at"] == [id, version, result.value] else 0.0
        except (OSError, ValueError, TypeError, KeyError):
            return 0.0

    def spend(self, id: str, version: str, result: Result, seconds: float) -> None:
        """Remember how long it has been there; a power cut may cost the last few notes."""
        beside = self._path.with_name(f".{SPENT}.new")
        with translated(self._path.parent):
            said = {"at": [id, version, result.value], "seconds": round(seconds)}
            beside.write_text(json.dumps(said), encoding="utf-8")
            beside.replace(self._path.with_name(SPENT))

    def _write(self, outcomes: tuple[Outcome, ...]) -> None:
        beside = self._path.with_name(f".{FILE}.new")
        with beside.open("w", encoding="utf-8") as file:
            json.dump(to_json(outcomes), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        sync_folder(self._path.parent)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with translated(self._path.parent):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_name(f".{FILE}.lock").open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
