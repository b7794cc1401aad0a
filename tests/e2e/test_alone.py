"""From the first start on there is no network, no clock, or no room: what has to work works."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.running import ROOT, Device, until
from tests.fakes.alone import LonelyDevice, started_in
from tests.fakes.mounts import tmpfs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PHOTO = ROOT / "tests" / "data" / "photos" / "vehicle" / "chipped-paint.jpg"
OFFLINE = {
    "EDGECASE_SYNC__HOST": "127.0.0.1",
    "EDGECASE_SYNC__PORT": "1",
    "EDGECASE_UPDATES__URL": "http://127.0.0.1:1/releases",
}
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes a network, mounts a disk"),
]


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LonelyDevice]:
    """Configured for a tower where nobody is."""
    device = LonelyDevice(tmp_path_factory.mktemp("data"), **OFFLINE)
    try:
        until(device.ready)
        yield device
    finally:
        device.stop()


def test_without_a_network_a_photo_becomes_a_case_with_a_verified_summary(
    lonely: LonelyDevice,
) -> None:
    status, case = lonely.ask("/cases", "POST", PHOTO)
    assert (status, case["predictions"][0]["label"]) == (201, "paint_chip")

    def summary() -> dict[str, Any]:
        found: dict[str, Any] = lonely.ask(f"/cases/{case['id']}")[1]["summary"]
        return found

    until(lambda: summary()["author"] == "llm")
    assert summary()["verified"] is True


@pytest.mark.parametrize("path", ["/", "/docs", "/history"])
def test_without_a_network_every_page_finds_what_it_asks_for(
    lonely: LonelyDevice, path: str
) -> None:
    status, page = lonely.ask(path)
    assert status == 200
    parts = set(re.findall(r'(?:src|href)="([^"#?]+\.(?:js|css|svg))', page.decode()))
    assert parts
    assert all(part.startswith("/") for part in parts)  # and nothing of anybody else's
    assert {lonely.ask(part)[0] for part in parts} == {200}


def test_without_a_network_what_waits_for_the_tower_is_said(lonely: LonelyDevice) -> None:
    lonely.ask("/cases", "POST", PHOTO)
    said = lonely.ask("/sync")[1]
    assert said["cases"] >= 1
    assert said["link"]["connected"] is False


def test_a_first_start_in_1970_takes_photos_and_says_that_the_clock_is_wrong(
    tmp_path: Path,
) -> None:
    device = Device(tmp_path / "data", **started_in("1970-01-01 00:01:00"))
    try:
        until(device.ready)
        made = [device.ask("/cases", "POST", PHOTO) for _ in range(2)]
        assert [status for status, _ in made] == [201, 201]
        listed = device.cases()
        assert [case["seq"] for case in listed] == [2, 1]
        assert json.dumps(listed).count("1970-01-01") >= 2, "the control: it was in 1970"
    finally:
        device.stop()


def test_a_disk_that_another_program_fills_refuses_photos_until_there_is_room(
    tmp_path: Path,
) -> None:
    with tmpfs(tmp_path / "disk", 120) as disk:
        device = Device(disk / "data")
        try:
            until(device.ready)
            before = device.ask("/cases", "POST", PHOTO)
            filler = disk / "another-program"
            with filler.open("wb") as file:
                file.write(bytes(os.statvfs(disk).f_bavail * 4096 - 20_000_000))
            refused = device.ask("/cases", "POST", PHOTO)
            health = device.ask("/health")
            filler.unlink()
            after = device.ask("/cases", "POST", PHOTO)
        finally:
            device.stop()
    assert (before[0], refused[0], after[0]) == (201, 507, 201)
    assert refused[1]["error"]["hint"]
    assert health[0] == 503
    assert "disk" in json.dumps(health[1])
