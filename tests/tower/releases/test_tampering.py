"""Twelve kinds of tampering with what is served, and a client that knows only the first root.

Each is done to a copy of the served folder, as a thief of the disk, the network or the stick could
do it without any key. What the client did before it must go on doing.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError

from models.offer import Offer
from tests.tower.releases.shop import Clock, Shop, Stranger, make_model
from tower_sync_server.releases.keys import make_key, read_private
from tower_sync_server.releases.tuf_words import Metadata, Root, TargetFile, Targets, Timestamp
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Scene:
    """A device that has 1.0.0, and a repository that offers 1.1.0 since."""

    shop: Shop
    device: Stranger
    old: Path
    """What was served when the device looked last."""
    new: Path
    """What is served now: this is tampered with."""
    home: Path
    earlier: bytes
    """A timestamp from before the device looked."""

    def metadata(self, name: str) -> Path:
        """The newest file of a role."""
        if name == "timestamp":
            return self.new / "metadata" / "timestamp.json"
        found = (self.new / "metadata").glob(f"*.{name}.json")
        return max(found, key=lambda p: int(p.name.partition(".")[0]))

    def target(self, name: str) -> Path:
        (found,) = (self.new / "targets" / "writer" / "1.1.0").glob(f"*.{name}")
        return found

    def attempt(self) -> dict[str, bytes]:
        """What a device does: look, and fetch what is new."""
        newest = max(self.device.look(), key=lambda offer: offer.version)
        return self.device.fetch(newest)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    shop = Shop(tmp_path).begin_starter()
    earlier = (shop.places.metadata / "timestamp.json").read_bytes()
    weights = bytes(range(256)) * 40
    shop.releases().add(make_model(tmp_path / "m", "1.0.0", tail=weights), Wish())
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(shop.served, old)
    device = shop.stranger()
    (offer,) = device.look()
    device.fetch(offer)
    shop.releases().add(make_model(tmp_path / "n", "1.1.0", tail=weights[::-1]), Wish())
    shop.releases().pause("writer", "1.0.0", "superseded")
    shutil.copytree(shop.served, new)
    device.served = new
    return Scene(shop, device, old, new, tmp_path, earlier)


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def bit_flip_in_weights(scene: Scene) -> None:
    flip(scene.target("model.gguf"), 5000)


def bit_flip_in_metadata(scene: Scene) -> None:
    path = scene.metadata("targets")
    flip(path, path.read_bytes().index(b'"length"') + 11)


def truncation(scene: Scene) -> None:
    path = scene.target("model.gguf")
    path.write_bytes(path.read_bytes()[:-100])


def endless_target(scene: Scene) -> None:
    path = scene.target("model.gguf")
    path.write_bytes(path.read_bytes() + bytes(3_000_000))


def endless_timestamp(scene: Scene) -> None:
    path = scene.metadata("timestamp")
    path.write_bytes(path.read_bytes() + b" " * 3_000_000)


def wrong_key(scene: Scene) -> None:
    make_key(scene.home / "mallory", "")
    path = scene.metadata("timestamp")
    timestamp: Metadata[Timestamp] = Metadata.from_bytes(path.read_bytes())
    timestamp.signed.version += 1
    timestamp.sign(read_private(scene.home / "mallory"))
    path.write_bytes(timestamp.to_bytes())


def wrong_key_under_a_known_id(scene: Scene) -> None:
    make_key(scene.home / "mallory", "")
    path = scene.metadata("targets")
    said = json.loads(path.read_bytes())
    targets: Metadata[Targets] = Metadata.from_bytes(path.read_bytes())
    keyid = said["signatures"][0]["keyid"]
    forged = targets.sign(read_private(scene.home / "mallory")).signature
    said["signatures"] = [{"keyid": keyid, "sig": forged}]
    path.write_text(json.dumps(said))


def no_signature(scene: Scene) -> None:
    path = scene.metadata("timestamp")
    said = json.loads(path.read_bytes())
    said["signed"]["version"] += 1
    path.write_text(json.dumps({**said, "signatures": []}))


def old_timestamp(scene: Scene) -> None:
    scene.metadata("timestamp").write_bytes(scene.earlier)


def old_snapshot(scene: Scene) -> None:
    old = max((scene.old / "metadata").glob("*.snapshot.json"), key=lambda p: p.name)
    shutil.copy(old, scene.metadata("snapshot"))


def mix_and_match(scene: Scene) -> None:
    old = max((scene.old / "metadata").glob("*.targets.json"), key=lambda p: p.name)
    shutil.copy(old, scene.metadata("targets"))


def fast_forward(scene: Scene) -> None:
    """Without a key a higher number is worth nothing."""
    for role in ("timestamp", "snapshot"):
        path = scene.metadata(role)
        said = json.loads(path.read_bytes())
        said["signed"]["version"] = 1 << 30
        path.write_text(json.dumps(said))


def wrong_hash(scene: Scene) -> None:
    """Another file of the same length in the place of the weights."""
    path = scene.target("model.gguf")
    path.write_bytes(bytes(path.stat().st_size))


def swapped_files(scene: Scene) -> None:
    one, other = scene.target("model.gguf"), scene.target("CARD.md")
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def symlink(scene: Scene) -> None:
    secret = scene.home / "secret"
    secret.write_bytes(b"root:x:0:0")
    path = scene.target("model.gguf")
    path.unlink()
    path.symlink_to(secret)


def climbing_name(scene: Scene) -> None:
    path = scene.metadata("targets")
    said: dict[str, Any] = json.loads(path.read_bytes())
    targets = said["signed"]["targets"]
    targets["../../../etc/cron.d/x"] = targets.pop("writer/1.1.0/CARD.md")
    path.write_text(json.dumps(said))


TAMPERINGS = (
    bit_flip_in_weights, bit_flip_in_metadata, truncation, endless_target, endless_timestamp,
    wrong_key, wrong_key_under_a_known_id, no_signature, old_timestamp, old_snapshot,
    mix_and_match, fast_forward, wrong_hash, swapped_files, symlink, climbing_name,
)  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda f: f.__name__)
def test_it_is_refused_and_the_true_one_taken_afterwards(
    scene: Scene, tamper: Callable[[Scene], None]
) -> None:
    tamper(scene)
    with pytest.raises((RepositoryError, DownloadError)):
        scene.attempt()

    scene.device.served = scene.shop.served
    assert scene.attempt()["model.gguf"].endswith(bytes(range(256))[::-1])


def test_what_was_not_tampered_with_is_taken(scene: Scene) -> None:
    """The control: the scene itself refuses nothing."""
    assert scene.attempt()["CARD.md"] == b"# A card\n"


def test_too_few_signatures_are_refused(tmp_path: Path) -> None:
    """Two have to sign; one signature, or one twice, is published by a tower that was taken."""
    shop = Shop(tmp_path).begin_with_people()
    shop.repository("ann-root", "ben-root", "ann-targets", "ben-targets").sign()
    device = shop.stranger()
    device.look()
    shop.releases("ann-targets").add(make_model(tmp_path / "m"), Wish())
    (waiting,) = shop.places.pending.glob("*.targets.json")
    for double in (False, True):
        publish_by_force(shop, waiting, double=double)
        with pytest.raises(RepositoryError):
            device.look()


def publish_by_force(shop: Shop, waiting: Path, *, double: bool) -> None:
    """As the thief of a tower: signed by every key that lies there."""
    from tower_sync_server.releases.publication import _meta_of

    now = shop.repository().read()
    targets = Metadata[Targets].from_bytes(waiting.read_bytes())
    data = targets.to_bytes()
    if double:
        said = json.loads(data)
        said["signatures"] *= 2
        data = json.dumps(said).encode()
    assert now.snapshot is not None
    assert now.timestamp is not None
    snapshot, timestamp = now.snapshot, now.timestamp
    meta = snapshot.signed.meta["targets.json"]
    meta.version, meta.length, meta.hashes = targets.signed.version, None, None
    for one, role in ((snapshot, "snapshot"), (timestamp, "timestamp")):
        one.signed.version += 1
        if role == "timestamp":
            timestamp.signed.snapshot_meta = _meta_of(snapshot)
        one.sign(read_private(shop.places.keys / f"{role}.pem"))
    at = shop.places.metadata
    (at / waiting.name).write_bytes(data)
    (at / f"{snapshot.signed.version}.snapshot.json").write_bytes(snapshot.to_bytes())
    (at / "timestamp.json").write_bytes(timestamp.to_bytes())


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "root"])
def test_what_has_run_out_is_refused(tmp_path: Path, role: str) -> None:
    ages = {"timestamp": 8, "snapshot": 181, "targets": 366, "root": 366}
    clock = Clock(datetime.now(UTC) - timedelta(days=ages[role]))
    shop = Shop(tmp_path, clock).begin_starter()
    with pytest.raises(RepositoryError, match="expired"):
        shop.stranger().look()


def test_a_tower_that_comes_back_after_its_timestamp_ran_out_signs_a_new_one(
    tmp_path: Path,
) -> None:
    clock = Clock(datetime.now(UTC) - timedelta(days=30))
    shop = Shop(tmp_path, clock).begin_starter()
    clock.now = datetime.now(UTC)
    shop.repository().refresh()
    assert shop.stranger().look() == ()


def test_the_offer_of_one_model_under_another_name_is_no_offer(tmp_path: Path) -> None:
    """Even signed: the words themselves refuse it."""
    shop = Shop(tmp_path).begin_starter()
    shop.releases().add(make_model(tmp_path / "m"), Wish())

    def swap(targets: Targets) -> None:
        old = targets.targets.pop("writer/1.0.0/model.toml")
        made = TargetFile(old.length, old.hashes, "writer/9.9.9/model.toml")
        made.unrecognized_fields["custom"] = old.custom
        targets.targets[made.path] = made

    shop.repository().change_offers(swap)
    with pytest.raises(ValueError, match="the offer of"):
        shop.stranger().look()


def test_words_and_metadata_name_the_same_bytes(scene: Scene) -> None:
    """A device compares them; here that every offer that is made passes."""
    for offer in scene.device.look():
        assert isinstance(offer, Offer)
        updater = scene.device.updater()
        for file in offer.files:
            info = updater.get_targetinfo(offer.target(file))
            assert (info.length, info.hashes["sha256"]) == (file.size, file.sha256)


def test_a_root_is_what_it_says(scene: Scene) -> None:
    root = Metadata[Root].from_bytes(scene.shop.first_root).signed
    assert root.consistent_snapshot
    assert {k.keytype for k in root.keys.values()} == {"ed25519"}
