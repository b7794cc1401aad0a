"""`edgecase-tower train`: from judged cases in a real archive to a model that can be released."""

from __future__ import annotations

import itertools
import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from models.image import read_header
from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import SentCase
from tests.tower.training.reviewed.sets import write_untrained
from tower_sync_server.dataset.truth import split_of
from tower_sync_server.render.samples import encode_picture
from tower_sync_server.render.scene import Wish, render_photo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tower.cli.conftest import Cli

WANTED = {"train": 17, "val": 2, "test": 2}
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_untrained(tmp_path_factory.mktemp("start"))


def judged(number: int) -> SentCase:
    """A case on whose photo a person has drawn what is there."""
    photo = render_photo(800_000 + number, split="plain", width=160, height=120,
                         wish=Wish(damaged=True))  # fmt: skip
    drawn = [
        {"label": label, "confidence": 1.0, "box": list(box), "source": "detector"}
        for label, box in zip(photo.labels, photo.boxes, strict=True)
    ]
    said = {"at": "2026-11-20T12:00:00+00:00", "by": "ada", "verdict": "wrong"}
    data = encode_picture(photo.image, 1_000_000)
    header = read_header(data)
    case = SentCase(seq=number + 1, photo=data)
    image = {**case.body()["images"][0], "width": header.width, "height": header.height}
    return SentCase(
        id=case.id, seq=case.seq, photo=data,
        more={"images": [image], "feedback": [{**said, "corrections": drawn}]},
    )  # fmt: skip


def enough() -> Iterator[SentCase]:
    """Cases until each split has what it needs: a photo's hash decides where it goes."""
    left = dict(WANTED)
    for number in itertools.count():
        case = judged(number)
        if left[split_of(case.image)] and case.more["feedback"][0]["corrections"]:
            left[split_of(case.image)] -= 1
            yield case
        if not any(left.values()):
            return


def test_judged_cases_become_a_model_that_can_be_released(
    cli: Cli, start: Path, tmp_path: Path
) -> None:
    with opened(tmp_path / "tower") as keep:
        for case in enough():
            Bench(keep).send(case)

    code, out, err = cli("train", "--from", start, "--epochs", 1, "--json")

    assert code in {0, 3}, err
    said = json.loads(out)
    assert (said["model"], said["from"], said["to"]) == ("toy", "1.0.0", "1.1.0")
    assert said["better"] is (code == 0)
    assert said["folder"] == str(tmp_path / "tower" / "trained" / "toy" / "1.1.0")
    assert "epoch 1/1" in err
    for words in (("release", "init"), ("release", "add", said["folder"])):
        code, out, err = cli(*words)
        assert code == 0, err
    assert "toy@1.1.0" in out + err

    code, _, err = cli("train", said["dataset"], "--from", start)
    assert code == 1
    assert "is there already" in err
    assert "--version" in err


def test_without_a_judged_case_it_says_what_to_do(cli: Cli, start: Path, tmp_path: Path) -> None:
    with opened(tmp_path / "tower"):
        code, _, err = cli("train", "--from", start)
    assert code == 1
    assert "feedback" in err


def test_a_start_that_is_no_model_is_named(cli: Cli, tmp_path: Path) -> None:
    code, _, err = cli("train", "--from", tmp_path / "nowhere")
    assert code == 1
    assert f"{tmp_path / 'nowhere'} holds no model" in err


def test_a_start_without_its_fp32_weights_is_refused_before_anything_is_exported(
    cli: Cli, start: Path, tmp_path: Path
) -> None:
    shutil.copytree(start, tmp_path / "start")
    (tmp_path / "start" / "model-fp32.onnx").unlink()
    code, _, err = cli("train", "--from", tmp_path / "start")
    assert code == 1
    assert "there is no model-fp32.onnx" in err
    assert not (tmp_path / "tower").exists()


def test_without_the_trainings_packages_it_says_what_to_install(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tower_sync_server.training.reviewed.improve", None)
    code, _, err = cli("train")
    assert code == 1
    assert "edgecase[train]" in err
