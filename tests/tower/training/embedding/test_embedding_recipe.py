"""The embedding's whole recipe on a toy: render, train, quantise, publish. It must learn."""

from pathlib import Path

import numpy as np
import pytest

from models.classifier import Classifier
from models.embed import embed, from_bytes
from models.release import read_manifest, verify_files
from models.runner_onnx import OnnxRunner
from tower_sync_server.render.samples import decode_jpeg
from tower_sync_server.render.scene import Wish, render_photo
from tower_sync_server.training.embedding.default import EMBEDDING, release_embedding
from tower_sync_server.training.embedding.loop import NAMES, recall, shown
from tower_sync_server.training.embedding.measure import vectors_in
from tower_sync_server.training.embedding.recipe import TOY, Made, learn_embedding

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # half a minute on a free machine
_ROOT = Path(__file__).parents[4]
_DETECTOR = _ROOT / "models/zoo/vehicle-damage-detector/1.0.0/model-fp32.onnx"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return learn_embedding(TOY, (tmp_path_factory.mktemp("work"), _DETECTOR), 7, print)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, made: Made) -> Path:
    home = tmp_path_factory.mktemp("zoo") / EMBEDDING / "1.0.0"
    release_embedding(home, made, 7)
    return home


def test_a_toy_embedding_puts_like_beside_like_far_more_often_than_chance(
    folder: Path, made: Made
) -> None:
    images, classes = shown(made.held_out)
    release = read_manifest(folder)
    chance = float((np.bincount(classes, minlength=len(NAMES)) / len(classes)).max())
    found = {
        name: recall(vectors_in(folder / name, release, images), classes)
        for name in ("model.onnx", "model-fp32.onnx")
    }
    print(f"recall@1 {found}, chance {chance:.3f}")
    assert found["model.onnx"] > chance + 0.15
    assert found["model.onnx"] > found["model-fp32.onnx"] - 0.08


def test_the_manifest_holds_and_the_golden_crops_come_out_the_same(folder: Path) -> None:
    release = read_manifest(folder)
    verify_files(folder, release)
    assert release.output.embedding_step > 0
    classifier = Classifier(OnnxRunner(folder / "model.onnx"), release)
    assert len(release.golden) == 3
    for golden in release.golden:
        said = classifier.classify(decode_jpeg((folder / golden.image).read_bytes()))
        label, confidence, _ = golden.expected[0]
        assert (said.label, said.confidence) == (label, pytest.approx(confidence, abs=1e-3))


def test_the_devices_call_makes_128_bytes_of_a_box(folder: Path) -> None:
    model = Classifier(OnnxRunner(folder / "model.onnx"), read_manifest(folder))
    wish = Wish(damaged=True, something_else=False)
    photo = render_photo(12, split="plain", width=320, height=240, wish=wish)
    x1, y1, x2, y2 = map(float, photo.boxes[0])
    one = embed(model, photo.image, (x1, y1, x2, y2), 0.15)
    assert one is not None
    assert len(one.to_bytes()) == 128
    assert float(np.dot(from_bytes(one.to_bytes()), one.vector)) > 0.999
