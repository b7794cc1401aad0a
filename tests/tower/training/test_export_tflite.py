"""TFLite files say what the ONNX files say, through the device's own runners."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.classifier import Classifier
from models.detector import Detector
from models.release import Format, HeadLayout, Input, ModelRelease, Output, Task
from models.runners import open_runner
from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.render.scene import Wish, render_photo
from tower_sync_server.training import export_tflite
from tower_sync_server.training.export import export_fp32
from tower_sync_server.training.network import DetectorNet
from tower_sync_server.training.publish import file_entry
from tower_sync_server.training.severity.network import SeverityNet
from tower_sync_server.training.start import start_from_onnx

SHIPPED = Path(__file__).parents[3] / "models/zoo/vehicle-damage-detector/1.0.0"
SIDE = 160

needs_litert_torch = pytest.mark.skipif(
    not export_tflite.available(), reason="needs the package litert-torch (JAX and a converter)"
)


def photo() -> np.ndarray:
    wish = Wish(damaged=True, something_else=False)
    return render_photo(71, split="plain", width=640, height=480, wish=wish).image


def release_of(folder: Path, name: str, **said: object) -> ModelRelease:
    kind = Format.TFLITE if name.endswith("tflite") else Format.ONNX
    layout = "NHWC" if kind is Format.TFLITE else "NCHW"
    side = said.pop("side", SIDE)
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
def detectors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Detector]:
    """The shipped detector's stages with untrained heads, as ONNX and as TFLite, fp32 and INT8."""
    folder = tmp_path_factory.mktemp("tflite")
    torch.manual_seed(0)
    network = DetectorNet(len(LABELS))
    assert start_from_onnx(network, SHIPPED / "model-fp32.onnx") > 200
    pictures = np.stack([
        np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8),
        np.ascontiguousarray(photo()[:SIDE, :SIDE]),
        np.ascontiguousarray(photo()[-SIDE:, -SIDE:]),
    ])  # fmt: skip
    export_fp32(network, SIDE, folder / "m.onnx")
    export_tflite.export_tflite_fp32(network, SIDE, folder / "m.tflite")
    export_tflite.export_tflite_int8(folder / "m.tflite", pictures, folder / "int8.tflite")
    output = Output(HeadLayout.RAW, (8, 16, 32), scores="logits")
    made = {}
    for name in ("m.onnx", "m.tflite", "int8.tflite"):
        release = release_of(folder, name, task=Task.DETECT, labels=LABELS, output=output)
        made[name] = Detector(open_runner(folder, release), release)
    return made


@pytest.mark.slow
@needs_litert_torch
def test_the_tflite_detector_finds_what_the_onnx_one_finds(detectors: dict[str, Detector]) -> None:
    onnx, tflite = (detectors[n].detect(photo(), 0.05, 0.5, 20) for n in ("m.onnx", "m.tflite"))
    assert len(onnx) == len(tflite) > 0
    for one, other in zip(onnx, tflite, strict=True):
        assert one.label == other.label
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
        assert one.box == pytest.approx(other.box, abs=0.05)


@pytest.mark.slow
@needs_litert_torch
def test_the_tflite_detector_in_8_bits_is_as_sure(detectors: dict[str, Detector]) -> None:
    full = detectors["m.onnx"].detect(photo(), 0.2, 0.5, 20)
    small = detectors["int8.tflite"].detect(photo(), 0.1, 0.5, 20)
    assert full[0].label == small[0].label
    assert full[0].confidence == pytest.approx(small[0].confidence, abs=0.15)
    assert full[0].box == pytest.approx(small[0].box, abs=16)


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
