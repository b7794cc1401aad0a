"""The words of `edgecase doctor`: what was looked at, how it is, and the command that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from models.jsonable import require

if TYPE_CHECKING:
    from collections.abc import Sequence


class Level(StrEnum):
    """How it is."""

    PASS = "PASS"  # noqa: S105  no password
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    """What: `memory`, `camera`, …."""
    level: Level
    """PASS: fine. WARN: works, with a catch. FAIL: doesn't work."""
    message: str
    """What was found, in plain words."""
    mend: str = ""
    """The command or setting that mends it; never empty for FAIL."""

    def __post_init__(self) -> None:
        """A failure says how to mend it."""
        require(bool(self.name) and bool(self.message), "name, message", "words")
        require(
            self.level is not Level.FAIL or bool(self.mend), "mend", "a command, since it fails"
        )


def fine(name: str, message: str) -> Finding:
    """It is fine."""
    return Finding(name, Level.PASS, message)


def warn(name: str, message: str, mend: str = "") -> Finding:
    """It works, with a catch."""
    return Finding(name, Level.WARN, message, mend)


def fail(name: str, message: str, mend: str) -> Finding:
    """It doesn't work."""
    return Finding(name, Level.FAIL, message, mend)


def healthy(findings: Sequence[Finding]) -> bool:
    """True when nothing fails."""
    return all(finding.level is not Level.FAIL for finding in findings)
