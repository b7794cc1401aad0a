"""`edgecase sync`: how a device becomes part of a fleet."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.updates.trusted import TrustedMetadata
from tests.fakes.release_tower import ReleaseTower
from tower_sync_server.fleet.fleet import Address, Fleet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.cli.conftest import Cli


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path / "fleet")


def test_a_bundle_is_taken_in(cli: Cli, tmp_path: Path, fleet: Fleet) -> None:
    path = tmp_path / "pi.bundle"
    path.write_text(fleet.enroll("pi", Address("tower.local", 8883)).text())

    ran = cli("sync", "enroll", path)
    told = json.loads(cli("sync", "enroll", path, "--json").out)

    assert (ran.code, ran.out.startswith("pi sends to tower.local:8883, until ")) == (0, True)
    assert "Delete" in ran.err
    assert (told["name"], told["host"], told["port"]) == ("pi", "tower.local", 8883)
    assert (tmp_path / "data" / "tower.bundle").exists()


def test_the_towers_releases_are_believed_from_then_on(
    cli: Cli, tmp_path: Path, fleet: Fleet
) -> None:
    bundle, tower = fleet.enroll("pi", Address("tower.local", 8883)), ReleaseTower(tmp_path / "t")
    (tmp_path / "pi.bundle").write_text(replace(bundle, releases=tower.root).text())

    told = json.loads(cli("sync", "enroll", tmp_path / "pi.bundle", "--json").out)

    assert told["releases"] is True
    assert TrustedMetadata(tmp_path / "data").read()["root"] == tower.root
    again = json.loads(cli("sync", "enroll", tmp_path / "pi.bundle", "--json").out)
    assert again["releases"] is False


def test_a_key_that_never_leaves_the_device(cli: Cli, tmp_path: Path, fleet: Fleet) -> None:
    asked = tmp_path / "pi.csr"
    assert cli("sync", "request", "pi", "--out", asked).out.strip() == str(asked)
    answer = fleet.enroll("pi", Address("tower.local", 8883), request=asked.read_text())
    (tmp_path / "pi.bundle").write_text(answer.text())

    assert cli("sync", "enroll", tmp_path / "pi.bundle").code == 0


def test_what_is_no_bundle_is_refused_with_a_hint(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")

    ran = cli("sync", "enroll", tmp_path / "x")

    assert ran.code == 1
    assert "no bundle" in ran.err
    assert "hint: " in ran.err


def test_a_device_can_leave(cli: Cli, tmp_path: Path, fleet: Fleet) -> None:
    path = tmp_path / "pi.bundle"
    path.write_text(fleet.enroll("pi", Address("tower.local", 8883)).text())
    cli("sync", "enroll", path)

    assert cli("sync", "leave").code == 0
    assert cli("sync", "leave").code == 1
