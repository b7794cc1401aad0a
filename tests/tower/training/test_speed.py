"""INT8 is timed against fp32 in turn, and the figure says on what processor."""

from pathlib import Path

import numpy as np

from tower_sync_server.evaluate import reached
from tower_sync_server.training.speed import BAR, speed_figures, times

SHIPPED = Path(__file__).parents[3] / "models/zoo/vehicle-damage-detector/1.0.0"


class Noted:
    """A runner that only notes when it was asked."""

    def __init__(self, name: str, asked: list[str]) -> None:
        self.name, self.asked = name, asked

    def run(self, _: object) -> dict[str, object]:
        self.asked.append(self.name)
        return {}


def test_the_runs_take_turns_and_the_first_do_not_count() -> None:
    asked: list[str] = []
    runners = {name: Noted(name, asked) for name in ("int8", "fp32")}
    took = times(runners, np.zeros((1, 3, 8, 8), np.float32), 4)  # type: ignore[arg-type]
    assert asked == ["int8", "fp32"] * 9
    assert [len(one) for one in took.values()] == [4, 4]


def test_the_shipped_detector_is_faster_in_eight_bits() -> None:
    (figure,) = speed_figures(SHIPPED, rounds=8)
    assert (figure.name, figure.bar) == ("times_as_fast", BAR)
    assert reached(figure) == (figure.value >= 2.0)
    if figure.slice == "dot-product":
        assert figure.value > 1.2  # a few runs on a busy machine scatter


def test_a_model_of_one_precision_has_no_such_figure(tmp_path: Path) -> None:
    for name in ("model.toml", "model.onnx"):
        (tmp_path / name).write_bytes((SHIPPED / name).read_bytes())
    assert speed_figures(tmp_path) == []
