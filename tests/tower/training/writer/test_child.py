"""The process that writes while measuring ends with the measuring, whatever it is doing."""

import subprocess

import pytest

from tower_sync_server.training.writer import child
from tower_sync_server.training.writer.child import Child


def test_a_process_that_does_not_end_by_itself_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_PATIENCE_S", 0.1)
    busy = Child.__new__(Child)
    with subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as own:
        busy._process = own
        busy.__exit__(None, None, None)
        assert own.returncode == -9
