"""Keys: made, changed, lost. A device that only has the first root follows every change."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from tuf.api.exceptions import RepositoryError

from tests.tower.releases.shop import DAY, Shop, make_model
from tower_sync_server.errors import BadRequestError
from tower_sync_server.releases import edits
from tower_sync_server.releases.begin import begin, fresh_key
from tower_sync_server.releases.keys import (
    LockedKeyError,
    find_key,
    has_locked,
    make_key,
    public_path,
    read_private,
    read_public,
    read_ring,
)
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tower_sync_server.releases.tuf_words import Key, Root, Targets


def change(role: str, edit: Callable[[list[Key]], list[Key]]) -> Callable[[Root, Targets], None]:
    def apply(root: Root, targets: Targets) -> None:
        there = list(edits.keys_of(root, targets, role).values())
        edits.set_keys(root, targets, role, edit(there))

    return apply


# ---- files


def test_a_key_survives_its_files(tmp_path: Path) -> None:
    public = make_key(tmp_path / "ann", "Ann")
    assert read_public(tmp_path / "ann.pub").to_dict() == public.to_dict()
    assert read_private(tmp_path / "ann").public_key.keyid == public.keyid


def test_an_encrypted_key_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    make_key(tmp_path / "ann.pem", "Ann", b"correct horse")
    assert has_locked(tmp_path)
    assert read_private(tmp_path / "ann.pem", b"correct horse")
    for wrong in (None, b"battery staple"):
        with pytest.raises(LockedKeyError):
            read_private(tmp_path / "ann.pem", wrong)
    assert read_ring(tmp_path, b"battery staple") == {}
    assert len(read_ring(tmp_path, b"correct horse")) == 1


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    make_key(tmp_path / "ann", "Ann")
    before = (tmp_path / "ann").read_bytes()
    with pytest.raises(BadRequestError, match="already"):
        make_key(tmp_path / "ann", "Ann")
    assert (tmp_path / "ann").read_bytes() == before


def test_nobody_chooses_the_id_of_a_key(tmp_path: Path) -> None:
    """Else a stranger's key could be handed in under the id of one that is trusted."""
    ann = make_key(tmp_path / "ann", "Ann")
    mallory = make_key(tmp_path / "mallory", "Mallory")
    said = json.loads(public_path(tmp_path / "mallory").read_text())
    public_path(tmp_path / "mallory").write_text(json.dumps({**said, "keyid": ann.keyid}))
    assert read_public(tmp_path / "mallory.pub").keyid == mallory.keyid


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keyval": {"public": "00"}}', "\x00"])
def test_what_is_no_public_key_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.pub").write_text(text)
    with pytest.raises(BadRequestError, match="no public key"):
        read_public(tmp_path / "x.pub")


def test_what_is_no_private_key_is_refused(tmp_path: Path) -> None:
    make_key(tmp_path / "ann", "Ann")
    for path in (tmp_path / "ann.pub", tmp_path / "nothing"):
        with pytest.raises(BadRequestError, match="no private key"):
            read_private(path)


def test_a_key_is_found_by_its_name_or_the_beginning_of_its_id(tmp_path: Path) -> None:
    ann, ben = make_key(tmp_path / "a", "Ann"), make_key(tmp_path / "b", "Ben")
    keys = {k.keyid: k for k in (ann, ben)}
    assert find_key(keys, "Ben") == ben.keyid
    assert find_key(keys, ann.keyid[:12]) == ann.keyid
    for start in ("", "Cleo"):
        with pytest.raises(BadRequestError):
            find_key(keys, start)


# ---- beginning


def test_beginning_twice_keeps_the_first_root(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    assert begin(shop.places, {}, {}, None)
    first = shop.first_root
    assert begin(shop.places, {}, {}, None)
    assert shop.first_root == first


def test_starter_keys_may_be_encrypted_while_the_online_ones_stay_open(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    begin(shop.places, {}, {}, b"secret")
    assert len(read_ring(shop.places.keys)) == 3
    assert len(read_ring(shop.places.keys, b"secret")) == 5
    # Without the passphrase the tower keeps the repository up, and ships nothing.
    shop.clock.now += 2 * DAY
    assert shop.repository().refresh().missing == ()
    added = shop.releases().add(make_model(tmp_path / "m"), Wish())
    assert [m.role for m in added.done.missing] == ["targets"]


def test_two_of_the_people_sign_where_nobody_says_otherwise(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    for who in ("ann", "ben", "cleo"):
        shop.person(who)
    public = [public_path(shop.people / who) for who in ("ann", "ben", "cleo")]
    assert not begin(shop.places, {"root": public, "targets": public}, {}, None)
    root = shop.repository("ann", "ben").sign()[0].now.root
    assert root is not None
    assert {r: root.signed.roles[r].threshold for r in ("root", "targets", "timestamp")} == {
        "root": 2, "targets": 2, "timestamp": 1,
    }  # fmt: skip
    here = {read_public(path).keyid for path in shop.places.keys.glob("*.pub")}
    assert not here & set(root.signed.roles["root"].keyids)
    assert not here & set(root.signed.roles["targets"].keyids)


def test_one_person_can_not_be_two(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.person("ann")
    public = [public_path(shop.people / "ann")]
    with pytest.raises(BadRequestError, match="1 keys, so 2"):
        begin(shop.places, {"root": public, "targets": public}, {}, None)
    with pytest.raises(BadRequestError, match="Nobody could sign targets"):
        begin(shop.places, {"root": public}, {}, None)


# ---- rotation, followed by python-tuf's own client from the first root


@pytest.mark.parametrize("role", ["root", "targets", "snapshot", "timestamp", "rollout"])
def test_a_device_follows_the_rotation_of_every_key(tmp_path: Path, role: str) -> None:
    shop = Shop(tmp_path).begin_starter()
    shop.releases().add(make_model(tmp_path / "m", "1.0.0"), Wish())
    device, fresh_device = shop.stranger(), None
    assert len(device.look()) == 1
    for turn in range(3):
        key = fresh_key(shop.places.keys, role, None)
        assert shop.repository().change_keys(change(role, lambda _, k=key: [k])).missing == ()
        shop.releases().add(make_model(tmp_path / f"m{turn}", f"1.{turn + 1}.0"), Wish())
        assert len(device.look()) == turn + 2
        device.rollout()
    fresh_device = shop.stranger("born-later")  # with the first root alone
    assert fresh_device.look() == device.look()
    fresh_device.rollout()


def test_a_starter_becomes_a_pair(tmp_path: Path) -> None:
    shop = Shop(tmp_path).begin_starter()
    shop.releases().add(make_model(tmp_path / "m", "1.0.0"), Wish())
    device = shop.stranger()
    assert len(device.look()) == 1
    for role in ("targets", "root"):
        people = [shop.person(f"{who}-{role}") for who in ("ann", "ben")]

        def pair(
            root: Root, targets: Targets, role: str = role, people: list[Key] = people
        ) -> None:
            edits.set_keys(root, targets, role, people)
            edits.set_threshold(root, role, 2)

        names = ("ann-targets", "ben-targets", *(["ann-root", "ben-root"] * (role == "root")))
        assert shop.repository(*names).change_keys(pair).missing == ()
    assert len(device.look()) == 1
    # What lies on the tower signs nothing for people any more.
    added = shop.releases().add(make_model(tmp_path / "n", "1.1.0"), Wish())
    assert [(m.role, m.count) for m in added.done.missing] == [("targets", 2)]
    shop.repository("ann-targets", "ben-targets").sign()
    assert len(device.look()) == 2


@pytest.fixture
def pair(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path).begin_with_people()
    shop.repository("ann-root", "ben-root", "ann-targets", "ben-targets").sign()
    shop.releases("ann-targets", "ben-targets").add(make_model(tmp_path / "m", "1.0.0"), Wish())
    return shop


def test_a_lost_targets_key_is_replaced_by_root(pair: Shop, tmp_path: Path) -> None:
    device = pair.stranger()
    device.look()
    (pair.people / "ann-targets").unlink()  # and ben's alone is one too few
    dora = pair.person("dora-targets")

    def without_ann(there: list[Key]) -> list[Key]:
        lost = find_key({k.keyid: k for k in there}, "ann-targets")
        return [*(k for k in there if k.keyid != lost), dora]

    done = pair.repository("ann-root").change_keys(change("targets", without_ann))
    assert {m.role: m.count for m in done.missing}["root"] == 1
    assert device.look()[0].version == "1.0.0"  # until it is signed, all is as it was
    assert pair.repository("cleo-root").sign()[0].missing != ()
    assert pair.repository("ben-targets", "dora-targets").sign()[0].missing == ()
    pair.releases("dora-targets", "ben-targets").add(make_model(tmp_path / "n", "1.1.0"), Wish())
    assert len(device.look()) == 2
    assert len(pair.stranger("born-later").look()) == 2


def test_a_removed_key_counts_no_more(pair: Shop, tmp_path: Path) -> None:
    def without_ann(there: list[Key]) -> list[Key]:
        return [k for k in there if k.unrecognized_fields["x-edgecase-name"] != "ann-targets"]

    everybody = ("ann-root", "ben-root", "ben-targets", "cleo-targets")
    assert pair.repository(*everybody).change_keys(change("targets", without_ann)).missing == ()
    added = pair.releases("ann-targets", "ben-targets").add(
        make_model(tmp_path / "n", "1.1.0"), Wish()
    )
    assert [m.count for m in added.done.missing] == [1]


def test_a_new_root_waits_for_models_that_it_trusts(pair: Shop) -> None:
    """Else devices would trust nobody's list of models in between."""
    device = pair.stranger()
    fresh = [pair.person("eve-targets"), pair.person("finn-targets")]
    done = pair.repository("ann-root", "ben-root").change_keys(change("targets", lambda _: fresh))
    assert [m.role for m in done.missing] == ["targets"]
    assert not (pair.places.metadata / "2.root.json").exists()
    assert len(device.look()) == 1
    pair.repository("eve-targets", "finn-targets").sign()
    assert (pair.places.metadata / "2.root.json").exists()
    assert len(device.look()) == 1


def test_a_root_that_the_old_one_did_not_sign_is_not_followed(pair: Shop) -> None:
    """The control: were it published all the same, a client would refuse it."""
    fresh = [pair.person("eve-root"), pair.person("finn-root")]
    done = pair.repository("eve-root", "finn-root").change_keys(change("root", lambda _: fresh))
    assert [m.role for m in done.missing] == ["root"]
    (waiting,) = [p for p in done.files if "root" in p.name]
    (pair.places.metadata / "2.root.json").write_bytes(waiting.read_bytes())
    with pytest.raises(RepositoryError):
        pair.stranger().look()


def test_a_threshold_that_can_not_be_met_is_refused(pair: Shop) -> None:
    for role, count in (("targets", 4), ("targets", 0), ("timestamp", 2)):
        with pytest.raises(BadRequestError):
            pair.repository("ann-root", "ben-root").change_keys(
                lambda root, _, r=role, c=count: edits.set_threshold(root, r, c)  # type: ignore[misc]
            )


def test_a_tower_restored_from_an_old_backup_is_believed_again_after_a_rotation(
    tmp_path: Path,
) -> None:
    shop = Shop(tmp_path).begin_starter()
    shop.releases().add(make_model(tmp_path / "m", "1.0.0"), Wish())
    device, backup = shop.stranger(), tmp_path / "backup"
    shutil.copytree(shop.places.home, backup)
    shop.releases().add(make_model(tmp_path / "n", "1.1.0"), Wish())
    assert len(device.look()) == 2
    shutil.rmtree(shop.places.home)
    shutil.copytree(backup, shop.places.home)
    with pytest.raises(RepositoryError):
        device.look()
    for role in ("timestamp", "snapshot"):
        key = fresh_key(shop.places.keys, role, None)
        shop.repository().change_keys(change(role, lambda _, k=key: [k]))
    assert len(device.look()) == 1
