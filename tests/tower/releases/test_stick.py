"""A USB stick holds the same repository, good for three months."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tuf.api.exceptions import RepositoryError

from models.offer import STICK, WHEELS
from tests.tower.releases.shop import DAY, Clock, Shop, Stranger, make_model
from tower_sync_server.errors import BadRequestError, DiskFullError, NotFoundError, OperatorError
from tower_sync_server.releases import stick
from tower_sync_server.releases.shelf import read_metadata
from tower_sync_server.releases.stick import export
from tower_sync_server.releases.tuf_words import Timestamp
from tower_sync_server.releases.wheels import offer_wheels
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from pathlib import Path

MODEL = b"w" * 50_000


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path).begin_starter()
    for version in ("1.0.0", "1.1.0"):
        folder = make_model(tmp_path / f"m{version}", version, tail=MODEL + version.encode())
        shop.releases().add(folder, Wish())
    shop.releases().add(make_model(tmp_path / "other", id="other"), Wish())
    return shop


def device(shop: Shop, folder: Path, name: str = "device") -> Stranger:
    """It has the first root from when it was set up, and never saw the tower."""
    return Stranger(shop.home / name, shop.first_root, folder / STICK)


def version_of(path: Path) -> int:
    return int(read_metadata(path.read_bytes(), Timestamp).signed.version)


def test_a_device_without_a_network_takes_a_model_from_the_stick(
    shop: Shop, tmp_path: Path
) -> None:
    done = export(shop.repository(), tmp_path / "usb")
    assert [o.ref for o in done.offers] == ["writer@1.1.0", "other@1.0.0"]
    there = device(shop, tmp_path / "usb")
    new = next(o for o in there.look() if o.version == "1.1.0")
    assert there.fetch(new)["model.gguf"].endswith(MODEL + b"1.1.0")
    assert there.rollout() is not None


def test_only_what_was_chosen_is_copied(shop: Shop, tmp_path: Path) -> None:
    done = export(shop.repository(), tmp_path / "usb", ["writer@1.0.0"])
    assert [o.ref for o in done.offers] == ["writer@1.0.0"]
    models = {p.parent.parent.name for p in (tmp_path / "usb").rglob("*.model.toml")}
    assert models == {"writer"}
    assert len(device(shop, tmp_path / "usb").look()) == 3  # the list is whole and signed
    with pytest.raises(NotFoundError):
        export(shop.repository(), tmp_path / "usb", ["writer@9.9.9"])


def test_a_blacklisted_version_is_not_put_on_it(shop: Shop, tmp_path: Path) -> None:
    shop.releases().blacklist("writer", "1.1.0", "worse")
    done = export(shop.repository(), tmp_path / "usb")
    assert "writer@1.0.0" in [o.ref for o in done.offers]


def test_it_holds_for_ninety_days_and_no_longer(tmp_path: Path) -> None:
    for days, good in ((89, True), (91, False)):
        clock = Clock(datetime.now(UTC) - timedelta(days=days))
        shop = Shop(tmp_path / str(days), clock).begin_starter()
        shop.releases().add(make_model(tmp_path / str(days) / "m"), Wish())
        done = export(shop.repository(), tmp_path / str(days) / "usb")
        assert done.until == clock.now.replace(microsecond=0) + 90 * DAY
        there = device(shop, tmp_path / str(days) / "usb")
        if good:
            assert len(there.look()) == 1
        else:
            with pytest.raises(RepositoryError, match="expired"):
                there.look()


def test_a_tower_that_is_months_old_still_makes_a_stick_for_ninety_days(shop: Shop) -> None:
    """Snapshot and rollout are renewed in time: they never end before the stick's timestamp."""
    shop.clock.now += 100 * DAY
    assert export(shop.repository(), shop.home / "usb").until == shop.clock.now + 90 * DAY


def test_it_says_where_signatures_of_people_end_sooner(shop: Shop) -> None:
    shop.clock.now += 300 * DAY
    done = export(shop.repository(), shop.home / "usb")
    assert done.until < shop.clock.now + 66 * DAY


def test_the_long_timestamp_is_on_the_stick_alone(shop: Shop, tmp_path: Path) -> None:
    export(shop.repository(), tmp_path / "usb")
    on_stick = tmp_path / "usb" / STICK / "metadata" / "timestamp.json"
    served = shop.places.metadata / "timestamp.json"
    assert version_of(served) == version_of(on_stick) + 1
    left = read_metadata(served.read_bytes(), Timestamp).signed.expires - shop.clock.now
    assert left <= 7 * DAY


def test_a_device_that_heard_of_something_newer_refuses_an_old_stick(
    shop: Shop, tmp_path: Path
) -> None:
    export(shop.repository(), tmp_path / "usb")
    shop.releases().blacklist("writer", "1.1.0", "worse")
    there = shop.stranger("device")
    there.look()  # by air
    there.served = tmp_path / "usb" / STICK
    with pytest.raises(RepositoryError):
        there.look()


def test_a_stick_is_brought_up_to_date_with_little(shop: Shop, tmp_path: Path) -> None:
    first = export(shop.repository(), tmp_path / "usb", ["writer"])
    assert first.copied == first.size
    again = export(shop.repository(), tmp_path / "usb", ["writer"])
    assert again.copied == 0
    shop.releases().pause("writer", None, "")
    third = export(shop.repository(), tmp_path / "usb", ["writer"])
    assert 0 < third.copied < 2000


def test_what_an_earlier_export_left_is_cleared_and_nothing_else(
    shop: Shop, tmp_path: Path
) -> None:
    photos = tmp_path / "usb" / "holiday.jpg"
    photos.parent.mkdir()
    photos.write_bytes(b"sea")
    export(shop.repository(), tmp_path / "usb", ["other"])
    export(shop.repository(), tmp_path / "usb", ["writer"])
    assert not (tmp_path / "usb" / STICK / "targets" / "other").exists()
    assert photos.read_bytes() == b"sea"


def test_a_file_that_went_bad_on_the_stick_is_written_again(shop: Shop, tmp_path: Path) -> None:
    export(shop.repository(), tmp_path / "usb")
    (bad,) = (tmp_path / "usb" / STICK / "targets" / "writer").rglob("*.model.gguf")
    bad.write_bytes(bytes(bad.stat().st_size))
    assert export(shop.repository(), tmp_path / "usb").copied == bad.stat().st_size
    there = device(shop, tmp_path / "usb")
    there.fetch(next(o for o in there.look() if o.version == "1.1.0"))


def test_a_stick_that_is_too_small_is_refused_before_anything_is_copied(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stick, "free_bytes", lambda _: 1_040_000)
    with pytest.raises(DiskFullError, match="1 MB free"):
        export(shop.repository(), tmp_path / "usb")
    assert not list((tmp_path / "usb").rglob("*.gguf"))


def test_a_stick_that_is_pulled_while_it_is_written_is_no_repository(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pulled(Exception):  # noqa: N818 - a stick that is gone
        pass

    export(shop.repository(), tmp_path / "usb", ["other"])
    real = stick._write_from
    left = [2]

    def write(path: Path, source: Path) -> None:
        if not left[0]:
            raise Pulled
        left[0] -= 1
        real(path, source)

    monkeypatch.setattr(stick, "_write_from", write)
    with suppress(Pulled):
        export(shop.repository(), tmp_path / "usb")
    assert left == [0]
    assert not (tmp_path / "usb" / STICK / "metadata" / "timestamp.json").exists()
    monkeypatch.setattr(stick, "_write_from", real)
    export(shop.repository(), tmp_path / "usb")
    there = device(shop, tmp_path / "usb")
    for offer in there.look():
        if offer.ref != "writer@1.0.0":
            there.fetch(offer)


def test_where_nothing_was_begun_or_no_folder_is_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        export(Shop(tmp_path).repository(), tmp_path / "usb")
    assert "release init" in caught.value.hint
    shop = Shop(tmp_path / "2").begin_starter()
    (tmp_path / "file").write_text("")
    with pytest.raises(BadRequestError, match="no folder"):
        export(shop.repository(), tmp_path / "file")


def test_people_find_on_it_what_it_is(shop: Shop, tmp_path: Path) -> None:
    export(shop.repository(), tmp_path / "usb")
    home = tmp_path / "usb" / STICK
    contents = json.loads((home / "contents.json").read_text())
    assert [m["version"] for m in contents["models"]] == ["1.1.0", "1.0.0"]
    assert "install.sh --update-models" in (home / "README.txt").read_text()
    assert json.loads((home / "wheels.json").read_text()) == {"wheels": []}


# ---- packages for devices


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    (folder / "numpy-2.1.0-cp311-cp311-manylinux_2_17_aarch64.whl").write_bytes(b"numpy")
    (folder / "edgecase-0.2.0-py3-none-any.whl").write_bytes(b"edgecase")
    return folder


def test_packages_are_signed_listed_and_carried(shop: Shop, tmp_path: Path, wheels: Path) -> None:
    done, found = offer_wheels(shop.repository(), wheels)
    assert done.missing == ()
    assert [(w["name"], w["version"], w["platform"]) for w in found] == [
        ("edgecase", "0.2.0", "any"),
        ("numpy", "2.1.0", "manylinux_2_17_aarch64"),
    ]
    assert export(shop.repository(), tmp_path / "usb").wheels == 2
    there = device(shop, tmp_path / "usb")
    updater = there.updater()
    listed = updater.download_target(updater.get_targetinfo(WHEELS))
    text = (tmp_path / "usb" / STICK / "wheels.json").read_text()
    assert json.loads(text) == {"wheels": found}
    with open(listed) as file:  # noqa: PTH123 - a path of the client's
        assert file.read() == text
    for wheel in found:
        updater.download_target(updater.get_targetinfo(f"wheels/{wheel['file']}"))


def test_new_packages_take_the_place_of_the_old(shop: Shop, wheels: Path) -> None:
    offer_wheels(shop.repository(), wheels)
    next(wheels.glob("numpy*")).unlink()
    offer_wheels(shop.repository(), wheels)
    updater = shop.stranger().updater()
    assert updater.get_targetinfo("wheels/edgecase-0.2.0-py3-none-any.whl") is not None
    assert not [p for p in shop.repository().draft().targets if "numpy" in p]


def test_a_folder_without_packages_is_refused(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="no wheels"):
        offer_wheels(shop.repository(), tmp_path)
    (tmp_path / "x.whl").write_bytes(b"")
    with pytest.raises(BadRequestError, match="no name of a wheel"):
        offer_wheels(shop.repository(), tmp_path)


def test_a_stick_that_was_tampered_with_is_refused(shop: Shop, tmp_path: Path) -> None:
    """The table of test_tampering holds for a folder as well; here the stick's own files."""
    export(shop.repository(), tmp_path / "usb")
    home = tmp_path / "usb" / STICK
    shutil.copy(shop.places.metadata / "1.root.json", home / "metadata" / "2.root.json")
    with pytest.raises(RepositoryError):
        device(shop, tmp_path / "usb").look()
