"""Twelve ways to tamper with a repository: each is refused, and what serves goes on serving."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from edge.errors import EdgeError
from edge.library.library import ModelLibrary
from edge.updates.device import device_of
from edge.updates.outcomes import Outcomes
from edge.updates.pull import Puller
from edge.updates.source import FolderSource
from models.offer import Ring
from tests.fakes.release_tower import ReleaseTower
from tests.fakes.vision_models import FINDS, detector

if TYPE_CHECKING:
    from pathlib import Path

    from edge.updates.trusted import TrustedMetadata

Tamper = Callable[["Stick"], None]


class Stick:
    """A copy of the repository, and what an attacker has at hand besides."""

    def __init__(self, tower: ReleaseTower, folder: Path) -> None:
        self.old = shutil.copytree(tower.folder, folder / "old")
        tower.sign_anew()
        shutil.rmtree(folder / "next", ignore_errors=True)
        (folder / "next").mkdir()
        tower.add(detector(folder / "next", version="1.1.0"))
        self.now = tower.now
        self.folder = shutil.copytree(tower.folder, folder / "stick")
        self.stranger = ReleaseTower(folder / "stranger").folder

    def target(self, name: str = "weights.onnx") -> Path:
        (path,) = self.folder.glob(f"targets/tiny/1.1.0/*.{name}")
        return path

    def newest(self, role: str) -> Path:
        found = self.folder.glob(f"metadata/*{role}.json")
        return max(found, key=lambda p: int(p.stem.partition(".")[0]) if "." in p.stem else 0)

    def edit(self, role: str, change: Callable[[dict[str, Any]], None]) -> None:
        said = json.loads(self.newest(role).read_text())
        change(said)
        self.newest(role).write_text(json.dumps(said))


def bit_flip(stick: Stick) -> None:
    data = bytearray(stick.target().read_bytes())
    data[len(data) // 2] ^= 1
    stick.target().write_bytes(data)


def truncation(stick: Stick) -> None:
    stick.target().write_bytes(stick.target().read_bytes()[:-10])


def endless_target(stick: Stick) -> None:
    with stick.target().open("ab") as file:
        file.truncate(1 << 32)  # sparse


def wrong_key(stick: Stick) -> None:
    for path in stick.stranger.glob("metadata/*"):
        shutil.copy(path, stick.folder / "metadata" / path.name)


def too_few_signatures(stick: Stick) -> None:
    stick.edit("targets", lambda said: said["signatures"].clear())


def old_timestamp(stick: Stick) -> None:
    shutil.copy(stick.old / "metadata" / "timestamp.json", stick.folder / "metadata")


def old_snapshot(stick: Stick) -> None:
    old = max(stick.old.glob("metadata/*.snapshot.json"))
    shutil.copy(old, stick.newest("snapshot"))


def mix_and_match(stick: Stick) -> None:
    old = max(stick.old.glob("metadata/*.targets.json"))
    shutil.copy(old, stick.newest("targets"))


def fast_forward(stick: Stick) -> None:
    def change(said: dict[str, Any]) -> None:
        said["signed"]["version"] = 2**31

    stick.edit("timestamp", change)


def wrong_hash(stick: Stick) -> None:
    def change(said: dict[str, Any]) -> None:
        signed = said["signed"]["targets"]
        path = next(name for name in signed if name.endswith("1.1.0/weights.onnx"))
        signed[path]["hashes"]["sha256"] = "0" * 64

    stick.edit("targets", change)


def swapped_files(stick: Stick) -> None:
    one, other = stick.target(), stick.target("model.toml")
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)


def link_out(stick: Stick) -> None:
    outside = stick.folder.parent / "outside"
    stick.target().rename(outside)
    (path,) = stick.folder.glob("targets/tiny/1.1.0/")
    (path / "link").symlink_to(outside)


KINDS: list[Tamper] = [
    bit_flip,
    truncation,
    endless_target,
    wrong_key,
    too_few_signatures,
    old_timestamp,
    old_snapshot,
    mix_and_match,
    fast_forward,
    wrong_hash,
    swapped_files,
    link_out,
]


@pytest.fixture
def stick(tower: ReleaseTower, tmp_path: Path) -> Stick:
    return Stick(tower, tmp_path)


@pytest.fixture
def library(tower: ReleaseTower, tmp_path: Path) -> ModelLibrary:
    """It has 1.0.0, of other weights' name, so that nothing comes from the device itself."""
    made = ModelLibrary(tmp_path / "no-zoo", tmp_path / "device" / "models")
    made.install(tmp_path / "model")
    return made


def pull(library: ModelLibrary, seen: TrustedMetadata, stick: Stick, tmp_path: Path) -> list[str]:
    """Look and install as the device does; the versions that were installed."""
    models = tmp_path / "device" / "models"
    outcomes = Outcomes(models)

    def device():
        return device_of(library, {"finds": FINDS}, Ring.ALL, outcomes.failed())

    puller = Puller(library, models, seen, outcomes, device, lambda: stick.now, 0)
    puller._here = dict  # nothing on the device is taken in the place of the stick's
    source = FolderSource(stick.folder)
    found = puller.look(source)
    return [
        puller.install(found, offer, source, lambda *_: None, lambda *_: None).version
        for offer in found.choice.take
    ]


def test_the_stick_itself_is_taken(library, seen, stick, tmp_path):
    """The control: nothing of what follows is refused for another reason."""
    assert pull(library, seen, stick, tmp_path) == ["1.1.0"]


@pytest.mark.parametrize("tamper", KINDS, ids=lambda kind: kind.__name__)
def test_a_stick_that_was_tampered_with_is_refused(library, seen, stick, tmp_path, tamper):
    if tamper is old_timestamp:  # by air, the device has seen the newer one
        look_before(seen, stick)
    tamper(stick)
    with pytest.raises(EdgeError) as refused:
        pull(library, seen, stick, tmp_path)
    assert refused.value.hint
    assert [model.release.version for model in library.list()] == ["1.0.0"]
    assert library.active("tiny").release.version == "1.0.0"


def look_before(seen: TrustedMetadata, stick: Stick) -> None:
    from edge.updates.look import look

    look(seen, FolderSource(stick.folder), stick.now)


@pytest.mark.parametrize("name", ["../evil.onnx", "/etc/passwd", "a/../../b", "CON\\x", ".hidden"])
def test_no_name_leads_out_of_a_models_folder(name):
    from models.jsonable import InvalidWordError
    from models.offer import Offer, from_custom
    from models.release import File

    with pytest.raises(InvalidWordError):
        Offer(
            id="tiny", version="1.0.0", task="detect", format="onnx",
            files=(File(name, "a" * 64, 1),), size=2, ring=Ring.ALL, released=None,
        )  # fmt: skip
    with pytest.raises(InvalidWordError):
        from_custom(f"tiny/{name}/model.toml", {"edgecase": {}})
