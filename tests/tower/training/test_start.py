"""What an exported detector learned can be taken up again, number for number."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.training.network import DetectorNet
from tower_sync_server.training.severity.network import SeverityNet
from tower_sync_server.training.start import module_of, start_from_onnx

SHIPPED = Path(__file__).parents[3] / "models/zoo/vehicle-damage-detector/1.0.0/model-fp32.onnx"


@pytest.mark.parametrize(
    ("node", "module"),
    [
        ("/network/stem/stem.0/stem.0.0/Conv", "stem.0.0"),
        ("/network/stage4/entry/entry.0/Conv", "stage4.entry.0"),
        (
            "/network/stage8/stage8.1/blocks.0/first/first.0/Conv",
            "stage8.1.blocks.0.first.0",
        ),
    ],
)
def test_a_nodes_name_tells_its_module(node: str, module: str) -> None:
    assert module_of(node) == module


def test_the_shipped_detector_comes_back_whole() -> None:
    torch.manual_seed(0)
    network = DetectorNet(len(LABELS)).eval()
    start_from_onnx(network, SHIPPED)
    picture = torch.rand(1, 3, 320, 320)
    with torch.no_grad():
        mine = [one.numpy() for level in network(picture) for one in level]
    session = onnxruntime.InferenceSession(str(SHIPPED), providers=["CPUExecutionProvider"])
    theirs = session.run(None, {"image": picture.numpy()})
    for one, other in zip(mine, theirs, strict=True):
        assert np.allclose(one, other, atol=1e-3)


def test_a_network_takes_only_what_fits() -> None:
    torch.manual_seed(0)
    other = SeverityNet(3, widths=(12, 20, 30, 40, 50))
    before = other.state_dict()["head.1.weight"].clone()
    taken = start_from_onnx(other, SHIPPED)
    assert 0 < taken < 20
    assert torch.equal(other.state_dict()["head.1.weight"], before)
