"""`edgecase models pull`, from a stick that a real tower exported."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from edge.library.library import shipped_models
from tests.edge.cli.test_sync import daemon
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


def test_a_look_shows_what_is_offered_and_takes_nothing(cli: Cli, tower):
    trusting(cli, tower)
    done = cli("models", "pull", str(tower.folder), "--look")
    assert done.code == 0
    assert "9.0.0" in done.out
    said = cli("models", "pull", str(tower.folder), "--look", "--json")
    assert json.loads(said.out)["offered"] == [f"{DETECTOR}@9.0.0"]
    listed = cli("models", "list", "--json")
    assert "9.0.0" not in {m["version"] for m in json.loads(listed.out)["models"]}


@pytest.mark.parametrize("auth", ["open", "token"])
def test_a_daemon_is_asked_to_look_also_where_it_wants_tokens(cli, tmp_path, monkeypatch, auth):
    with daemon(tmp_path / "data", auth) as port:
        monkeypatch.setenv("EDGECASE_HTTP__PORT", str(port))
        monkeypatch.setenv("EDGECASE_HTTP__AUTH", auth)
        monkeypatch.setenv("EDGECASE_UPDATES__URL", "http://tower:9000/releases")
        done = cli("models", "pull", "--daemon", "--json")
        assert done.code == 0, done.err
        assert json.loads(done.out)["phase"] == "idle"
        assert "http://tower:9000/releases" in cli("models", "pull", "--daemon").err


def test_with_no_repository_set_a_timer_has_nothing_to_do(cli: Cli):
    done = cli("models", "pull", "--daemon")
    assert done.code == 0
    assert "updates.url" in done.err
