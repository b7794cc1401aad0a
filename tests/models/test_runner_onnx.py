"""ONNX files through ONNX Runtime: types, shapes, metadata, and what it is told about threads."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import TensorProto

from models import runner_onnx
from models.quantisation import Quantisation
from models.release import Format, Task
from models.runner import InferenceError, RefusedModelError
from models.runner_onnx import OnnxRunner
from models.runners import open_runner
from tests.fakes import tiny_models
from tests.fakes.tiny_models import release_of

if TYPE_CHECKING:
    from pathlib import Path

ZEROS = np.zeros((1, 3, 64, 64), np.float32)


def test_inputs_outputs_metadata_and_backend_are_told(tmp_path: Path) -> None:
    words = {"names": "{0: 'red'}", "stride": "32"}
    runner = OnnxRunner(tiny_models.raw(tmp_path / "m.onnx", metadata=words))
    assert [(s.name, s.shape, s.dtype) for s in runner.inputs] == [
        ("images", (1, 3, 64, 64), "float32")
    ]
    assert [(s.name, s.shape) for s in runner.outputs] == [
        ("box_16", (1, 4, 4, 4)),
        ("cls_16", (1, 2, 4, 4)),
    ]
    assert runner.metadata == words
    assert runner.backend.startswith("onnxruntime 1.")
    runner.close()


def test_every_output_is_float32_whatever_the_network_computes_in(tmp_path: Path) -> None:
    half = OnnxRunner(tiny_models.raw(tmp_path / "h.onnx", dtype="float16"))
    assert half.inputs[0].dtype == "float16"
    whole = OnnxRunner(tiny_models.quantised(tmp_path / "q.onnx"))
    assert whole.inputs[0].dtype == "uint8"
    for runner in (half, whole):
        assert {v.dtype for v in runner.run(ZEROS).values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.INT8])
def test_whole_numbers_are_scaled_as_the_files_own_nodes_say(kind: int, tmp_path: Path) -> None:
    plain = OnnxRunner(tiny_models.v8(tmp_path / "p.onnx", normalised=True))
    whole = OnnxRunner(tiny_models.quantised(tmp_path / "q.onnx", kind=kind))
    picture = np.random.default_rng(2).random((1, 3, 64, 64), np.float32)
    expected, got = plain.run(picture)["output0"], whole.run(picture)["output0"]
    assert got == pytest.approx(expected, abs=0.02)


def test_a_dynamic_input_takes_any_size(tmp_path: Path) -> None:
    runner = OnnxRunner(tiny_models.raw(tmp_path / "m.onnx", dynamic=True))
    assert runner.inputs[0].shape == (1, 3, None, None)
    for side in (32, 64, 96):
        out = runner.run(np.zeros((1, 3, side, side), np.float32))
        assert out["cls_16"].shape == (1, 2, side // 16, side // 16)


def test_another_shape_than_a_fixed_input_is_an_error(tmp_path: Path) -> None:
    runner = OnnxRunner(tiny_models.raw(tmp_path / "m.onnx"))
    with pytest.raises(InferenceError, match="ONNX Runtime"):
        runner.run(np.zeros((1, 3, 32, 32), np.float32))


@pytest.mark.parametrize("data", [b"", b"no model", b"\x08\x09" * 40])
def test_what_can_not_be_loaded_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(RefusedModelError, match="can't load"):
        OnnxRunner(tmp_path / "m.onnx")


def test_one_operator_has_the_threads_it_is_given_and_none_of_them_spins() -> None:
    options = runner_onnx._options(3)
    assert options.intra_op_num_threads == 3
    assert options.inter_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert options.get_session_config_entry("session.inter_op.allow_spinning") == "0"


@pytest.mark.parametrize(("saturate", "said"), [(True, "1"), (False, None)])
def test_sums_are_exact_where_the_processor_would_cut_them_off(
    saturate: bool, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_onnx, "sums_saturate", lambda: saturate)
    options = runner_onnx._options(1)
    key = "session.x64quantprecision"
    if said is None:
        with pytest.raises(RuntimeError, match="does not have"):
            options.get_session_config_entry(key)
    else:
        assert options.get_session_config_entry(key) == said


def test_the_same_picture_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tiny_models.raw(tmp_path / "m.onnx")
    picture = np.random.default_rng(2).random((1, 3, 64, 64), np.float32)
    one, two = (OnnxRunner(path, threads).run(picture)["cls_16"] for threads in (1, 1))
    assert one.tobytes() == two.tobytes()


def test_a_language_model_has_no_vision_runner(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    release = release_of(tmp_path / "m.gguf", task=Task.WRITE, format=Format.GGUF)
    with pytest.raises(RefusedModelError, match="no vision model"):
        open_runner(tmp_path, release)


def test_a_missing_library_is_said_with_the_remedy() -> None:
    script = """
        import sys
        sys.modules["onnxruntime"] = None
        from pathlib import Path
        from models.runner import RefusedModelError
        from models.runners import _open_onnx
        try:
            _open_onnx(Path("m.onnx"), 1)
        except RefusedModelError as e:
            assert "onnxruntime" in e.hint
        else:
            raise SystemExit("it was not refused")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_no_heavy_library_is_imported_before_a_model_is_opened() -> None:
    script = """
        import sys
        import models.admission.admit, models.describe, models.detector, models.classifier
        heavy = {"onnxruntime", "ai_edge_litert", "onnx", "torch"} & set(sys.modules)
        raise SystemExit(str(heavy) if heavy else 0)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_quantising_rounds_half_to_even_and_clips() -> None:
    rules = Quantisation(0.5, 10)
    values = np.array([0, 0.25, 0.75, -1000, 1000], np.float32)
    whole = rules.quantise(values, np.dtype(np.uint8))
    assert whole.tolist() == [10, 10, 12, 0, 255]
    assert rules.dequantise(whole).tolist() == [0, 0, 1, -5, 122.5]
    assert rules.quantise(values, np.dtype(np.float16)).dtype == np.float16
    assert Quantisation().dequantise(np.array([3], np.int64)).tolist() == [3]
