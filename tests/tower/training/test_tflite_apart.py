"""The recipe makes TFLite files where a Python has litert-torch, and says so where none has."""

from pathlib import Path

import pytest

from tower_sync_server.training import default_models
from tower_sync_server.training.tflite_apart import APART, candidates, make_tflite


def python(path: Path, script: str) -> Path:
    """Write a program that stands for a Python."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def without(tmp_path: Path) -> Path:
    return python(tmp_path / "without", "exit 1")


@pytest.fixture
def having(tmp_path: Path) -> Path:
    script = '[ "$1" = -c ] && exit 0\nmkdir -p "$3"; echo "$@" > "$3/asked"; echo made'
    return python(tmp_path / "having", script)


def test_where_no_python_has_it_that_is_said(tmp_path: Path, without: Path) -> None:
    said: list[str] = []
    pythons = (without, tmp_path / "missing")
    assert not make_tflite(tmp_path, tmp_path / "out", said.append, pythons)
    assert said == ["no TFLite files: litert-torch is neither here nor in .venv-tflite"]
    assert not (tmp_path / "out").exists()


def test_the_first_python_that_has_it_makes_them(
    tmp_path: Path, without: Path, having: Path
) -> None:
    said: list[str] = []
    source, out = tmp_path / "detector", tmp_path / "out"
    assert make_tflite(source, out, said.append, (without, having))
    assert said == ["TFLite: made"]
    asked = (out / "asked").read_text(encoding="utf-8").split()
    assert asked[1:] == [
        "tower_sync_server.training.tflite_release", str(out), "--source", str(source),
    ]  # fmt: skip


def test_a_failure_is_said_in_its_own_words(tmp_path: Path) -> None:
    script = '[ "$1" = -c ] && exit 0\necho "first" >&2; echo "no such operator" >&2; exit 1'
    said: list[str] = []
    broken = python(tmp_path / "broken", script)
    assert not make_tflite(tmp_path, tmp_path / "out", said.append, (broken,))
    assert said == ["no TFLite files: no such operator"]


def test_this_python_is_asked_first_and_then_the_environment_of_its_own() -> None:
    assert candidates()[-1] == APART
    assert len(candidates()) == 2


def test_the_recipe_of_the_detector_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, Path]] = []
    monkeypatch.setattr(default_models, "train_detector", lambda *_: object())
    monkeypatch.setattr(default_models, "release_detector", lambda *_: None)
    monkeypatch.setattr(default_models, "make_tflite", lambda *args: asked.append(args[:2]))
    folder = tmp_path / "zoo" / "vehicle-damage-detector" / "1.0.0"
    default_models.make_detector(folder, tmp_path / "work", 7, lambda _: None)
    assert asked == [(folder, tmp_path / "work" / "tflite" / "vehicle-damage-detector")]
