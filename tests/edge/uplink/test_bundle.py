"""Taking in the file that makes this device part of a fleet."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from edge.config import SyncSettings
from edge.errors import BadRequestError, OperatorError
from edge.uplink.bundle import KEY, NAME, install, join, read, request
from tower_sync_server.fleet.fleet import Address, Before, Fleet

if TYPE_CHECKING:
    from pathlib import Path

    from sync.bundle import Bundle

AT = Address("tower.local", 8883)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path / "fleet")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def handed_over(folder: Path, bundle: Bundle) -> Path:
    path = folder / f"{bundle.name}.bundle"
    path.write_text(bundle.text())
    return path


def test_it_is_found_by_itself_and_says_everything(
    tmp_path: Path, fleet: Fleet, data: Path
) -> None:
    bundle = fleet.enroll("pi", AT)
    install(handed_over(tmp_path, bundle), data)

    joined = join(SyncSettings(), data)

    way, own = joined.settings, data / NAME
    assert (way.host, way.port, way.device) == ("tower.local", 8883, "pi")
    assert (way.ca, way.certificate, way.key) == (own, own, own)
    assert joined.since == bundle.since
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    assert list(data.iterdir()) == [own]


def test_without_one_nothing_is_set(data: Path) -> None:
    assert join(SyncSettings(), data).settings == SyncSettings()


def test_what_is_set_by_hand_wins(tmp_path: Path, fleet: Fleet, data: Path) -> None:
    install(handed_over(tmp_path, fleet.enroll("pi", AT)), data)

    moved = join(SyncSettings(host="10.0.0.5", port=9999), data).settings
    own = SyncSettings(host="other", ca=tmp_path / "ca.pem")

    assert (moved.host, moved.port, moved.device) == ("10.0.0.5", 9999, "pi")
    assert join(own, data).settings == own


def test_it_may_lie_anywhere(tmp_path: Path, fleet: Fleet, data: Path) -> None:
    path = handed_over(tmp_path, fleet.enroll("pi", AT))

    assert join(SyncSettings(bundle=path), data).settings.ca == path


def test_one_that_can_not_be_used_says_why_and_stops_nothing(tmp_path: Path, data: Path) -> None:
    missing = join(SyncSettings(bundle=tmp_path / "none"), data)
    data.mkdir()
    (data / NAME).write_text("nonsense")
    broken = join(SyncSettings(), data)

    assert "can't be read" in missing.fault
    assert "no bundle" in broken.fault
    assert "devices enroll" in broken.fault
    assert broken.settings.host == ""


def test_the_key_may_never_leave_the_device(tmp_path: Path, fleet: Fleet, data: Path) -> None:
    asked = request("pi", data)
    assert "PRIVATE" not in asked
    assert stat.S_IMODE((data / KEY).stat().st_mode) == 0o600
    answer = fleet.enroll("pi", AT, request=asked)
    assert "PRIVATE" not in answer.text()

    install(handed_over(tmp_path, answer), data)

    assert read(data / NAME).key != ""
    assert [path.name for path in data.iterdir()] == [NAME]


def test_an_answer_to_another_request_is_refused_and_the_old_bundle_stays(
    tmp_path: Path, fleet: Fleet, data: Path
) -> None:
    first = fleet.enroll("pi", AT)
    install(handed_over(tmp_path, first), data)
    answer = fleet.enroll("pi", AT, Before.STAYS, request=request("pi", data))
    request("pi", data)

    with pytest.raises(BadRequestError, match="another request") as e:
        install(handed_over(tmp_path, answer), data)

    assert "edgecase sync request pi" in e.value.hint
    assert read(data / NAME) == first


def test_an_answer_for_another_device_is_refused(tmp_path: Path, fleet: Fleet, data: Path) -> None:
    answer = fleet.enroll("pi", AT, request=request("pi", tmp_path / "other"))
    with pytest.raises(BadRequestError, match="none waits"):
        install(handed_over(tmp_path, answer), data)
    assert not (data / NAME).exists()


def test_a_name_that_fits_no_topic_is_never_asked_for(data: Path) -> None:
    with pytest.raises(BadRequestError, match="topic"):
        request("a/b", data)
    assert not data.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 100_000])
def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BadRequestError, match="no bundle"):
        read(path)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="can't be read"):
        read(tmp_path / "none")


@pytest.mark.root
def test_what_root_puts_in_place_is_the_daemons_to_read(
    tmp_path: Path, fleet: Fleet, data: Path
) -> None:
    data.mkdir()
    os.chown(data, 65534, 65534)

    install(handed_over(tmp_path, fleet.enroll("pi", AT)), data)

    assert (data / NAME).stat().st_uid == 65534
