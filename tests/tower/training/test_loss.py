"""The loss is small where the network is right."""

import torch

from tower_sync_server.training.loss import complete_iou, decode, detection_loss, make_cells
from tower_sync_server.training.network import BINS, DetectorNet


def test_complete_iou_of_equal_boxes_is_one() -> None:
    box = torch.tensor([[10.0, 10.0, 30.0, 20.0]])
    assert torch.allclose(complete_iou(box, box), torch.ones(1), atol=1e-4)


def test_complete_iou_falls_with_the_distance_of_boxes_apart() -> None:
    one = torch.tensor([[0.0, 0.0, 10.0, 10.0]]).repeat(2, 1)
    two = torch.tensor([[20.0, 0.0, 30.0, 10.0], [60.0, 0.0, 70.0, 10.0]])
    near, far = complete_iou(one, two)
    assert 0 > near > far


def test_a_sure_bin_decodes_to_its_distance() -> None:
    cells = make_cells([(1, 1), (0, 0), (0, 0)])
    bins = torch.full((1, 1, 4, BINS), -50.0)
    bins[..., 2] = 50.0
    assert torch.allclose(decode(bins, cells)[0, 0], torch.tensor([-12.0, -12.0, 20.0, 20.0]))


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    network = DetectorNet(2, (8, 8, 16, 16, 16))
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    images = torch.rand(2, 3, 64, 64)
    truth = (
        torch.zeros(2, 1, dtype=torch.int64),
        torch.tensor([[[8.0, 8.0, 40.0, 40.0]]]).repeat(2, 1, 1),
        torch.ones(2, 1, dtype=torch.bool),
    )
    losses = []
    for _ in range(12):
        loss, _ = detection_loss(network(images), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
