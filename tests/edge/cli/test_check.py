"""`edgecase check` and `bench`, through a real vision worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.edge.cli.conftest import Cli

PROFILE = """
id = "finds"
title = "Finds"
[quality]
blur_threshold = 5.0
min_contrast = 0.0
max_clipped = 1.0
[detector]
model = "tiny"
"""


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device whose own profile and model know red and blue."""
    from tests.fakes.vision_models import detector

    data = tmp_path / "data"
    detector(data / "models" / "tiny" / "1.0.0")
    (data / "profiles").mkdir()
    (data / "profiles" / "finds.toml").write_text(PROFILE)
    monkeypatch.setenv("EDGECASE_DEVICE__PROFILE", "finds")
    return data


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    from tests.fakes.vision_models import jpeg, scene

    path = tmp_path / "red.jpg"
    path.write_bytes(jpeg(scene()))
    return path


def test_several_photos_are_judged_and_the_bad_one_is_named(
    cli: Cli, device: Path, photo: Path, tmp_path: Path
) -> None:
    soft = tmp_path / "soft.jpg"
    cv2.imwrite(str(soft), np.full((600, 800, 3), 120, np.uint8))
    (tmp_path / "text.jpg").write_text("no picture")
    ran = cli("check", photo, soft, tmp_path / "text.jpg", tmp_path / "gone.jpg", "--json")
    red, blurred, text, gone = json.loads(ran.out)
    assert ran.code == 1
    assert red["status"] in ("ok", "uncertain")
    assert "red" in {p["label"] for p in red["predictions"]}
    assert (blurred["status"], bool(blurred["message"])) == ("retake", True)
    assert text["error"]["code"] == "bad_image"
    assert "can't be read" in gone["error"]["message"]
    keys = {"file", "status", "message", "blur_score", "quality", "predictions", "timings"}
    assert keys <= set(red)
    assert "image_id" not in red
    assert not (device / "cases.db").exists()


def test_when_all_could_be_judged_the_exit_code_is_0(cli: Cli, device: Path, photo: Path) -> None:
    ran = cli("check", photo)
    assert ran.code == 0
    assert str(photo) in ran.out
    assert "red" in ran.out


def test_an_unknown_profile_is_wrong_usage_and_told_once(
    cli: Cli, device: Path, photo: Path
) -> None:
    ran = cli("check", photo, photo, "--profile", "boats")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("boats") == 1
    assert "vehicle-damage" in ran.err


def test_a_photo_over_the_limit_is_not_read(
    cli: Cli, device: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECASE_HTTP__MAX_BODY_MB", "0.001")
    ran = cli("check", photo, "--json")
    assert json.loads(ran.out)[0]["error"]["code"] == "image_too_large"


def test_what_never_ends_is_too_large(cli: Cli, device: Path) -> None:
    ran = cli("check", Path("/dev/zero"), "--json")
    assert json.loads(ran.out)[0]["error"]["code"] == "image_too_large"


def test_the_environments_blur_threshold_decides(
    cli: Cli, device: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECASE_QUALITY__BLUR_THRESHOLD", "1e9")
    assert json.loads(cli("check", photo, "--json").out)[0]["status"] == "retake"


def test_bench_measures_the_devices_models(cli: Cli, device: Path) -> None:
    told = json.loads(cli("bench", "--json").out)
    model = next(m for m in told["models"] if m["ref"] == "tiny@1.0.0")
    assert 0 < model["median_ms"] <= model["p95_ms"]
    assert model["threads"] >= 1
    assert {"processor", "cores", "memory", "python", "onnxruntime"} == set(told["machine"])


def test_bench_prints_a_table(cli: Cli, device: Path) -> None:
    ran = cli("bench")
    assert ran.code == 0
    assert "tiny@1.0.0" in ran.out


def test_the_doctor_tries_the_models(cli: Cli, device: Path) -> None:
    told = json.loads(cli("doctor", "--json").out)["findings"]
    models = {f["message"]: f["level"] for f in told if f["name"] == "model"}
    assert any(m.startswith("tiny@1.0.0") and level == "PASS" for m, level in models.items())


def test_an_unknown_profile_is_told_as_json_too(cli: Cli, device: Path, photo: Path) -> None:
    ran = cli("check", photo, "--profile", "nope", "--json")
    assert ran.code == 2
    error = json.loads(ran.out)["error"]
    assert error["code"] == "unknown_profile"
    assert "nope" in error["message"]
    assert "finds" in error["message"]
