"""Boxes are assigned to the cells that suit them."""

import torch

from tower_sync_server.training.assigner import assign, pairwise_iou
from tower_sync_server.training.loss import make_cells

CELLS = make_cells([(8, 8), (4, 4), (2, 2)])
COUNT = len(CELLS.centres)


def predictions(box: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    scores = torch.full((1, COUNT, 2), 0.5)
    return scores, torch.tensor(box).expand(1, COUNT, 4).clone()


def truth(*boxes: list[float]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    count = len(boxes)
    return (
        torch.zeros(1, count, dtype=torch.int64),
        torch.tensor([list(boxes)]),
        torch.ones(1, count, dtype=torch.bool),
    )


def test_only_cells_inside_a_box_learn_it() -> None:
    box = [8.0, 8.0, 40.0, 40.0]
    found = assign(*predictions(box), CELLS.centres, truth(box))
    centres = CELLS.centres[found.foreground[0]]
    assert len(centres) > 0
    assert ((centres > 8) & (centres < 40)).all()


def test_at_most_ten_cells_learn_a_box() -> None:
    box = [0.0, 0.0, 64.0, 64.0]
    found = assign(*predictions(box), CELLS.centres, truth(box))
    assert int(found.foreground.sum()) == 10


def test_even_a_tiny_box_is_learned_by_a_cell() -> None:
    box = [15.5, 15.5, 16.5, 16.5]
    found = assign(*predictions(box), CELLS.centres, truth(box))
    assert int(found.foreground.sum()) >= 1


def test_padding_rows_are_learned_by_nobody() -> None:
    kinds, boxes, present = truth([8.0, 8.0, 40.0, 40.0])
    found = assign(*predictions([8.0, 8.0, 40.0, 40.0]), CELLS.centres, (kinds, boxes, ~present))
    assert not found.foreground.any()
    assert float(found.scores.sum()) == 0.0


def test_a_cell_in_two_boxes_learns_the_one_it_overlaps_more() -> None:
    small, large = [16.0, 16.0, 32.0, 32.0], [0.0, 0.0, 64.0, 64.0]
    found = assign(*predictions(small), CELLS.centres, truth(large, small))
    inside = (CELLS.centres > 16).all(1) & (CELLS.centres < 32).all(1)
    mine = found.foreground[0] & inside
    assert (found.boxes[0, mine] == torch.tensor(small)).all()


def test_overlap_of_equal_boxes_is_one() -> None:
    box = torch.tensor([[[0.0, 0.0, 10.0, 10.0]]])
    assert torch.allclose(pairwise_iou(box, box), torch.ones(1, 1, 1))
