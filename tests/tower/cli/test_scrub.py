"""`edgecase-tower scrub`, as the timer calls it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import SentCase
from tower_sync_server.errors import UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.tower.cli.conftest import Cli


def test_where_all_is_well_it_says_so_and_rests_for_a_while(cli: Cli, tmp_path: Path) -> None:
    with opened(tmp_path / "tower") as keep:
        Bench(keep).send(SentCase())

    assert cli("scrub", "--days", 7, "--hours", 4) == (
        0,
        "",
        "2 pictures looked at: all of them.\n",
    )
    code, _, err = cli("scrub", "--days", 7, "--hours", 4)

    assert (code, "Nothing to do before" in err) == (0, True)


def test_what_is_damaged_is_told_in_the_exit_status_too(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr("tower_sync_server.cli.devices.wish", lambda _s, names: asked.append(names))
    case = SentCase()
    with opened(tmp_path / "tower") as keep:
        Bench(keep).send(case)
        (tmp_path / "tower/blobs" / case.image[:2] / case.image).write_bytes(b"rotten")

    code, out, err = cli("scrub", "--json")

    told = json.loads(out)
    assert (code, told["bad"], told["devices"]) == (1, {"damaged": 1}, ["gate"])
    assert asked == [["gate"]]
    assert "They were asked" in err
    assert cli("scrub")[0] == 0  # nothing new


def test_without_a_broker_what_is_damaged_is_told_all_the_same(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = SentCase()
    with opened(tmp_path / "tower") as keep:
        Bench(keep).send(case)
        (tmp_path / "tower/blobs" / case.image[:2] / case.image).unlink()

    def gone(*_: object) -> None:
        raise UnavailableError("The broker did not take the wishes.")

    monkeypatch.setattr("tower_sync_server.cli.devices.wish", gone)

    code, out, err = cli("scrub")

    assert (code, out) == (1, "1 missing, of gate.\n")
    assert "They compare within a day, and not at once: The broker" in err


def test_it_leaves_the_tower_s_files_to_the_tower_s_user(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tower").mkdir()
    monkeypatch.setattr("os.geteuid", lambda: 4711)

    code, _, err = cli("scrub")

    assert code == 1
    assert "edgecase-tower scrub" in err
