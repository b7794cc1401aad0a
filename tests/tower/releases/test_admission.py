"""What may be offered: a broken folder is refused with what is wrong, and nothing of it is kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tower.releases.shop import Shop, make_model
from tower_sync_server.releases import admission
from tower_sync_server.releases.admission import RefusedFolderError
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from collections.abc import Callable

ZOO = Path(__file__).parents[3] / "models" / "zoo"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path).begin_starter()


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def no_manifest(folder: Path) -> None:
    (folder / "model.toml").unlink()


def no_toml(folder: Path) -> None:
    (folder / "model.toml").write_text("id = ")


def missing_file(folder: Path) -> None:
    (folder / "CARD.md").unlink()


def other_content(folder: Path) -> None:
    (folder / "CARD.md").write_bytes(b"# a card\n")


def other_size(folder: Path) -> None:
    (folder / "model.gguf").write_bytes(b"GGUF")


def no_model(folder: Path) -> None:
    """Right hashes, and not what the manifest says it is."""
    shutil.rmtree(folder)
    make_model(folder)
    from tests.tower.releases import shop as words

    kept, words.GGUF = words.GGUF, b"PK\3\4" + bytes(40)
    try:
        shutil.rmtree(folder)
        make_model(folder)
    finally:
        words.GGUF = kept


def climbing_name(folder: Path) -> None:
    change(folder / "model.toml", '"CARD.md"', '"../CARD.md"')


def link_that_leads_out(folder: Path) -> None:
    card = folder / "CARD.md"
    outside = folder.parent / "outside.md"
    card.rename(outside)
    card.symlink_to(outside)


def build_number(folder: Path) -> None:
    change(folder / "model.toml", '"1.0.0"', '"1.0.0+7"')


def odd_name(folder: Path) -> None:
    (folder / "CARD.md").rename(folder / "MY CARD.md")
    change(folder / "model.toml", '"CARD.md"', '"MY CARD.md"')


BROKEN = {
    no_manifest: "model.toml",
    no_toml: "model.toml",
    missing_file: "CARD.md",
    other_content: "SHA-256",
    other_size: "expected 24 bytes",
    no_model: "no whole gguf file",
    climbing_name: "inside the model's folder",
    link_that_leads_out: "leads out of",
    build_number: "without",
    odd_name: "MY CARD.md",
}


@pytest.mark.parametrize("breaks", BROKEN, ids=lambda f: f.__name__)
def test_a_broken_folder_is_refused_with_what_is_wrong(
    shop: Shop, tmp_path: Path, breaks: Callable[[Path], None]
) -> None:
    folder = make_model(tmp_path / "m")
    breaks(folder)
    with pytest.raises(RefusedFolderError, match=BROKEN[breaks]):
        shop.releases().add(folder, Wish())
    assert shop.stranger().look() == ()
    assert not shop.places.waiting.exists()
    assert not list(shop.places.pending.glob(".staging-*"))


def test_what_is_no_folder_is_refused(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(RefusedFolderError, match="no model folder"):
        shop.releases().add(tmp_path / "nowhere", Wish())


def test_notes_that_could_not_be_shown_are_refused(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(RefusedFolderError, match="notes"):
        shop.releases().add(make_model(tmp_path / "m"), Wish(notes="\x1b[2Jclean"))


@pytest.fixture
def severity(tmp_path: Path) -> Path:
    """The smallest model with golden images."""
    (source,) = (ZOO / "vehicle-damage-severity").iterdir()
    return Path(shutil.copytree(source, tmp_path / "severity"))


def test_golden_images_are_run_before_anybody_signs(shop: Shop, severity: Path) -> None:
    assert shop.releases().add(severity, Wish()).tried


def test_a_model_that_fails_on_its_golden_images_is_refused(shop: Shop, severity: Path) -> None:
    text = (severity / "model.toml").read_text()
    begin = text.index('[["severe", ')
    (severity / "model.toml").write_text(
        text[:begin] + '[["severe", 0.111, ' + text[text.index("[", begin + 2) :]
    )
    with pytest.raises(RefusedFolderError, match="expected severe"):
        shop.releases().add(severity, Wish())
    assert shop.stranger().look() == ()


def test_a_model_that_never_ends_is_stopped(
    shop: Shop, severity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "TRIAL_S", 0.05)
    with pytest.raises(RefusedFolderError, match="took longer"):
        shop.releases().add(severity, Wish())


def test_a_model_that_takes_its_process_down_takes_nothing_else(
    shop: Shop, severity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission.sys, "executable", "/bin/false")
    with pytest.raises(RefusedFolderError, match="brought down"):
        shop.releases().add(severity, Wish())


def test_a_tower_without_an_engine_offers_it_and_says_that_it_was_not_tried(
    shop: Shop, severity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission.importlib.util, "find_spec", lambda name: None)
    assert not shop.releases().add(severity, Wish()).tried
