"""A machine that can't run the appliance's tests says so in one line, and is passed over."""

from __future__ import annotations

import os
import subprocess
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from tests.appliance import able, conftest
from tests.appliance.container import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(able.UnableError, match="not root"):
        able.look("bookworm")


def test_a_program_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: None if name == "losetup" else name)
    with pytest.raises(able.UnableError, match="no losetup"):
        able.look("bookworm")


def test_a_full_disk_is_seen_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(able, "CACHE", tmp_path)
    monkeypatch.setattr(able, "FREE_MB", 10**9)
    with pytest.raises(able.UnableError, match="are needed"):
        able.look("bookworm")


@pytest.mark.parametrize(
    ("part", "failure", "said"),
    [
        ("base", subprocess.CalledProcessError(1, ["debootstrap"]), "debootstrap can't make"),
        ("attached", OSError(2, "No such file", "/dev/loop-control"), "no loop devices"),
        ("Container", PermissionError(1, "Operation not permitted"), "can't be prepared"),
    ],
)
def test_what_the_sandbox_forbids_is_one_line_and_no_traceback(
    part: str,
    failure: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: name)
    monkeypatch.setattr(able, "CACHE", tmp_path)
    monkeypatch.setattr(able, "FREE_MB", 0)
    monkeypatch.setattr(able, "base", lambda release: tmp_path)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(able, "attached", lambda *_: nullcontext(tmp_path))
    monkeypatch.setattr(able, part, fail)
    assert able.main([]) == able.UNABLE
    line = capsys.readouterr().out
    assert said in line
    assert line.count("\n") == 1


class NeverBoots:
    """A container in which systemd doesn't come up."""

    removed = False

    def __init__(self, *_: object, **__: object) -> None:
        """Take what a container takes."""

    def boot(self) -> None:
        raise AssertionError("systemd does not come up (): Operation not permitted")

    def remove(self) -> None:
        type(self).removed = True


def test_a_container_that_does_not_boot_is_removed_and_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(able, "Container", NeverBoots)
    with pytest.raises(able.UnableError, match="doesn't boot.*Operation not permitted"):
        able._look_inside("bookworm", tmp_path)
    assert NeverBoots.removed


@pytest.mark.parametrize(
    ("seconds", "why"), [("600", "no loop devices"), ("60", "60 seconds are left")]
)
def test_the_script_of_ci_ends_well_where_the_machine_cannot(
    seconds: str, why: str, tmp_path: Path
) -> None:
    for name, text in {
        "id": "echo 0",
        "losetup": "exit 1",
        **dict.fromkeys(("debootstrap", "systemd-nspawn", "mke2fs"), "exit 0"),
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    if seconds == "600" and os.geteuid() != 0:
        why = "not root"
    done = subprocess.run(
        [ROOT / "scripts" / "test", "--appliance", "--if-able"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}",
             "APPLIANCE_SECONDS": seconds},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "are passed over on this machine" in done.stdout
    assert why in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(("until", "begun"), [("0.0", False), ("9e12", True), ("", True)])
def test_no_test_is_begun_when_the_time_is_over(
    until: str, begun: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(conftest.UNTIL, until)
    item = request.node
    item.add_marker(pytest.mark.appliance)
    if begun:
        conftest.pytest_runtest_setup(item)
        return
    with pytest.raises(pytest.skip.Exception, match="not reached"):
        conftest.pytest_runtest_setup(item)
