"""Two processes that train together reach what one reaches alone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tower_sync_server.render.dataset import Order, write_dataset

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path

import torch

from tower_sync_server.render.damages.kinds import LABELS
from tower_sync_server.training.augment import Strength
from tower_sync_server.training.batches import BatchPlan, Share, epoch_batches
from tower_sync_server.training.folder import open_folder
from tower_sync_server.training.loop import Phase, Schedule
from tower_sync_server.training.loss import detection_loss
from tower_sync_server.training.many import is_leader, position, together
from tower_sync_server.training.recipe import TOY, checkpoint_folder, train_from_folder
from tower_sync_server.training.network import DetectorNet

plan = BatchPlan(size=8, side=64, strength=Strength((0.95, 1.05), 0.02, 0.1), mosaic=0.0)
schedule = Schedule((Phase(5, plan),), rate=5e-3, warmup=3, average=0.9, half=False)
recipe = replace(TOY, size=64, widths=(8, 12, 16, 24, 32), schedule=schedule)
with together():
    network = train_from_folder(
        recipe, Path(sys.argv[1]), Path(sys.argv[2]), lambda line: None if not is_leader()
        else print(line, flush=True),
    )
    cache = open_folder(Path(sys.argv[1]), "train", 64)
    batch = next(epoch_batches(cache, replace(plan, size=32), (0, 0), Share()))
    torch.manual_seed(1)
    fresh, last = (DetectorNet(len(LABELS), recipe.widths) for _ in range(2))
    place = checkpoint_folder(Path(sys.argv[2]), recipe.seed)
    last.load_state_dict(torch.load(place / "last.pt", weights_only=True)["network"])
    for name, each in (("before", fresh), ("after", last)):
        with torch.no_grad():  # normalised by these photos: five short epochs gather no averages
            loss, _ = detection_loss(each.train()(batch.images), batch.truth)
        print(f"{name} {float(loss):.3f}", flush=True)
    total = sum(float(one.double().abs().sum()) for one in network.state_dict().values())
    print(f"process {position()[0]} of {position()[1]} has {total:.6f}", flush=True)
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("data")
    write_dataset(home, (Order("train", 0, 32, 160, 120), Order("plain", 0, 8, 160, 120)))
    return home


def trained(dataset: Path, home: Path, processes: int) -> str:
    """Train in `processes` processes; return what they printed."""
    program = home / "program.py"
    program.write_text(PROGRAM)
    alone = [sys.executable, str(program)]
    launch = [
        sys.executable, "-m", "torch.distributed.run", "--standalone",
        "--nproc-per-node", str(processes), str(program),
    ]  # fmt: skip
    ran = subprocess.run(
        [*(alone if processes == 1 else launch), str(dataset), str(home / "work")],
        capture_output=True, text=True, timeout=280, cwd=ROOT, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


def said(printed: str, name: str) -> float:
    return float(re.findall(rf"^{name} ([\d.]+)", printed, re.MULTILINE)[0])


@pytest.mark.slow
def test_two_processes_reach_what_one_reaches(dataset: Path, tmp_path: Path) -> None:
    printed = {}
    for count in (1, 2):
        (tmp_path / str(count)).mkdir()
        printed[count] = trained(dataset, tmp_path / str(count), count)
    # One loss over all photos at once: what is printed while training counts each one's share.
    before = said(printed[1], "before")
    one, two = said(printed[1], "after"), said(printed[2], "after")
    assert max(one, two) < 0.9 * before
    assert two == pytest.approx(one, rel=0.15)
    states = re.findall(r"process (\d) of 2 has ([\d.]+)", printed[2])
    assert sorted(number for number, _ in states) == ["0", "1"]
    assert len({state for _, state in states}) == 1
