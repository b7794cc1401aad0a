"""The order of semantic versions (semver.org, version 2, section 11)."""

from __future__ import annotations


def precedence(version: str) -> tuple[object, ...]:
    """A sort key: 1.0.0-rc.1 < 1.0.0 < 1.0.1 < 1.10.0; what follows a + doesn't count.

    Args:
        version: as `models.release.ModelRelease` takes it.
    """
    core, _, pre = version.partition("+")[0].partition("-")
    numbers = tuple(int(part) for part in core.split("."))
    parts = tuple(_part(part) for part in pre.split(".")) if pre else ()
    return numbers, not pre, parts


def _part(part: str) -> tuple[bool, int, str]:
    """Whole numbers come before words, and in the order of numbers."""
    return (False, int(part), "") if part.isdecimal() else (True, 0, part)
