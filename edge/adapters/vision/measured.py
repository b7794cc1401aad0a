"""Keeps what was measured of the models, so that a restart need not measure them again."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.library.measure import Measurement
from models.jsonable import InvalidWordError, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class MeasuredModels:
    """Fingerprint of a model → its measurement, in one small file."""

    def __init__(self, path: Path | None, *, keep: bool = True) -> None:
        """Read `path`, or keep everything in memory where it is None.

        A file that can't be read counts as none: everything in it can be measured again.

        Args:
            path: the file.
            keep: whether what is learned is written there.
        """
        self._path = path if keep else None
        self._known = _read(path) if path else {}

    @property
    def known(self) -> Mapping[str, Measurement]:
        """Everything that was measured."""
        return self._known

    def learn(self, measured: Mapping[str, Measurement]) -> None:
        """Add measurements, and write the file where they are news."""
        fresh = {**self._known, **measured}
        if fresh == self._known:
            return
        self._known = fresh
        if self._path is None:
            return
        temporary = self._path.with_suffix(".tmp")
        try:
            temporary.parent.mkdir(exist_ok=True)  # of a device on which nothing was installed yet
            temporary.write_text(json.dumps(to_json(fresh), indent=1), encoding="utf-8")
            temporary.replace(self._path)
        except OSError:  # it is measured again at the next start, and nothing else is lost
            with suppress(OSError):
                temporary.unlink()


def _read(path: Path) -> dict[str, Measurement]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {str(k): from_json(Measurement, v) for k, v in data.items()}
    except (OSError, ValueError, AttributeError, InvalidWordError):
        return {}
