"""`edgecase-tower backup`, as the timers call it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import SentCase

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tower.cli.conftest import Cli


def test_a_copy_is_made_and_the_newest_is_tried(cli: Cli, tmp_path: Path) -> None:
    with opened(tmp_path / "tower") as keep:
        Bench(keep).send(SentCase())
        code, out, err = cli("backup")
    assert code == 0, err
    assert out.startswith(str(tmp_path / "tower" / "backup" / "archive-"))
    code, out, _ = cli("backup", "--check", "--json")
    assert code == 0
    assert json.loads(out)["bytes"] > 0
    assert len(list((tmp_path / "tower" / "backup").iterdir())) == 1, "the trial is cleared away"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_root_does_not_leave_its_files_in_a_towers_folder(cli: Cli, tmp_path: Path) -> None:
    with opened(tmp_path / "tower"):
        pass
    os.chown(tmp_path / "tower", 12345, 12345)
    code, _, err = cli("backup")
    assert code != 0
    assert "sudo -u '#12345' edgecase-tower backup" in err
    assert not (tmp_path / "tower" / "backup").exists()


def test_a_copy_that_no_tower_could_open_is_told(cli: Cli, tmp_path: Path) -> None:
    with opened(tmp_path / "tower"):
        code, out, _ = cli("backup")
    assert code == 0
    path = tmp_path / "tower" / "backup" / out.strip().rpartition("/")[2]
    path.write_bytes(path.read_bytes()[:5000])
    assert cli("backup", "--check")[0] == 1


@pytest.mark.parametrize("words", [[], ["--check"]])
def test_where_there_is_nothing_to_copy_it_says_so(cli: Cli, words: list[str]) -> None:
    code, _, err = cli("backup", *words)
    assert code == 1
    assert "no" in err
