"""The public networks, tensor by tensor: their own weights fit, and the device runs them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.classifier import Classifier
from models.release import Format, Input, ModelRelease, Output, Task
from models.runner_onnx import OnnxRunner
from tower_sync_server.training.backbones.names import (
    BACKBONES,
    ForeignWeightsError,
    UnknownBackboneError,
    load_public,
    make_backbone,
    take_state,
)
from tower_sync_server.training.publish import file_entry
from tower_sync_server.training.severity.crops import SIDE
from tower_sync_server.training.severity.publish import export_classifier

PUBLISHED = {
    "mobilenet_v2": (3_504_872, 314, {
        "features.0.0.weight": (32, 3, 3, 3),
        "features.1.conv.1.weight": (16, 32, 1, 1),
        "features.2.conv.1.0.weight": (96, 1, 3, 3),
        "features.17.conv.3.running_var": (320,),
        "features.18.0.weight": (1280, 320, 1, 1),
        "classifier.1.weight": (1000, 1280),
    }),
    "resnet50": (25_557_032, 320, {
        "conv1.weight": (64, 3, 7, 7),
        "layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "layer2.0.conv2.weight": (128, 128, 3, 3),
        "layer3.5.bn3.bias": (1024,),
        "layer4.2.conv3.weight": (2048, 512, 1, 1),
        "fc.bias": (1000,),
    }),
    "efficientnet_b0": (5_288_548, 360, {
        "features.0.0.weight": (32, 3, 3, 3),
        "features.1.0.block.1.fc1.weight": (8, 32, 1, 1),
        "features.2.0.block.1.0.weight": (96, 1, 3, 3),
        "features.3.0.block.1.0.weight": (144, 1, 5, 5),
        "features.7.0.block.3.1.running_mean": (320,),
        "features.8.0.weight": (1280, 320, 1, 1),
        "classifier.1.weight": (1000, 1280),
    }),
}  # fmt: skip
"""Name → parameters with 1,000 classes, tensors of the state dict, some of them with their shapes:
as the public weights' own pages give them."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_names_are_those_of_the_public_weights(name: str) -> None:
    network = make_backbone(name, 1000)
    parameters, tensors, some = PUBLISHED[name]
    state = network.state_dict()
    assert sum(one.numel() for one in network.parameters()) == parameters
    assert len(state) == tensors
    assert {key: tuple(state[key].shape) for key in some} == some


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_b0"])
def test_public_weights_fit_but_for_the_last_layer(name: str, tmp_path: Path) -> None:
    public = make_backbone(name, 1000)
    old = {key: one for key, one in public.state_dict().items() if "num_batches" not in key}
    torch.save(old, tmp_path / "public.pth")
    mine = make_backbone(name, 3)
    load_public(mine, tmp_path / "public.pth")
    first = next(iter(old))
    assert torch.equal(mine.state_dict()[first], old[first])
    assert mine.state_dict()["classifier.1.weight"].shape == (3, 1280)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ForeignWeightsError, match="tensors differ"):
        take_state(make_backbone("mobilenet_v2", 3), make_backbone("small", 3).state_dict())


def test_weights_of_another_shape_are_refused() -> None:
    state = make_backbone("mobilenet_v2", 3).state_dict()
    state["features.0.0.weight"] = torch.zeros(32, 1, 3, 3)
    with pytest.raises(ForeignWeightsError, match=r"features\.0\.0\.weight"):
        take_state(make_backbone("mobilenet_v2", 3), state)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownBackboneError, match="efficientnet_b0"):
        make_backbone("vgg", 3)


@pytest.mark.parametrize(
    "name",
    ["small", "mobilenet_v2", pytest.param("efficientnet_b0", marks=pytest.mark.slow),
     pytest.param("resnet50", marks=pytest.mark.slow)],
)  # fmt: skip
def test_the_device_runs_it_in_8_bits(name: str, tmp_path: Path) -> None:
    assert name in BACKBONES
    torch.manual_seed(0)
    network = make_backbone(name, 3).eval()
    pictures = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    export_classifier(network, pictures, tmp_path)
    release = ModelRelease(
        id="toy", version="0.0.1", task=Task.CLASSIFY, format=Format.ONNX,
        files=(file_entry(tmp_path, "model.onnx", "weights"),),
        labels=("minor", "moderate", "severe"), input=Input(SIDE, SIDE),
        output=Output(scores="logits"),
    )  # fmt: skip
    said = Classifier(OnnxRunner(tmp_path / "model.onnx"), release).classify(pictures[0])
    with torch.no_grad():
        true = network(torch.from_numpy(pictures[:1]).permute(0, 3, 1, 2).float() / 255)
    assert np.allclose(said.probabilities, true.softmax(1)[0], atol=0.1)
    smaller = (tmp_path / "model.onnx").stat().st_size
    assert smaller < 0.4 * (tmp_path / "model-fp32.onnx").stat().st_size
