"""TFLite files say what the ONNX files say, through the device's own runners."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.admission.admit import admit
from models.classifier import Classifier
from models.detection import Detection
from models.detector import Detector
from models.release import (
    Format,
    Input,
    ModelRelease,
    Output,
    Task,
    read_manifest,
    verify_files,
)
from models.runners import open_runner
from tower_sync_server.render.scene import Wish, render_photo
from tower_sync_server.training import export_tflite
from tower_sync_server.training.cache import letterboxed
from tower_sync_server.training.publish import file_entry
from tower_sync_server.training.severity.network import SeverityNet
from tower_sync_server.training.tflite_release import release_as_tflite

SHIPPED = Path(__file__).parents[3] / "models/zoo/vehicle-damage-detector/1.0.0"

pytestmark = pytest.mark.timeout(900)  # a minute on a free core; others may share it
needs_litert_torch = pytest.mark.skipif(
    not export_tflite.available(), reason="needs the package litert-torch (JAX and a converter)"
)


def photo() -> np.ndarray:
    wish = Wish(damaged=True, something_else=False)
    return render_photo(71, split="plain", width=640, height=480, wish=wish).image


def release_of(folder: Path, name: str, **said: object) -> ModelRelease:
    kind = Format.TFLITE if name.endswith("tflite") else Format.ONNX
    layout = "NHWC" if kind is Format.TFLITE else "NCHW"
    side = said.pop("side")
    return ModelRelease(
        id="toy", version="0.0.1", format=kind, files=(file_entry(folder, name, "weights"),),
        input=Input(side, side, layout), **said,
    )  # type: ignore[arg-type]  # fmt: skip


def test_pools_are_replaced_by_what_gives_the_same_numbers() -> None:
    torch.manual_seed(0)
    network = SeverityNet(3).eval()
    picture = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before, after = network(picture), export_tflite.with_plain_pools(network)(picture)
    assert torch.allclose(before, after, atol=1e-6)
    assert not any(isinstance(one, nn.AdaptiveMaxPool2d) for one in network.modules())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped detector as TFLite, with its manifest."""
    home = tmp_path_factory.mktemp("tflite") / "detector"
    photos = [render_photo(seed, split="train", width=480, height=360) for seed in range(4)]
    release_as_tflite(SHIPPED, home, np.stack([letterboxed(one, 320)[0] for one in photos]))
    return home


def found(folder: Path, name: str, release: ModelRelease) -> tuple[Detection, ...]:
    layout = "NHWC" if name.endswith("tflite") else "NCHW"
    kind = Format.TFLITE if name.endswith("tflite") else Format.ONNX
    mine = replace(
        release, format=kind, files=(file_entry(folder, name, "weights"),),
        input=Input(320, 320, layout),
    )  # fmt: skip
    return Detector(open_runner(folder, mine), mine).detect(photo(), 0.2, 0.5, 20)


@pytest.mark.slow
@needs_litert_torch
def test_the_tflite_detector_finds_what_the_onnx_one_finds(folder: Path) -> None:
    onnx = found(SHIPPED, "model-fp32.onnx", read_manifest(SHIPPED))
    tflite = found(folder, "model-fp32.tflite", read_manifest(folder))
    assert len(onnx) == len(tflite) > 0
    for one, other in zip(onnx, tflite, strict=True):
        assert one.label == other.label
        assert one.confidence == pytest.approx(other.confidence, abs=2e-3)
        assert one.box == pytest.approx(other.box, abs=0.5)


@pytest.mark.slow
@needs_litert_torch
def test_the_tflite_detector_in_8_bits_is_nearly_as_sure(folder: Path) -> None:
    onnx = found(SHIPPED, "model-fp32.onnx", read_manifest(SHIPPED))
    tflite = found(folder, "model.tflite", read_manifest(folder))
    assert onnx[0].label == tflite[0].label
    assert onnx[0].confidence == pytest.approx(tflite[0].confidence, abs=0.12)
    assert onnx[0].box == pytest.approx(tflite[0].box, abs=12)
    assert (
        3 * (folder / "model.tflite").stat().st_size
        < (folder / "model-fp32.tflite").stat().st_size + 500_000
    )


@pytest.mark.slow
@needs_litert_torch
def test_the_tflite_release_is_admitted_with_its_golden_photos(folder: Path) -> None:
    release = read_manifest(folder)
    verify_files(folder, release)
    assert release.version.endswith("+tflite")
    assert isinstance(admit(folder, release).model, Detector)


@pytest.mark.slow
@needs_litert_torch
def test_a_tflite_classifier_says_what_the_network_says(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = SeverityNet(3).eval()
    export_tflite.export_tflite_fp32(network, 64, tmp_path / "c.tflite")
    release = release_of(
        tmp_path, "c.tflite", task=Task.CLASSIFY, labels=("a", "b", "c"),
        output=Output(scores="logits"), side=64,
    )  # fmt: skip
    picture = np.ascontiguousarray(photo()[100:164, 100:164])
    said = Classifier(open_runner(tmp_path, release), release).classify(picture)
    with torch.no_grad():
        true = network(torch.from_numpy(picture[None]).permute(0, 3, 1, 2).float() / 255)
    assert said.probabilities == pytest.approx(true.softmax(1)[0].tolist(), abs=1e-4)


def test_nothing_is_made_where_the_converter_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_tflite, "NEEDED", ("no_such_module_anywhere",))
    assert not export_tflite.available()
