"""What the doctor says of an upgrade that went back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.doctor.findings import Level
from edge.doctor.upgrade import upgrade

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_note_all_is_well(tmp_path: Path) -> None:
    assert upgrade(tmp_path / "went-back").level is Level.PASS


def test_an_upgrade_that_went_back_is_told_with_when_and_why(tmp_path: Path) -> None:
    note = tmp_path / "went-back"
    note.write_text("2026-11-27T17:00:00+00:00 the new version isn't healthy: x did not start\n")
    found = upgrade(note)
    assert found.level is Level.WARN
    assert "2026-11-27T17:00:00+00:00" in found.message
    assert "the new version isn't healthy: x did not start" in found.message
    assert "--upgrade" in found.mend


def test_a_note_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    assert upgrade(tmp_path).level is Level.WARN
