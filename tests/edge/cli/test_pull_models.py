"""`edgecase models pull`, from a stick that a real tower exported."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from edge.library.library import shipped_models
from tests.fakes.release_tower import ReleaseTower

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.cli.conftest import Cli

DETECTOR = "vehicle-damage-detector"
SHIPPED = "1.0.0"


def newer(tmp_path: Path, version: str = "9.0.0") -> Path:
    """The shipped detector, as a later version."""
    folder = tmp_path / "models" / version
    shutil.copytree(shipped_models() / DETECTOR / SHIPPED, folder)
    manifest = folder / "model.toml"
    text = manifest.read_text()
    assert f'version = "{SHIPPED}"' in text
    manifest.write_text(text.replace(f'version = "{SHIPPED}"', f'version = "{version}"', 1))
    return folder


@pytest.fixture
def tower(tmp_path: Path) -> ReleaseTower:
    made = ReleaseTower(tmp_path / "tower")
    made.add(newer(tmp_path))
    return made


def trusting(cli: Cli, tower: ReleaseTower) -> None:
    assert cli("models", "trust", str(tower.places.metadata / "1.root.json")).code == 0


def active(cli: Cli) -> str:
    models = json.loads(cli("models", "list", "--json").out)["models"]
    return next(m["version"] for m in models if m["id"] == DETECTOR and m["active"])


@pytest.mark.slow
def test_a_newer_version_is_fetched_tried_and_serves_and_can_be_taken_back(cli: Cli, tower):
    trusting(cli, tower)
    done = cli("models", "pull", str(tower.folder))
    assert done.code == 0, done.out + done.err
    assert DETECTOR in done.out + done.err
    assert active(cli) == "9.0.0"
    again = cli("models", "pull", str(tower.folder), "--json")
    assert json.loads(again.out)["installed"] == []
    assert cli("models", "rollback", DETECTOR).code == 0
    assert active(cli) == SHIPPED


def test_without_trust_nothing_is_taken(cli: Cli, tower):
    done = cli("models", "pull", str(tower.folder))
    assert done.code == 1
    assert "models trust" in done.out + done.err
    assert active(cli) == SHIPPED


def test_a_stick_on_which_a_bit_was_turned_is_refused(cli: Cli, tower):
    trusting(cli, tower)
    (manifest,) = tower.places.targets.glob(f"{DETECTOR}/9.0.0/*.model.toml")
    data = bytearray(manifest.read_bytes())
    data[100] ^= 1
    manifest.write_bytes(data)
    done = cli("models", "pull", str(tower.folder), "--json")
    assert done.code == 1
    said = json.loads(done.out)
    assert list(said["failed"]) == [f"{DETECTOR}@9.0.0"]
    assert active(cli) == SHIPPED


def test_nobody_else_is_trusted_without_saying_so(cli: Cli, tower, tmp_path):
    trusting(cli, tower)
    other = ReleaseTower(tmp_path / "other").places.metadata / "1.root.json"
    assert cli("models", "trust", str(other)).code == 1
    assert cli("models", "trust", str(other), "--replace").code == 0


def test_with_no_repository_set_it_says_what_to_set(cli: Cli):
    done = cli("models", "pull")
    assert done.code == 1
    assert "updates.url" in done.out + done.err
