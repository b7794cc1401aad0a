"""TFLite files through LiteRT: float and whole numbers, NHWC, normalised boxes, refusals."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.admission.admit import AdmissionLimits, admit
from models.detector import Detector
from models.release import HeadLayout, Input, Output, Task
from models.runner import InferenceError, RefusedModelError
from models.runner_tflite import TfliteRunner
from models.runners import open_runner
from tests.fakes import tiny_tflite
from tests.fakes.tiny_models import SURE, picture, release_of

if TYPE_CHECKING:
    from pathlib import Path

NHWC = Input(64, 64, "NHWC")
NORMALISED = Output(head=HeadLayout.V8, normalised=True)
RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int8])
def test_a_detector_finds_the_red_and_the_blue_cell(dtype: type, tmp_path: Path) -> None:
    path = tiny_tflite.v8(tmp_path / "m.tflite", dtype=dtype)
    release = release_of(path, canvas=NHWC, output=NORMALISED)
    model = admit(tmp_path, release).model
    assert isinstance(model, Detector)
    found = {d.label: d for d in model.detect(picture(c12=RED, c30=BLUE), 0.5, 0.5, 10)}
    assert found["red"].box == pytest.approx((16, 32, 32, 48), abs=0.3)
    assert found["blue"].box == pytest.approx((48, 0, 64, 16), abs=0.3)
    assert found["red"].confidence == pytest.approx(SURE, abs=0.005)


def test_shapes_types_and_backend_are_told(tmp_path: Path) -> None:
    runner = TfliteRunner(tiny_tflite.v8(tmp_path / "m.tflite", dtype=np.uint8))
    assert runner.inputs[0].shape == (1, 64, 64, 3)
    assert runner.inputs[0].dtype == "uint8"
    assert runner.outputs[0].shape == (1, 6, 16)
    assert runner.backend.startswith("ai-edge-litert 2")
    runner.close()


def test_a_dynamic_input_is_resized(tmp_path: Path) -> None:
    runner = TfliteRunner(tiny_tflite.v8(tmp_path / "m.tflite", dynamic=True))
    assert runner.inputs[0].shape == (1, None, None, 3)
    assert runner.run(np.zeros((1, 64, 64, 3), np.float32))["output0"].shape == (1, 6, 16)


def test_another_shape_than_a_fixed_input_is_an_error(tmp_path: Path) -> None:
    runner = TfliteRunner(tiny_tflite.v8(tmp_path / "m.tflite"))
    with pytest.raises(InferenceError):
        runner.run(np.zeros((1, 32, 32, 3), np.float32))


def test_a_classifier_with_probabilities_serves(tmp_path: Path) -> None:
    path = tiny_tflite.classifier(tmp_path / "m.tflite")
    release = release_of(path, task=Task.CLASSIFY, canvas=NHWC, output=Output())
    assert admit(tmp_path, release).model is not None


def test_metadata_packed_behind_the_network_is_read(tmp_path: Path) -> None:
    path = tiny_tflite.v8(tmp_path / "m.tflite")
    tiny_tflite.pack(path, {"metadata.json": tiny_tflite.ultralytics(["red", "blue"])})
    runner = open_runner(tmp_path, release_of(path))
    assert runner.metadata["task"] == "detect"
    assert runner.run(np.zeros((1, 64, 64, 3), np.float32))


@pytest.mark.parametrize(("code", "word"), [(119, "WHILE"), (118, "IF"), (129, "CALL_ONCE")])
def test_control_flow_is_refused(code: int, word: str, tmp_path: Path) -> None:
    path = tiny_tflite.with_operator(tmp_path / "m.tflite", code)
    with pytest.raises(RefusedModelError, match=word):
        admit(tmp_path, release_of(path, canvas=NHWC, output=NORMALISED))


def test_custom_operators_are_refused_unless_they_are_listed(tmp_path: Path) -> None:
    path = tiny_tflite.with_operator(tmp_path / "m.tflite", 32, "Magic")
    release = release_of(path, canvas=NHWC, output=NORMALISED)
    with pytest.raises(RefusedModelError, match="custom operators: Magic"):
        admit(tmp_path, release)
    with pytest.raises(RefusedModelError, match="can't load"):  # by the library, then
        admit(tmp_path, release, AdmissionLimits(tflite_custom=frozenset({"Magic"})))


def test_what_is_no_tflite_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(b"\0" * 4 + b"TFL3" + b"\xff" * 64)
    with pytest.raises(RefusedModelError, match="no whole tflite file"):
        admit(tmp_path, release_of(tmp_path / "m.tflite"))
    with pytest.raises(RefusedModelError, match="can't load"):
        TfliteRunner(tmp_path / "missing.tflite")


def test_pixels_that_the_manifest_calls_normalised_are_refused(tmp_path: Path) -> None:
    path = tiny_tflite.v8(tmp_path / "m.tflite", normalised=False)
    with pytest.raises(RefusedModelError) as refusal:
        admit(tmp_path, release_of(path, canvas=NHWC, output=NORMALISED))
    assert "normalised = false" in refusal.value.hint


FALLBACK = """
    import sys, types
    sys.modules["ai_edge_litert"] = None
    class Interpreter:
        pass
    old = types.ModuleType("tflite_runtime")
    old.interpreter = types.ModuleType("tflite_runtime.interpreter")
    old.interpreter.Interpreter = Interpreter
    sys.modules["tflite_runtime"] = old
    sys.modules["tflite_runtime.interpreter"] = old.interpreter
    from models import runner_tflite
    assert runner_tflite.Interpreter is Interpreter
    assert runner_tflite._PACKAGE == "tflite-runtime"
"""
NEITHER = """
    import sys
    sys.modules["ai_edge_litert"] = sys.modules["tflite_runtime"] = None
    from pathlib import Path
    from models.runner import RefusedModelError
    from models.runners import _open_tflite
    try:
        _open_tflite(Path("m.tflite"), 1)
    except RefusedModelError as e:
        assert "ai-edge-litert" in e.hint
    else:
        raise SystemExit("it was not refused")
"""


@pytest.mark.parametrize("script", [FALLBACK, NEITHER], ids=["predecessor", "neither"])
def test_where_litert_is_missing_its_predecessor_serves_or_the_person_is_told(script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
