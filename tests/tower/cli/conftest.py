"""The tower's command line, on a folder of the test's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tower_sync_server.cli.app import main

if TYPE_CHECKING:
    from pathlib import Path

Cli = Callable[..., tuple[int, str, str]]
"""Words of a command → its exit code, and what it printed: to stdout, to stderr."""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    monkeypatch.setenv("EDGECASE_TOWER_STORE__DATA_DIR", str(tmp_path / "tower"))
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["edgecase-tower", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run
