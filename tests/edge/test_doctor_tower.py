"""The doctor's look at the way to the tower."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from edge.config import SyncSettings
from edge.doctor.tower import judge, link, tower
from edge.uplink.bundle import install
from tower_sync_server.fleet.fleet import Address, Fleet, now_utc

if TYPE_CHECKING:
    from pathlib import Path

    from sync.bundle import Bundle

DAY = timedelta(days=1)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Fleet(tmp_path / "fleet").enroll("pi", Address("tower.local", 8883))


@pytest.mark.parametrize(
    ("after", "believed", "expected", "words"),
    [
        (DAY, True, "PASS", "knows this device as pi, until"),
        (700 * DAY, True, "WARN", "only until"),
        (731 * DAY, True, "FAIL", "it has expired"),
        (-DAY, True, "WARN", "the clock is behind"),
        (5000 * DAY, False, "WARN", "the clock is wrong"),
    ],
)
def test_a_certificate_that_ends_is_said_in_time(
    bundle: Bundle, after: timedelta, believed: bool, expected: str, words: str
) -> None:
    found = judge(bundle, now_utc() + after, believed=believed)

    assert found.level.value == expected
    assert words in found.message
    assert expected != "FAIL" or "devices renew pi" in found.mend


def test_the_way_is_found_as_the_daemon_finds_it(tmp_path: Path, bundle: Bundle) -> None:
    data, given = tmp_path / "data", tmp_path / "pi.bundle"

    def said(settings: SyncSettings) -> tuple[str, str]:
        found = tower(settings, data, now_utc(), believed=True)
        return found.level.value, found.message

    assert said(SyncSettings()) == ("PASS", "none is set: every case stays here")
    assert said(SyncSettings(host="127.0.0.1"))[1] == "127.0.0.1, as set in [sync]"
    assert said(SyncSettings(bundle=given))[0] == "FAIL"
    given.write_text(bundle.text())
    install(given, data)
    assert "tower.local:8883" in said(SyncSettings())[1]


def test_a_broker_that_does_not_answer_is_a_warning(tmp_path: Path) -> None:
    assert link(SyncSettings(), tmp_path) == []
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = SyncSettings(host="127.0.0.1", port=server.getsockname()[1])
        (found,) = link(there, tmp_path)
        assert found.level.value == "PASS"
    (found,) = link(there, tmp_path)
    assert found.level.value == "WARN"
    assert "cases wait here" in found.message
