"""`edgecase-tower backup`, as the timers call it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import SentCase
from tower_sync_server.cli.app import main

if TYPE_CHECKING:
    from pathlib import Path

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.setenv("EDGECASE_TOWER_STORE__DATA_DIR", str(tmp_path / "tower"))

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["edgecase-tower", "backup", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


def test_a_copy_is_made_and_the_newest_is_tried(cli: Cli, tmp_path: Path) -> None:
    with opened(tmp_path / "tower") as keep:
        Bench(keep).send(SentCase())
        code, out, err = cli()
    assert code == 0, err
    assert out.startswith(str(tmp_path / "tower" / "backup" / "archive-"))
    code, out, _ = cli("--check", "--json")
    assert code == 0
    assert json.loads(out)["bytes"] > 0
    assert len(list((tmp_path / "tower" / "backup").iterdir())) == 1, "the trial is cleared away"


def test_a_copy_that_no_tower_could_open_is_told(cli: Cli, tmp_path: Path) -> None:
    with opened(tmp_path / "tower"):
        code, out, _ = cli()
    assert code == 0
    path = tmp_path / "tower" / "backup" / out.strip().rpartition("/")[2]
    path.write_bytes(path.read_bytes()[:5000])
    assert cli("--check")[0] == 1


@pytest.mark.parametrize("words", [[], ["--check"]])
def test_where_there_is_nothing_to_copy_it_says_so(cli: Cli, words: list[str]) -> None:
    code, _, err = cli(*words)
    assert code == 1
    assert "no" in err
