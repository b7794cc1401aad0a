"""The repository: who signs what, and what is served when."""

from __future__ import annotations

import json
import stat
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tuf.api.exceptions import DownloadError

from models.offer import Ring
from models.rollout import Rollout, open_to
from tests.tower.releases.shop import DAY, Clock, Shop, make_model
from tower_sync_server.errors import BadRequestError, NotFoundError, OperatorError
from tower_sync_server.releases import edits
from tower_sync_server.releases.changes import sign_change
from tower_sync_server.releases.keys import read_private
from tower_sync_server.releases.shelf import KEPT, Shelf
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path).begin_starter()


def versions(shop: Shop) -> dict[str, int]:
    now = shop.repository().read()
    named = {"targets": now.targets, "rollout": now.rollout, "snapshot": now.snapshot}
    named |= {"timestamp": now.timestamp}
    return {role: one.signed.version for role, one in named.items() if one is not None}


# ---- starter mode


def test_a_stranger_reads_what_was_added(shop: Shop, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m", notes=b"x" * 5000)
    added = shop.releases().add(folder, Wish(notes="Writes shorter."))
    assert added.done.missing == ()

    (offer,) = shop.stranger().look()
    assert offer == added.offer
    assert (offer.ring, offer.notes) == (Ring.ALL, "Writes shorter.")
    got = shop.stranger().fetch(offer)
    assert got == {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_private_keys_are_readable_by_their_owner_alone(shop: Shop) -> None:
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in shop.places.keys.glob("*.pem")}
    assert set(modes) == {
        f"{r}.pem" for r in ("root", "targets", "snapshot", "timestamp", "rollout")
    }
    assert set(modes.values()) == {0o600}


def test_adding_the_same_folder_twice_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    shop.releases().add(folder, Wish())
    before = versions(shop)
    assert shop.releases().add(folder, Wish()).again
    assert versions(shop) == before


def test_another_content_under_the_same_version_is_refused(shop: Shop, tmp_path: Path) -> None:
    shop.releases().add(make_model(tmp_path / "m"), Wish())
    with pytest.raises(BadRequestError, match="with other content"):
        shop.releases().add(make_model(tmp_path / "n", tail=b"!"), Wish())


def test_an_older_version_than_the_newest_is_refused(shop: Shop, tmp_path: Path) -> None:
    shop.releases().add(make_model(tmp_path / "m", "1.10.0"), Wish())
    with pytest.raises(BadRequestError, match="which is newer"):
        shop.releases().add(make_model(tmp_path / "n", "1.9.0"), Wish())


def test_a_new_version_says_which_one_it_follows(shop: Shop, tmp_path: Path) -> None:
    for version in ("1.9.0", "1.10.0"):
        shop.releases().add(make_model(tmp_path / version, version), Wish())
    made = shop.releases().add(make_model(tmp_path / "n", "1.11.0"), Wish()).offer
    assert made.replaces == "1.10.0"


def test_a_new_version_costs_only_the_files_that_changed(shop: Shop, tmp_path: Path) -> None:
    big, small = b"w" * 200_000, b"a table"
    shop.releases().add(make_model(tmp_path / "m", "1.0.0", tail=big, table=small), Wish())
    shop.releases().add(make_model(tmp_path / "n", "1.0.1", tail=big, table=b"another"), Wish())
    new, old = shop.stranger().look()[::-1]
    assert new.version == "1.0.1"
    had = {file.sha256 for file in old.files}
    fresh = [file.path for file in new.files if file.sha256 not in had]
    assert fresh == ["table.bin"]  # all else a device has on its own disk
    # On the tower they are one file with two names.
    inodes = {p.stat().st_ino for p in shop.places.targets.rglob("*model.gguf")}
    assert len(inodes) == 1


def test_two_models_of_one_call_and_of_two_are_offered_beside_each_other(
    shop: Shop, tmp_path: Path
) -> None:
    for id in ("one", "two"):
        shop.releases().add(make_model(tmp_path / id, id=id), Wish())
    assert [o.ref for o in shop.stranger().look()] == ["one@1.0.0", "two@1.0.0"]


def test_a_removed_version_is_gone_with_its_files(shop: Shop, tmp_path: Path) -> None:
    same = b"w" * 1000
    for version in ("1.0.0", "1.0.1"):
        shop.releases().add(make_model(tmp_path / version, version, tail=same), Wish())
    shop.releases().remove("writer", "1.0.0")
    (left,) = shop.stranger().look()
    assert left.version == "1.0.1"
    assert not (shop.places.targets / "writer" / "1.0.0").exists()
    assert shop.stranger().fetch(left)["model.gguf"].endswith(same)


def test_what_is_not_offered_can_not_be_promoted(shop: Shop) -> None:
    with pytest.raises(NotFoundError):
        shop.releases().promote("writer", None, Ring.ALL, step=False)


def test_without_a_repository_every_command_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(OperatorError) as caught:
        Shop(tmp_path).repository().refresh()
    assert "release init" in caught.value.hint


# ---- rings


def test_a_version_that_starts_at_canary_is_open_no_further(shop: Shop, tmp_path: Path) -> None:
    wish = Wish(ring=Ring.ALL, start=Ring.CANARY)
    shop.releases().add(make_model(tmp_path / "m"), wish)
    (offer,) = shop.stranger().look()
    assert offer.ring is Ring.ALL
    assert open_to(offer, shop.stranger().rollout()) is Ring.CANARY


def test_promoting_opens_the_ring_and_step_leaves_that_to_the_tower(
    shop: Shop, tmp_path: Path
) -> None:
    shop.releases().add(make_model(tmp_path / "m"), Wish(ring=Ring.CANARY))
    shop.releases().promote("writer", None, Ring.ALL, step=True)
    (offer,) = shop.stranger().look()
    assert open_to(offer, shop.stranger().rollout()) is Ring.CANARY
    shop.releases().promote("writer", None, Ring.ALL, step=False)
    assert open_to(offer, shop.stranger().rollout()) is Ring.ALL


def test_promoting_to_a_narrower_ring_narrows(shop: Shop, tmp_path: Path) -> None:
    shop.releases().add(make_model(tmp_path / "m"), Wish(ring=Ring.ALL))
    shop.releases().promote("writer", "1.0.0", Ring.CANARY, step=False)
    (offer,) = shop.stranger().look()
    assert open_to(offer, shop.stranger().rollout()) is Ring.CANARY


def test_pause_resume_and_blacklist_are_seen_at_once(shop: Shop, tmp_path: Path) -> None:
    shop.releases().add(make_model(tmp_path / "m"), Wish())
    (offer,) = shop.stranger().look()
    device = shop.stranger()
    shop.releases().pause("writer", None, "strange summaries")
    assert device.rollout().of("writer", "1.0.0").reason == "strange summaries"
    assert open_to(offer, device.rollout()) is None
    shop.releases().resume("writer", None)
    assert device.rollout() == Rollout()
    shop.releases().blacklist("writer", "1.0.0", "worse")
    assert device.rollout().of("writer", "1.0.0").blacklisted
    shop.releases().blacklist("writer", "1.0.0", "", undo=True)
    assert device.rollout() == Rollout()


def test_everything_can_be_paused_together(shop: Shop) -> None:
    shop.releases().pause(None, None, "holidays")
    assert shop.stranger().rollout() == Rollout(paused=True, reason="holidays")
    shop.releases().resume(None, None)
    assert shop.stranger().rollout() == Rollout()


def test_rollback_takes_the_newest_back_and_then_the_one_before(shop: Shop, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        shop.releases().add(make_model(tmp_path / version, version), Wish())
    assert [o.version for o in shop.releases().rollback("writer", None, "")[1]] == ["1.2.0"]
    assert [o.version for o in shop.releases().rollback("writer", None, "")[1]] == ["1.1.0"]
    held = shop.stranger().rollout()
    assert [held.of("writer", v).blacklisted for v in ("1.0.0", "1.1.0", "1.2.0")] == [
        False, True, True,
    ]  # fmt: skip


def test_rollback_to_a_version_takes_back_all_after_it(shop: Shop, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        shop.releases().add(make_model(tmp_path / version, version), Wish())
    gone = shop.releases().rollback("writer", "1.0.0", "")[1]
    assert {o.version for o in gone} == {"1.1.0", "1.2.0"}
    with pytest.raises(BadRequestError):
        shop.releases().rollback("writer", "1.0.0", "")


def test_a_removed_version_stays_blacklisted(shop: Shop, tmp_path: Path) -> None:
    """With two people its removal may wait for days; it must not come back meanwhile."""
    shop.releases().add(make_model(tmp_path / "m"), Wish())
    shop.releases().blacklist("writer", "1.0.0", "worse")
    shop.releases().remove("writer", "1.0.0")
    assert shop.stranger().rollout().of("writer", "1.0.0").blacklisted


# ---- two people


@pytest.fixture
def pair(tmp_path: Path) -> Shop:
    """Two of three sign; the root is published."""
    shop = Shop(tmp_path).begin_with_people()
    done, _ = shop.repository("ann-root", "ben-root", "ann-targets", "ben-targets").sign()
    assert done.missing == ()
    return shop


def test_before_the_root_is_signed_nothing_at_all_is_served(tmp_path: Path) -> None:
    shop = Shop(tmp_path).begin_with_people()
    assert not shop.served.exists()
    done, _ = shop.repository("ann-root", "ann-targets").sign()
    assert {m.role: m.count for m in done.missing} == {"root": 1, "targets": 1}
    assert not shop.served.exists()
    done, _ = shop.repository("cleo-root").sign()
    assert [m.role for m in done.missing] == ["targets"]
    assert not shop.served.exists()
    done, _ = shop.repository("ben-targets").sign()
    assert done.missing == ()
    assert shop.stranger().look() == ()


def test_with_one_signature_a_model_is_neither_listed_nor_there(pair: Shop, tmp_path: Path) -> None:
    device, before = pair.stranger(), sorted(p for p in pair.served.rglob("*"))
    added = pair.releases("ann-targets").add(make_model(tmp_path / "m"), Wish())
    assert [(m.role, m.count) for m in added.done.missing] == [("targets", 1)]
    assert "ben-targets" in added.done.missing[0].signers[0]
    assert sorted(p for p in pair.served.rglob("*")) == before
    assert device.look() == ()

    done, count = pair.repository("cleo-targets").sign()
    assert (count, done.missing) == (1, ())
    (offer,) = device.look()
    assert offer.ring is Ring.CANARY  # two people begin with few
    assert device.fetch(offer)["CARD.md"] == b"# A card\n"
    assert not list(pair.places.pending.glob("*.json"))


def test_the_same_person_twice_is_one_signature(pair: Shop, tmp_path: Path) -> None:
    pair.releases("ann-targets").add(make_model(tmp_path / "m"), Wish())
    done, count = pair.repository("ann-targets").sign()
    assert (count, [m.count for m in done.missing]) == (0, [1])


def test_a_key_of_nobody_adds_no_signature(pair: Shop, tmp_path: Path) -> None:
    pair.person("mallory")
    pair.releases("ann-targets").add(make_model(tmp_path / "m"), Wish())
    done, count = pair.repository("mallory").sign()
    assert (count, [m.count for m in done.missing]) == (0, [1])


def test_a_root_key_does_not_sign_models(pair: Shop, tmp_path: Path) -> None:
    pair.releases("ann-targets").add(make_model(tmp_path / "m"), Wish())
    _, count = pair.repository("ben-root").sign()
    assert count == 0


def test_a_copy_is_signed_elsewhere_and_taken_over(pair: Shop, tmp_path: Path) -> None:
    added = pair.releases("ann-targets").add(make_model(tmp_path / "m"), Wish())
    copy = tmp_path / "mail.json"
    copy.write_bytes(added.done.files[0].read_bytes())
    assert sign_change(copy, read_private(pair.people / "ben-targets"))
    assert not sign_change(copy, read_private(pair.people / "ben-targets"))
    done, count = pair.repository().take(copy)
    assert (count, done.missing) == (1, ())
    assert len(pair.stranger().look()) == 1


def test_a_copy_that_was_changed_on_its_way_is_not_taken(pair: Shop, tmp_path: Path) -> None:
    added = pair.releases("ann-targets").add(make_model(tmp_path / "m"), Wish())
    said: dict[str, Any] = json.loads(added.done.files[0].read_bytes())
    said["signed"]["targets"]["writer/1.0.0/model.gguf"]["length"] += 1
    copy = tmp_path / "mail.json"
    copy.write_text(json.dumps(said))
    sign_change(copy, read_private(pair.people / "ben-targets"))
    with pytest.raises(BadRequestError, match="no change that waits here"):
        pair.repository().take(copy)


def test_a_second_change_gathers_signatures_anew_and_says_so(pair: Shop, tmp_path: Path) -> None:
    pair.releases("ann-targets").add(make_model(tmp_path / "m", id="one"), Wish())
    added = pair.releases("ben-targets").add(make_model(tmp_path / "n", id="two"), Wish())
    assert added.done.voided
    assert [m.count for m in added.done.missing] == [1]
    assert pair.repository("ann-targets").sign()[0].missing == ()
    assert {o.id for o in pair.stranger().look()} == {"one", "two"}


def test_an_abandoned_change_leaves_everything_as_it_was(pair: Shop, tmp_path: Path) -> None:
    pair.releases("ann-targets").add(make_model(tmp_path / "m"), Wish())
    assert pair.repository().abandon() == 1
    assert pair.repository("ben-targets").sign()[1] == 0
    assert pair.stranger().look() == ()
    assert not pair.places.waiting.exists()


def test_the_tower_pauses_without_anybody(pair: Shop, tmp_path: Path) -> None:
    pair.releases("ann-targets", "ben-targets").add(make_model(tmp_path / "m"), Wish())
    assert pair.releases().pause("writer", None, "trouble").missing == ()
    assert pair.stranger().rollout().of("writer", "1.0.0").paused


def test_widening_a_ring_needs_two_people(pair: Shop, tmp_path: Path) -> None:
    pair.releases("ann-targets", "ben-targets").add(make_model(tmp_path / "m"), Wish())
    done = pair.releases("ann-targets").promote("writer", None, Ring.ALL, step=False)
    assert [m.role for m in done.missing] == ["targets"]
    (offer,) = pair.stranger().look()
    assert open_to(offer, pair.stranger().rollout()) is Ring.CANARY
    pair.repository("ben-targets").sign()
    (offer,) = pair.stranger().look()
    assert open_to(offer, pair.stranger().rollout()) is Ring.ALL


# ---- time and power


def test_the_timestamp_is_signed_anew_a_day_later_and_the_rest_when_it_is_due(
    tmp_path: Path,
) -> None:
    clock = Clock()
    shop = Shop(tmp_path, clock).begin_starter()
    first = versions(shop)
    clock.now += timedelta(hours=1)
    shop.repository().refresh()
    assert versions(shop) == first
    clock.now += DAY
    shop.repository().refresh()
    assert versions(shop) == {**first, "timestamp": 2}
    clock.now += 61 * DAY
    shop.repository().refresh()
    assert versions(shop) == {"targets": 1, "rollout": 2, "snapshot": 2, "timestamp": 3}


class Cut(Exception):  # noqa: N818 - a power cut
    pass


def test_a_power_cut_between_any_two_writes_leaves_a_repository_that_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next look of the tower finishes what was begun."""
    real = Shelf._write
    for at in range(6):
        shop = Shop(tmp_path / str(at)).begin_starter()
        shop.releases().add(make_model(tmp_path / str(at) / "m", "1.0.0"), Wish())
        left = [at]

        def write(self: Shelf, path: Path, data: bytes, left: list[int] = left) -> None:
            if left[0] == 0:
                raise Cut
            left[0] -= 1
            real(self, path, data)

        with monkeypatch.context() as patched:
            patched.setattr(Shelf, "_write", write)
            with suppress(Cut):
                shop.releases().add(make_model(tmp_path / str(at) / "n", "1.1.0"), Wish())
        seen = [o.version for o in shop.stranger().look()]
        assert seen in (["1.0.0"], ["1.0.0", "1.1.0"])
        for offer in shop.stranger().look():
            shop.stranger().fetch(offer)
        if left[0] == 0 or at < 4:
            shop.repository().refresh()
            shop.releases().add(tmp_path / str(at) / "n", Wish())
        assert [o.version for o in shop.stranger().look()] == ["1.0.0", "1.1.0"]
    assert left[0] > 0  # the last round was not cut: there were no more writes


def test_with_the_timestamp_written_first_a_power_cut_would_be_seen(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: it is the order of the writes that keeps it whole."""
    from tower_sync_server.releases import publication

    writes, real, left = publication._writes, Shelf._write, [2]

    def write(self: Shelf, path: Path, data: bytes) -> None:
        if not left[0]:
            raise Cut
        left[0] -= 1
        real(self, path, data)

    folder = make_model(tmp_path / "m")
    with monkeypatch.context() as patched:
        patched.setattr(publication, "_writes", lambda now, made: reversed([*writes(now, made)]))
        patched.setattr(Shelf, "_write", write)
        with pytest.raises(Cut):
            shop.releases().add(folder, Wish())
    with pytest.raises(DownloadError):
        shop.stranger().look()


def test_old_documents_go_and_every_root_stays(shop: Shop, tmp_path: Path) -> None:
    shop.releases().add(make_model(tmp_path / "m"), Wish())
    device = shop.stranger()
    device.look()
    for n in range(15):
        shop.releases().pause(None, None, f"reason {n}")
        shop.repository().change_keys(lambda _root, _targets: None)
    for role in ("snapshot", "rollout"):
        assert len(list(shop.places.metadata.glob(f"*.{role}.json"))) == KEPT
    assert len(list(shop.places.targets.glob("*.rollout.json"))) == KEPT
    assert len(list(shop.places.metadata.glob("*.root.json"))) == 16
    for one in (device, shop.stranger("new")):
        assert len(one.look()) == 1
        assert one.rollout().reason == "reason 14"


def test_a_tower_without_its_timestamp_key_says_which_one_is_missing(
    shop: Shop,
) -> None:
    (shop.places.keys / "timestamp.pem").unlink()
    shop.clock.now += 2 * DAY
    with pytest.raises(OperatorError, match="timestamp") as caught:
        shop.repository().refresh()
    assert "keys rotate timestamp" in caught.value.hint


def test_too_many_models_for_a_client_are_refused(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "MAX_TARGETS_BYTES", 3000)
    folders = [make_model(tmp_path / str(n), f"1.{n}.0") for n in range(9)]
    with pytest.raises(BadRequestError, match="too many"):
        _ = [shop.releases().add(folder, Wish()) for folder in folders]
    assert shop.stranger().look()
