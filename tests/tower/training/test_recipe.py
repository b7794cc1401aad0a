"""The whole recipe on a toy: render, train, export, quantise, decode, measure. It must learn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.detector import Detector
from models.release import read_manifest, verify_files
from models.runner_onnx import OnnxRunner
from tower_sync_server.evaluate import evaluate_detector
from tower_sync_server.training.cache import CacheSpec, open_cache
from tower_sync_server.training.export import export_fp32, export_int8, halve_weights
from tower_sync_server.training.publish import Identity, publish
from tower_sync_server.training.recipe import TOY, train_detector

pytestmark = pytest.mark.timeout(900)  # a minute on two free cores; others may share them
CHANCE = 0.005
"""mAP50 that boxes drawn blindly reach; measured with an untrained network."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("work")
    network = train_detector(TOY, work, print)
    home = tmp_path_factory.mktemp("zoo")
    pictures = open_cache(work, CacheSpec("train", 0, TOY.photos, TOY.size)).images[:40]
    export_fp32(network, TOY.size, work / "full.onnx")
    export_int8(work / "full.onnx", np.asarray(pictures), home / "model.onnx")
    halve_weights(work / "full.onnx", home / "model-fp32.onnx")
    publish(home, Identity("toy", "0.0.1", TOY.seed, "0" * 64, "2026-01-01", "A toy."), TOY.size)
    return home


@pytest.mark.slow
def test_a_toy_detector_learns_far_more_than_chance(folder: Path) -> None:
    figures = evaluate_detector(folder, seed=1, photos=60)
    plain = {one.precision: one.value for one in figures
             if one.slice == "plain" and one.name == "map50"}  # fmt: skip
    assert plain["int8"] > 10 * CHANCE
    assert plain["int8"] > plain["fp32"] - 0.05


@pytest.mark.slow
def test_the_manifest_holds_and_the_golden_photos_come_out_the_same(folder: Path) -> None:
    release = read_manifest(folder)
    verify_files(folder, release)
    detector = Detector(OnnxRunner(folder / "model.onnx"), release)
    assert detector.head.maps[0].stride == 8
    assert len(release.golden) == 3


@pytest.mark.slow
def test_training_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    phase = replace(TOY.schedule.phases[0], epochs=1)
    short = replace(TOY, photos=32, validation=4, schedule=replace(TOY.schedule, phases=(phase,)))
    lines: list[str] = []
    train_detector(short, tmp_path, lines.append)
    longer = replace(short, schedule=replace(TOY.schedule, phases=(replace(phase, epochs=2),)))
    train_detector(longer, tmp_path, lines.append)
    epochs = [line.split(":")[0] for line in lines if line.startswith("epoch")]
    assert epochs == ["epoch 1/1", "epoch 2/2"]
