"""What the doctor says of HTTPS."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from edge.config import HttpSettings
from edge.doctor.findings import Level
from edge.doctor.https import https, judge
from edge.lan.authority import new_authority, new_server
from edge.lan.keyring import AUTHORITY, Keyring

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
NAMES = ("edgecase-1a2b.local",)
OPEN = HttpSettings(host="0.0.0.0", auth="token")


def server():
    return new_server(new_authority("edgecase-1a2b", NAMES), NAMES, NOW)


def test_on_loopback_it_is_off_and_that_is_fine(tmp_path: Path) -> None:
    assert https(HttpSettings(), tmp_path, NOW).level is Level.PASS


def test_on_a_network_without_it_others_can_read_along(tmp_path: Path) -> None:
    found = https(HttpSettings(host="0.0.0.0", auth="token", tls_port=0), tmp_path, NOW)
    assert found.level is Level.WARN
    assert found.mend == "set http.tls_port"


def test_before_the_first_start_there_are_no_keys_yet(tmp_path: Path) -> None:
    assert "next start" in https(OPEN, tmp_path, NOW).message


def test_keys_that_can_not_be_read_fail_with_what_mends_them(tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / AUTHORITY).write_text("no key")
    found = https(OPEN, tmp_path, NOW)
    assert found.level is Level.FAIL
    assert "Move" in found.mend


def test_what_the_device_made_is_found(tmp_path: Path) -> None:
    keys = Keyring(tmp_path / "tls")
    by = keys.add_authority(new_authority("edgecase-1a2b", NAMES))
    keys.put_server(new_server(by, NAMES, NOW), by)
    found = https(OPEN, tmp_path, NOW)
    assert found.level is Level.PASS
    assert "port 8443, certificate from 2026-" in found.message


@pytest.mark.parametrize(
    ("after", "level"),
    [
        (timedelta(days=-3000), Level.FAIL),
        (timedelta(days=1), Level.PASS),
        (timedelta(days=380), Level.WARN),
        (timedelta(days=3000), Level.FAIL),
    ],
)
def test_a_certificate_is_judged_by_the_clock(after: timedelta, level: Level) -> None:
    assert judge(8443, server(), NOW + after).level is level
