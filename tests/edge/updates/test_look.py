"""What is on offer, through python-tuf, against a real repository that somebody tampers with."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from edge.errors import NoRepositoryError, RefusedReleaseError
from edge.updates.look import look, trust
from edge.updates.source import FolderSource
from edge.updates.trusted import FILE, TrustedMetadata
from tests.fakes.release_tower import ReleaseTower
from tests.fakes.vision_models import detector

if TYPE_CHECKING:
    from pathlib import Path


def stick(tower: ReleaseTower, tmp_path: Path, name: str = "stick") -> Path:
    """A copy of the repository as it is now."""
    return shutil.copytree(tower.folder, tmp_path / name)


def newest(tower: ReleaseTower, role: str) -> Path:
    """The metadata of a role that counts."""
    found = tower.places.metadata.glob(f"*{role}.json")
    return max(found, key=lambda path: int(path.stem.partition(".")[0]) if "." in path.stem else 0)


def test_what_is_offered_is_seen_with_its_files(tower, seen):
    found = look(seen, FolderSource(tower.folder), tower.now)
    (offer,) = found.offers
    assert offer.ref == "tiny@1.0.0"
    names = [target.path for target in found.files(offer)]
    assert names == ["tiny/1.0.0/weights.onnx", "tiny/1.0.0/model.toml"]
    assert all((tower.folder / target.place).is_file() for target in found.files(offer))


def test_a_device_that_trusts_nobody_believes_nothing(tower, tmp_path):
    (tmp_path / "new").mkdir()
    with pytest.raises(RefusedReleaseError, match="trusts no release repository"):
        look(TrustedMetadata(tmp_path / "new"), FolderSource(tower.folder), tower.now)


def test_a_root_that_does_not_sign_itself_is_not_trusted(tower, tmp_path):
    root = json.loads(tower.root)
    root["signed"]["version"] = 7
    with pytest.raises(RefusedReleaseError, match="signs itself"):
        trust(TrustedMetadata(tmp_path), json.dumps(root).encode())


def test_another_towers_repository_is_refused(seen, tmp_path):
    stranger = ReleaseTower(tmp_path / "stranger")
    with pytest.raises(RefusedReleaseError, match="signatures are missing"):
        look(seen, FolderSource(stranger.folder), stranger.now)


def test_an_older_stick_is_refused_once_a_newer_repository_was_seen(tower, seen, tmp_path):
    old = stick(tower, tmp_path)
    tower.sign_anew()
    look(seen, FolderSource(tower.folder), tower.now)
    with pytest.raises(RefusedReleaseError, match="older repository"):
        look(seen, FolderSource(old), tower.now)


def test_an_older_stick_is_taken_where_nothing_newer_was_seen(tower, seen, tmp_path):
    """The control: the stick itself is fine."""
    old = stick(tower, tmp_path)
    tower.sign_anew()
    assert look(seen, FolderSource(old), tower.now).offers


def test_zeroed_memory_and_an_old_stick_are_refused(tower, seen, tmp_path):
    old = stick(tower, tmp_path)
    tower.sign_anew()
    look(seen, FolderSource(tower.folder), tower.now)
    database = tmp_path / "device" / FILE
    for file in database.parent.glob(f"{FILE}*"):
        file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(RefusedReleaseError, match="can't be read"):
        look(seen, FolderSource(old), tower.now)
    trust(seen, tower.root)  # a person's word, and it goes on
    assert look(seen, FolderSource(tower.folder), tower.now).offers


def test_an_expired_signature_is_refused_by_the_devices_own_sense_of_time(tower, seen):
    with pytest.raises(RefusedReleaseError, match="expired"):
        look(seen, FolderSource(tower.folder), tower.now + timedelta(days=8))
    assert look(seen, FolderSource(tower.folder), tower.now).offers


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "rollout"])
def test_metadata_with_a_changed_version_is_refused_and_nothing_is_remembered(tower, seen, role):
    path = newest(tower, role)
    said = json.loads(path.read_text())
    said["signed"]["version"] += 1
    path.write_text(json.dumps(said))
    before = seen.read()
    with pytest.raises((RefusedReleaseError, NoRepositoryError)):
        look(seen, FolderSource(tower.folder), tower.now)
    assert seen.read() == before


def test_a_rollout_that_is_missing_takes_everything_off_offer(tower, seen):
    for path in tower.places.targets.glob("*rollout.json"):
        path.unlink()
    with pytest.raises(NoRepositoryError, match=r"rollout\.json is not there"):
        look(seen, FolderSource(tower.folder), tower.now)


def test_a_folder_that_links_out_of_itself_gives_nothing(tower, seen, tmp_path):
    copy = stick(tower, tmp_path)
    real = copy / "metadata" / "timestamp.json"
    outside = tmp_path / "outside.json"
    real.rename(outside)
    real.symlink_to(outside)
    with pytest.raises(NoRepositoryError):
        look(seen, FolderSource(copy), tower.now)


def test_a_later_version_is_offered_beside_the_first(tower, seen, tmp_path):
    (tmp_path / "next").mkdir()
    tower.add(detector(tmp_path / "next", version="1.1.0"))
    found = look(seen, FolderSource(tower.folder), tower.now)
    assert {offer.version for offer in found.offers} == {"1.0.0", "1.1.0"}
