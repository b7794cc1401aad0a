"""What people said makes the detector that runs a better one, and only then is it called so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.release import read_manifest, verify_files
from tests.tower.training.reviewed.sets import NEW, write_set, write_untrained
from tower_sync_server.average_precision import Precision
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.training.folder import DatasetError
from tower_sync_server.training.reviewed.card import verdict
from tower_sync_server.training.reviewed.compare import Comparison
from tower_sync_server.training.reviewed.improve import Order, improve, labels_after

pytestmark = pytest.mark.timeout(900)  # a minute on two free cores; others may share them
SHIPPED = Path(__file__).parents[4] / "models/zoo/vehicle-damage-detector/1.0.0"
SIDE = 64


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of small photos."""
    return write_set(tmp_path_factory.mktemp("set"), {"train": 20, "val": 4, "test": 6}, (160, 120))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained(tmp_path_factory.mktemp("fresh"))


@pytest.mark.slow
def test_a_word_that_the_shipped_detector_does_not_know_is_learned(tmp_path: Path) -> None:
    dataset = write_set(tmp_path / "set", {"train": 64, "val": 8, "test": 24}, (320, 240))
    order = Order(
        dataset, SHIPPED, tmp_path / "new", tmp_path / "work", "1.1.0", epochs=10, threads=1
    )
    compared = improve(order, print)

    release = read_manifest(tmp_path / "new")
    verify_files(tmp_path / "new", release)
    new = release.labels.index(NEW)
    assert release.labels[: len(LABELS)] == read_manifest(SHIPPED).labels, "it forgets no word"
    assert compared.before.per_class[new] == 0
    assert compared.after.per_class[new] > 0.15


def test_what_comes_out_is_a_whole_model_without_anybodys_photo(
    small: Path, fresh: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    order = Order(small, fresh, tmp_path / "new", tmp_path / "work", "1.1.0", epochs=1, threads=1)
    compared = improve(order, lines.append)

    release = read_manifest(tmp_path / "new")
    verify_files(tmp_path / "new", release)
    assert (release.id, release.version) == ("toy", "1.1.0")
    assert release.labels == (*LABELS, NEW)
    assert compared.photos == 6
    theirs = {path.read_bytes() for path in (small / "images").rglob("*.jpg")}
    assert not theirs & {path.read_bytes() for path in (tmp_path / "new").rglob("*.jpg")}
    assert [one.image for one in release.golden] == [
        one.image for one in read_manifest(fresh).golden
    ]
    card = (tmp_path / "new" / "CARD.md").read_text()
    assert "On 6 photos" in card
    assert verdict(compared) in card


def test_a_broken_off_run_goes_on(small: Path, fresh: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    order = Order(small, fresh, tmp_path / "new", tmp_path / "work", "1.1.0", epochs=1, threads=1)
    improve(order, lines.append)
    improve(replace(order, epochs=2), lines.append)
    epochs = [line.split(":")[0] for line in lines if line.startswith("epoch")]
    assert epochs == ["epoch 1/1", "epoch 2/2"]


def test_a_run_from_another_detector_begins_anew(small: Path, fresh: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    order = Order(small, fresh, tmp_path / "new", tmp_path / "work", "1.1.0", epochs=1, threads=1)
    improve(order, lines.append)
    improve(replace(order, start=tmp_path / "new", into=tmp_path / "newer"), lines.append)
    epochs = [line.split(":")[0] for line in lines if line.startswith("epoch")]
    assert epochs == ["epoch 1/1", "epoch 1/1"]


def test_too_few_photos_are_refused(fresh: Path, tmp_path: Path) -> None:
    few = write_set(tmp_path / "set", {"train": 3, "val": 1, "test": 1}, (160, 120))
    with pytest.raises(DatasetError, match="3 photos to train on; at least 16"):
        improve(Order(few, fresh, tmp_path / "new", tmp_path / "work", "1.1.0"), print)
    assert not (tmp_path / "new").exists()


def test_what_is_no_detector_of_ours_is_refused(small: Path, fresh: Path, tmp_path: Path) -> None:
    for start, said in (
        (SHIPPED.parents[1] / "vehicle-damage-severity" / "1.0.0", "is no detector"),
        (tmp_path, "holds no model"),
    ):
        with pytest.raises(DatasetError, match=said):
            improve(Order(small, start, tmp_path / "new", tmp_path / "work", "1.1.0"), print)
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("model.toml", "model.onnx"):
        (bare / name).write_bytes((fresh / name).read_bytes())
    with pytest.raises(DatasetError, match=r"no model-fp32\.onnx to go on from"):
        improve(Order(small, bare, tmp_path / "new", tmp_path / "work", "1.1.0"), print)


@pytest.mark.parametrize(
    ("old", "seen", "after"),
    [
        (("dent", "rust"), ("rust", "dent"), ("dent", "rust")),
        (("dent", "rust"), ("hail", "rust"), ("dent", "rust", "hail")),
        (("dent", "rust"), ("aphid", "mildew"), ("aphid", "mildew")),
    ],
)
def test_no_word_is_forgotten_but_another_subject_starts_anew(
    old: tuple[str, ...], seen: tuple[str, ...], after: tuple[str, ...]
) -> None:
    assert labels_after(old, seen) == after


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(0.01, 0.2, "better"), (-0.2, -0.01, "worse"), (-0.01, 0.2, "too few photos")],
)
def test_a_difference_that_chance_explains_is_not_called_better(
    low: float, high: float, word: str
) -> None:
    same = Precision(0.5, 0.5, ())
    compared = Comparison(10, same, same, low, high)
    assert verdict(compared).startswith(word)
    assert compared.better is (word == "better")
