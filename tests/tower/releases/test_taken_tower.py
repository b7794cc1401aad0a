"""A tower whose disk is wholly in an attacker's hands, its online keys included.

The attacker may write any file that is served and sign whatever the tower's own keys sign. Two
people's keys are elsewhere. python-tuf's own client stands for the device: it has the first root.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError

from models.offer import Ring, is_offer
from models.rollout import ROLLOUT, Rollout, encode_rollout, is_offered, open_to
from tests.tower.releases.shop import DAY, Shop, make_model
from tower_sync_server.releases.keys import read_ring
from tower_sync_server.releases.publication import _meta_of
from tower_sync_server.releases.tuf_words import Metadata, TargetFile, Targets
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from collections.abc import Callable

EVIL = b"GGUF" + b"\3\0\0\0" + bytes(16) + b"evil"


class Attacker:
    """Has the whole disk, and no person's key."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.ring = read_ring(shop.places.keys)
        self.now = shop.repository().read()
        assert len(self.ring) == 3  # snapshot, timestamp, rollout: what lies on a tower

    def sign(self, metadata: Metadata[Any]) -> None:
        """With every key that there is."""
        for signer in self.ring.values():
            metadata.sign(signer, append=True)

    def publish(self, **made: Metadata[Any]) -> None:
        """Write these, and a snapshot and a timestamp that say so."""
        assert self.now.snapshot is not None
        assert self.now.timestamp is not None
        at = self.shop.places.metadata
        snapshot, timestamp = self.now.snapshot, self.now.timestamp
        for role, metadata in made.items():
            (at / f"{metadata.signed.version}.{role}.json").write_bytes(metadata.to_bytes())
            snapshot.signed.meta[f"{role}.json"] = _meta_of(metadata)
        snapshot.signed.version += 1
        snapshot.signatures.clear()
        self.sign(snapshot)
        timestamp.signed.version += 1
        timestamp.signed.snapshot_meta = _meta_of(snapshot)
        timestamp.signatures.clear()
        self.sign(timestamp)
        (at / f"{snapshot.signed.version}.snapshot.json").write_bytes(snapshot.to_bytes())
        (at / "timestamp.json").write_bytes(timestamp.to_bytes())

    def place(self, path: str, data: bytes) -> TargetFile:
        target = TargetFile.from_data(path, data, ["sha256"])
        where = self.shop.places.targets / target.get_prefixed_paths()[0]
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(data)
        return target


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path).begin_with_people()
    shop.repository("ann-root", "ben-root", "ann-targets", "ben-targets").sign()
    both = ("ann-targets", "ben-targets")
    shop.releases(*both).add(make_model(tmp_path / "m", "1.0.0"), Wish(ring=Ring.ALL))
    shop.releases(*both).add(make_model(tmp_path / "n", "1.1.0"), Wish())
    return shop


def new_targets(attacker: Attacker) -> None:
    """Targets with his model, signed with all that he has."""
    targets = attacker.now.targets
    assert targets is not None
    targets.signed.version += 1
    path = "writer/1.0.0/model.gguf"
    targets.signed.targets[path] = attacker.place(path, EVIL)
    targets.signatures.clear()
    attacker.sign(targets)
    attacker.publish(targets=targets)


def new_targets_with_the_signatures_of_the_old(attacker: Attacker) -> None:
    targets = attacker.now.targets
    assert targets is not None
    targets.signed.version += 1
    path = "writer/1.0.0/model.gguf"
    targets.signed.targets[path] = attacker.place(path, EVIL)
    attacker.sign(targets)
    attacker.publish(targets=targets)


def other_bytes_under_the_signed_name(attacker: Attacker) -> None:
    for path in attacker.shop.places.targets.rglob("*.model.gguf"):
        path.unlink()
        path.write_bytes(EVIL)


def a_root_of_his_own(attacker: Attacker) -> None:
    root, targets = attacker.now.root, attacker.now.targets
    assert root is not None
    assert targets is not None
    root.signed.version += 1
    for signer in attacker.ring.values():
        for role in root.signed.roles:
            root.signed.add_key(signer.public_key, role)
            root.signed.roles[role].threshold = 1
    root.signatures.clear()
    attacker.sign(root)
    name = f"{root.signed.version}.root.json"
    (attacker.shop.places.metadata / name).write_bytes(root.to_bytes())
    new_targets(attacker)


def a_model_in_the_delegated_role(attacker: Attacker) -> None:
    """The one role that he can sign is asked for `rollout.json` alone."""
    rollout = attacker.now.rollout
    assert rollout is not None
    rollout.signed.version += 1
    for path in ("writer/1.0.0/model.gguf", "writer/2.0.0/model.toml"):
        rollout.signed.targets[path] = attacker.place(path, EVIL)
    rollout.signatures.clear()
    attacker.sign(rollout)
    attacker.publish(rollout=rollout)


def the_rollout_in_the_place_of_targets(attacker: Attacker) -> None:
    made = Metadata(Targets(version=99, expires=attacker.shop.clock() + 9 * DAY))
    made.signed.targets["writer/1.0.0/model.gguf"] = attacker.place("writer/1.0.0/model.gguf", EVIL)
    attacker.sign(made)
    attacker.publish(targets=made)


ATTACKS = (
    new_targets, new_targets_with_the_signatures_of_the_old, other_bytes_under_the_signed_name,
    a_root_of_his_own, a_model_in_the_delegated_role, the_rollout_in_the_place_of_targets,
)  # fmt: skip


@pytest.mark.parametrize("known", [False, True], ids=["new device", "device that looked before"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda f: f.__name__)
def test_no_device_gets_a_byte_of_the_attackers_model(
    shop: Shop, attack: Callable[[Attacker], None], known: bool
) -> None:
    device = shop.stranger()
    if known:
        device.look()
    attack(Attacker(shop))
    got: dict[str, bytes] = {}
    try:
        offers = device.look()
        assert {o.ref for o in offers} == {"writer@1.0.0", "writer@1.1.0"}
        for offer in offers:
            got |= device.fetch(offer)
    except (RepositoryError, DownloadError):
        pass
    files = [p.read_bytes() for p in device.home.rglob("*") if p.is_file()]
    assert EVIL not in files
    assert EVIL not in got.values()
    assert device.updater().get_targetinfo("writer/2.0.0/model.toml") is None if got else True


def test_the_same_attack_with_two_peoples_keys_succeeds(shop: Shop) -> None:
    """The control: it is the people's keys that are missing, nothing else."""
    attacker = Attacker(shop)
    attacker.ring |= shop.repository("ann-targets", "ben-targets")._ring
    new_targets(attacker)
    device = shop.stranger()
    with pytest.raises(AssertionError, match="sha256"):
        compare_words(device)  # and even then the offer's own words disagree
    updater = device.updater()
    path = updater.download_target(updater.get_targetinfo("writer/1.0.0/model.gguf"))
    assert Path(path).read_bytes() == EVIL


def compare_words(device: Any) -> None:
    for offer in device.look():
        for file in offer.files:
            info = device.updater().get_targetinfo(offer.target(file))
            assert info.hashes["sha256"] == file.sha256, "sha256"


def test_in_starter_mode_the_tower_is_trusted_with_everything(tmp_path: Path) -> None:
    """What the documentation warns of is so: there the keys lie on the disk that was taken."""
    shop = Shop(tmp_path).begin_starter()
    shop.releases().add(make_model(tmp_path / "m", tail=b"evil"), Wish())
    (offer,) = shop.stranger().look()
    assert shop.stranger().fetch(offer)["model.gguf"] == EVIL


def test_the_attacker_widens_no_ring(shop: Shop) -> None:
    """He may say anything in `rollout.json`; what two people signed stays the most."""
    attacker = Attacker(shop)
    rollout = attacker.now.rollout
    assert rollout is not None
    data = encode_rollout(Rollout())
    rollout.signed.version += 1
    rollout.signed.targets[ROLLOUT] = attacker.place(ROLLOUT, data)
    rollout.signatures.clear()
    attacker.sign(rollout)
    attacker.publish(rollout=rollout)
    device = shop.stranger()
    new = next(o for o in device.look() if o.version == "1.1.0")
    assert open_to(new, device.rollout()) is Ring.CANARY
    assert not is_offered(new, device.rollout(), Ring.EARLY)


def test_the_attacker_can_stop_everything(shop: Shop) -> None:
    """That much is the price: a tower that pauses by itself can be made to pause."""
    device = shop.stranger()
    shop.releases().pause(None, None, "ha")
    assert device.rollout().paused


def test_an_older_list_of_models_is_not_taken_again(shop: Shop) -> None:
    device = shop.stranger()
    assert len(device.look()) == 2
    attacker = Attacker(shop)
    names = shop.places.metadata.glob("*.targets.json")
    old = sorted(names, key=lambda p: int(p.name.partition(".")[0]))[-2]
    targets = Metadata[Targets].from_bytes(old.read_bytes())
    assert len([p for p in targets.signed.targets if is_offer(p)]) == 1
    attacker.publish(targets=targets)
    with pytest.raises(RepositoryError):
        device.look()


def test_after_the_thief_the_numbers_that_he_ran_up_are_worth_nothing(shop: Shop) -> None:
    """Fast-forward: he signs timestamps up to 2^30; new keys make devices forget them."""
    device = shop.stranger()
    attacker = Attacker(shop)
    for one in (attacker.now.snapshot, attacker.now.timestamp):
        assert one is not None
        one.signed.version = 1 << 30
    attacker.publish()
    device.look()
    # The tower is set up again from a backup, with new keys for everything that lay on it.
    (shop.places.metadata / "timestamp.json").unlink()
    for path in shop.places.metadata.glob(f"{(1 << 30) + 1}.*"):
        path.unlink()
    fresh = {}
    from tower_sync_server.releases import edits
    from tower_sync_server.releases.begin import fresh_key

    for role in ("snapshot", "timestamp", "rollout"):
        fresh[role] = fresh_key(shop.places.keys, role, None)

    def replace(root: Any, targets: Any) -> None:
        for role, key in fresh.items():
            edits.set_keys(root, targets, role, [key])

    restore_timestamp(shop, attacker)
    everybody = ("ann-root", "ben-root", "ann-targets", "ben-targets")
    assert shop.repository(*everybody).change_keys(replace).missing == ()
    assert len(device.look()) == 2


def restore_timestamp(shop: Shop, attacker: Attacker) -> None:
    """The backup: the last timestamp before the thief came, with its snapshot."""
    snapshots = shop.places.metadata.glob("*.snapshot.json")
    last = max(snapshots, key=lambda p: int(p.name.partition(".")[0]))
    timestamp = attacker.now.timestamp
    assert timestamp is not None
    timestamp.signed.version = 5
    timestamp.signed.snapshot_meta = _meta_of(Metadata.from_bytes(last.read_bytes()))
    timestamp.signatures.clear()
    attacker.sign(timestamp)
    (shop.places.metadata / "timestamp.json").write_bytes(timestamp.to_bytes())


def test_the_tower_holds_no_key_that_signs_models(shop: Shop) -> None:
    root = shop.repository().read().root
    assert root is not None
    people = {k for role in ("root", "targets") for k in root.signed.roles[role].keyids}
    assert not people & set(read_ring(shop.places.keys))
    for path in shop.places.home.rglob("*"):
        if path.is_file():
            for person in shop.people.glob("*"):
                if not person.name.endswith(".pub"):
                    secret = hashlib.sha256(person.read_bytes()).hexdigest()
                    assert hashlib.sha256(path.read_bytes()).hexdigest() != secret
