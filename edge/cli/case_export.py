"""Copies cases into a folder: DIR/ID/case.json and the photos beside it."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import DiskFullError, OperatorError
from models.jsonable import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from models.case import Case

NO_SPACE = 28
"""errno ENOSPC."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was copied."""

    new: int
    """Cases written now."""
    same: int
    """Cases that lay there already, in this revision."""
    missing: int
    """Photos that are not on this device any more."""

    def as_json(self) -> dict[str, int]:
        """For programs."""
        return {"new": self.new, "same": self.same, "missing_photos": self.missing}

    def words(self, folder: Path) -> str:
        """For people."""
        text = f"{self.new} cases copied to {folder}"
        text += f", {self.same} were there already" if self.same else ""
        return text + (f"; {self.missing} photos are not on this device" if self.missing else "")


def export_cases(
    cases: Iterable[Case], photos: Callable[[Case], list[Path | None]], folder: Path
) -> Exported:
    """Copy every case; `case.json` comes last, so that a case with it is whole.

    Raises:
        DiskFullError: no room.
        OperatorError: the folder can't be written.
    """
    new = same = missing = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for case in cases:
            text = json.dumps(to_json(case), indent=2, ensure_ascii=False) + "\n"
            target = folder / case.id
            if _holds(target / "case.json", text):
                same += 1
                continue
            missing += _copy(target, photos(case), text)
            new += 1
    except OSError as e:
        if e.errno == NO_SPACE:
            raise DiskFullError(f"No room left in {folder}.", f"df -h {folder}") from e
        raise OperatorError(f"{folder} can't be written: {e.strerror}.", "choose another") from e
    return Exported(new, same, missing)


def _copy(target: Path, photos: list[Path | None], text: str) -> int:
    target.mkdir(exist_ok=True)
    for number, photo in enumerate(photos, start=1):
        if photo is not None:
            shutil.copyfile(photo, target / f"photo-{number}{photo.suffix}")
    partial = target / "case.json.tmp"
    partial.write_text(text, encoding="utf-8")
    partial.replace(target / "case.json")
    return photos.count(None)


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except FileNotFoundError:
        return False
