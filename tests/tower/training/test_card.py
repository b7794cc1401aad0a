"""A card holds every figure beside its bar, and what people wrote into it stays."""

import shutil
from pathlib import Path

import pytest

from models.release import read_manifest, verify_files
from tower_sync_server.evaluate import Figure
from tower_sync_server.training.card import notes_of, write_card

SHIPPED = Path(__file__).parents[3] / "models/zoo/vehicle-damage-detector/1.0.0"
FIGURES = [Figure("m", "plain", "int8", "map50", 0.9, 0.85), Figure("m", "x", "int8", "a", 1, 2)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "detector"))


def test_measuring_anew_keeps_what_people_noted(folder: Path) -> None:
    before = notes_of(folder)
    assert before.startswith("## Notes")
    write_card(folder, FIGURES, (3, 12), before)
    write_card(folder, FIGURES, (3, 12), notes_of(folder))
    text = (folder / "CARD.md").read_text(encoding="utf-8")
    assert text.count("## Notes") == 1
    assert notes_of(folder) == before


def test_each_figure_stands_beside_its_bar_and_its_verdict(folder: Path) -> None:
    write_card(folder, FIGURES, (3, 12))
    text = (folder / "CARD.md").read_text(encoding="utf-8")
    assert "| plain | int8 | map50 | 0.900 | 0.85 | reached |" in text
    assert "| x | int8 | a | 1.000 | 2.00 | **missed** |" in text
    assert "--seed 3 --photos 12" in text


def test_the_manifest_vouches_for_the_new_card(folder: Path) -> None:
    write_card(folder, FIGURES, (3, 12))
    verify_files(folder, read_manifest(folder))
    assert read_manifest(folder).figures["plain"]["map50"] == 0.9


def test_a_model_without_a_card_has_no_notes(tmp_path: Path) -> None:
    assert notes_of(tmp_path) == ""
