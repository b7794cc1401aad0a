"""Embeddings come in whole steps, keep their bytes, and put like beside like."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.classifier import Classifier
from models.embed import Embedding, embed, embedding_of, from_bytes, normalised
from models.release import ModelRelease, read_manifest, verify_files
from models.runner_onnx import OnnxRunner
from tower_sync_server.render.damages.base import SEVERITIES
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.training.embedding.loop import NAMES, recall, shown
from tower_sync_server.training.embedding.measure import BAR, evaluate_embedding
from tower_sync_server.training.embedding.network import (
    DIMENSIONS,
    EmbeddingNet,
    embedding_loss,
)
from tower_sync_server.training.embedding.publish import export_embedding, publish_embedding
from tower_sync_server.training.publish import Identity
from tower_sync_server.training.severity.crops import OUTSIDE, SIDE, Crops
from tower_sync_server.training.start import start_from_onnx

ZOO = Path(__file__).parents[4] / "models/zoo"
SHIPPED = ZOO / "crop-embedding/1.0.0"
DETECTOR = ZOO / "vehicle-damage-detector/1.0.0/model-fp32.onnx"


def pictures(count: int) -> np.ndarray:
    """Coarse random patterns: unlike each other, and with something in them to see."""
    coarse = np.random.default_rng(3).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    return coarse.repeat(SIDE // 8, axis=1).repeat(SIDE // 8, axis=2)


def every_class() -> Crops:
    numbers = np.arange(len(NAMES))
    return Crops(pictures(len(NAMES)), numbers // len(LABELS), numbers % len(LABELS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("embedding")
    torch.manual_seed(0)
    network = EmbeddingNet(len(NAMES))
    assert start_from_onnx(network, DETECTOR) > 50
    step = export_embedding(network, pictures(8), home)
    identity = Identity("toy", "0.0.1", 0, "0" * 64, "2026-01-01", "A toy.")
    publish_embedding(home, identity, every_class(), step)
    return home


def made(folder: Path, release: ModelRelease, threads: int = 1) -> list[Embedding]:
    model = Classifier(OnnxRunner(folder / "model.onnx", threads), release)
    found = [embedding_of(model.classify(one), release) for one in pictures(12)]
    return [one for one in found if one is not None]


def test_an_embedding_has_128_dimensions_and_as_many_bytes(folder: Path) -> None:
    (first, *others) = made(folder, read_manifest(folder))
    assert len(others) == 11
    assert len(first.vector) == DIMENSIONS == len(first.to_bytes()) == 128


def test_the_network_answers_in_whole_steps(folder: Path) -> None:
    release = read_manifest(folder)
    said = Classifier(OnnxRunner(folder / "model.onnx"), release).classify(pictures(1)[0])
    assert said.embedding is not None
    steps = said.embedding / np.float32(release.output.embedding_step)
    assert np.abs(steps - np.rint(steps)).max() < 1e-3
    assert len(set(np.rint(steps).tolist())) > 20


def test_one_thread_and_two_make_the_same_bytes(folder: Path) -> None:
    release = read_manifest(folder)
    one, two = made(folder, release), made(folder, release, threads=2)
    assert [each.to_bytes() for each in one] == [each.to_bytes() for each in two]


def test_another_process_makes_the_same_bytes(folder: Path) -> None:
    code = (
        "from pathlib import Path; import sys\n"
        "from models.release import read_manifest\n"
        "from tests.tower.training.embedding.test_embedding import made\n"
        "f = Path(sys.argv[1]); print(*[e.to_bytes().hex() for e in made(f, read_manifest(f))])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True, text=True, check=True, cwd=ZOO.parents[1], timeout=120,
    )  # fmt: skip
    mine = [each.to_bytes().hex() for each in made(folder, read_manifest(folder))]
    assert ran.stdout.split() == mine


def bytes_of(vector: np.ndarray, step: float) -> bytes:
    return Embedding(tuple(normalised(vector, step).tolist()), "m@1", 1).to_bytes()


def moved_vectors(step: float) -> int:
    """How many of 300 vectors get other bytes when each number is off by up to a ten-thousandth."""
    rng = np.random.default_rng(1)
    whole = (rng.integers(-128, 128, (300, DIMENSIONS)) * 0.037).astype(np.float32)
    off = whole * (1 + rng.uniform(-1e-4, 1e-4, whole.shape)).astype(np.float32)
    return sum(bytes_of(a, step) != bytes_of(b, step) for a, b in zip(whole, off, strict=True))


def test_a_last_bit_does_not_move_a_vector_that_comes_in_steps() -> None:
    assert moved_vectors(0.037) == 0


def test_without_steps_a_last_bit_does_move_some() -> None:
    assert moved_vectors(0.0) > 0


def test_the_order_of_adding_up_makes_no_difference() -> None:
    whole = np.random.default_rng(2).integers(-128, 128, DIMENSIONS) * 0.01
    order = np.random.default_rng(3).permutation(DIMENSIONS)
    assert (normalised(whole, 0.01)[order] == normalised(whole[order], 0.01)).all()


def test_device_and_tower_embed_a_box_by_the_same_call(folder: Path) -> None:
    release = read_manifest(folder)
    model = Classifier(OnnxRunner(folder / "model.onnx"), release)
    photo = pictures(1)[0].repeat(2, axis=0)
    near, far = ((4.0, 4.0, 60.0, 90.0), (60.0, 100.0, 120.0, 240.0))
    vectors = [embed(model, photo, box, 0.15) for box in (near, near, far)]
    assert None not in vectors
    assert vectors[0] == vectors[1] != vectors[2]
    assert release.preprocess.crop == "scaled"


def test_reading_the_bytes_again_keeps_the_direction(folder: Path) -> None:
    one = made(folder, read_manifest(folder))[0]
    assert float(np.dot(from_bytes(one.to_bytes()), one.vector)) > 0.999


def test_recall_counts_nearest_others_of_the_same_class() -> None:
    angles = np.asarray([0.0, 0.1, 1.5, 1.6, 3.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert recall(vectors, np.asarray([0, 0, 1, 1, 1])) == 1.0
    assert recall(vectors, np.asarray([0, 0, 1, 1, 0])) == 0.8


def test_what_shows_no_damage_is_not_learned_from() -> None:
    crops = replace(every_class(), severities=np.full(len(NAMES), OUTSIDE))
    assert len(shown(crops)[1]) == 0
    assert shown(every_class())[1].tolist() == list(range(len(NAMES)))
    assert NAMES[1] == f"{LABELS[1]}-{SEVERITIES[0]}"


def test_the_loss_falls_when_like_is_put_beside_like() -> None:
    torch.manual_seed(0)
    network = EmbeddingNet(2, widths=(8, 8, 8, 8, 8))
    images = torch.from_numpy(pictures(4)[:, ::4, ::4].copy()).permute(0, 3, 1, 2).float() / 255
    images[1], images[3] = images[0], images[2]
    classes = torch.tensor([0, 0, 1, 1])
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    losses = []
    for _ in range(15):
        loss = embedding_loss(network, images, classes)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_the_shipped_embedding_is_what_its_manifest_says() -> None:
    release = read_manifest(SHIPPED)
    verify_files(SHIPPED, release)
    assert sum(one.stat().st_size for one in SHIPPED.rglob("*.onnx")) <= 2_000_000
    assert release.output.embedding_step > 0
    classifier = Classifier(OnnxRunner(SHIPPED / "model.onnx"), release)
    assert classifier.output == "logits"


@pytest.mark.slow
def test_the_shipped_embedding_finds_the_same_damage() -> None:
    figures = evaluate_embedding(SHIPPED, seed=3, photos=160)
    measured = {(one.slice, one.precision, one.name): one.value for one in figures}
    for split in ("plain", "shift"):
        # A small sample scatters: this only guards against weights or code that are broken.
        assert measured[split, "int8", "recall_at_1"] > BAR - 0.2
