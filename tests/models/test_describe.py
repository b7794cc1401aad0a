"""Somebody else's bare export: what it tells is read, only the rest is asked."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from models.admission.admit import admit
from models.answers import Answers
from models.describe import NeedsAnswersError, describe, name_and_version
from models.jsonable import InvalidWordError
from models.manifest_writer import write_manifest
from models.release import Format, HeadLayout, Task, read_manifest
from models.runner import RefusedModelError
from tests.fakes import tiny_models, tiny_tflite
from tests.models.test_admission import _external

if TYPE_CHECKING:
    from pathlib import Path

WORDS = {
    "names": "{0: 'red', 1: 'blue'}",
    "imgsz": "[64, 64]",
    "stride": "32",
    "task": "detect",
    "license": "AGPL-3.0",
    "description": "Finds red and blue\nand more",
}


def asked(path: Path, answers: Answers | None = None) -> dict[str, tuple[str, ...]]:
    with pytest.raises(NeedsAnswersError) as error:
        describe(path, answers)
    assert all(question.text for question in error.value.questions)
    return {question.key: question.choices for question in error.value.questions}


ONNX = {
    "raw": (tiny_models.raw, {}, HeadLayout.RAW, "logits"),
    "raw, dynamic": (tiny_models.raw, {"dynamic": True}, HeadLayout.RAW, "logits"),
    "v8": (tiny_models.v8, {}, HeadLayout.V8, "probabilities"),
    "v8, fp16": (tiny_models.v8, {"dtype": "float16"}, HeadLayout.V8, "probabilities"),
    "v5": (tiny_models.v5, {}, HeadLayout.V5, "probabilities"),
    "end to end": (tiny_models.end_to_end, {}, HeadLayout.END_TO_END, "probabilities"),
}


@pytest.mark.parametrize("name", ONNX)
def test_a_common_export_is_described_without_a_question_and_is_admitted(
    name: str, tmp_path: Path
) -> None:
    build, how, head, scores = ONNX[name]
    path = build(tmp_path / "m.onnx", metadata=WORDS, **how)  # type: ignore[operator]
    release = describe(path)
    assert release.labels == ("red", "blue")
    assert release.task is Task.DETECT
    assert release.output.head is head
    assert release.output.scores == scores
    assert not release.output.normalised
    assert release.input is not None
    assert (release.input.width, release.input.height, release.input.layout) == (64, 64, "NCHW")
    assert release.preprocess.scale == 1 / 255
    assert release.licence == "AGPL-3.0"
    assert release.description == "Finds red and blue"
    assert release.provenance.source == "user"
    write_manifest(tmp_path, release)
    assert admit(tmp_path).release == release


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int8])
def test_a_common_tflite_export_is_described_without_a_question_and_is_admitted(
    dtype: type, tmp_path: Path
) -> None:
    path = tiny_tflite.v8(tmp_path / "m.tflite", dtype=dtype)
    tiny_tflite.pack(path, {"metadata.json": tiny_tflite.ultralytics(["red", "blue"])})
    release = describe(path)
    assert release.format is Format.TFLITE
    assert release.output.head is HeadLayout.V8
    assert release.output.normalised
    assert release.input is not None
    assert release.input.layout == "NHWC"
    write_manifest(tmp_path, release)
    admit(tmp_path)


def test_a_tflite_file_with_a_list_of_labels_behind_it_is_described(tmp_path: Path) -> None:
    path = tiny_tflite.classifier(tmp_path / "m.tflite")
    tiny_tflite.pack(path, {"labels.txt": "red\nblue\n"})
    release = describe(path, Answers(scaling="unit"))
    assert release.task is Task.CLASSIFY
    assert release.labels == ("red", "blue")
    assert release.output.scores == "probabilities"
    write_manifest(tmp_path, release)
    admit(tmp_path)


@pytest.mark.parametrize("probabilities", [True, False])
def test_whether_a_classifier_gives_logits_is_seen_from_its_graph(
    probabilities: bool, tmp_path: Path
) -> None:
    words = {"labels": "red\nblue", "imgsz": "64"}
    path = tiny_models.classifier(tmp_path / "m.onnx", probabilities=probabilities, metadata=words)
    release = describe(path)
    assert release.task is Task.CLASSIFY
    assert release.preprocess.fit == "stretch"
    assert release.output.scores == ("probabilities" if probabilities else "logits")
    write_manifest(tmp_path, release)
    admit(tmp_path)


def test_an_onnx_file_of_whole_numbers_is_described(tmp_path: Path) -> None:
    release = describe(
        tiny_models.quantised(tmp_path / "m.onnx"),
        Answers(labels=("red", "blue"), normalised=True),
    )
    assert release.preprocess.scale == 1 / 255
    write_manifest(tmp_path, release)
    admit(tmp_path)


def test_a_silent_file_is_asked_for_its_labels_only(tmp_path: Path) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx")
    assert asked(path) == {"labels": ()}
    assert describe(path, Answers(labels=("a", "b"))).labels == ("a", "b")


def test_a_dynamic_silent_file_is_asked_for_its_size_too(tmp_path: Path) -> None:
    path = tiny_models.raw(tmp_path / "m.onnx", dynamic=True)
    assert set(asked(path)) == {"labels", "size"}
    release = describe(path, Answers(labels=("a", "b"), size=(64, 32)))
    assert release.input is not None
    assert (release.input.width, release.input.height) == (64, 32)


def test_a_silent_classifier_is_asked_how_it_wants_its_pixels(tmp_path: Path) -> None:
    path = tiny_models.classifier(tmp_path / "m.onnx")
    answers = Answers(labels=("a", "b"))
    assert set(asked(path, answers)) == {"scaling"}
    release = describe(path, Answers(labels=("a", "b"), scaling="imagenet"))
    assert release.preprocess.mean == (0.485, 0.456, 0.406)


def test_a_head_that_could_be_two_things_is_asked_about(tmp_path: Path) -> None:
    path = tiny_models.end_to_end(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.shape.dim[1].ClearField("dim_value")
    path.write_bytes(model.SerializeToString())
    answers = Answers(labels=("a",))
    assert "end2end" in asked(path, answers)["head"]
    release = describe(path, Answers(labels=("a",), head=HeadLayout.END_TO_END))
    assert release.output.head is HeadLayout.END_TO_END


def test_a_file_whose_outputs_tell_nothing_is_asked_what_it_does(tmp_path: Path) -> None:
    g = tiny_models.Graph()
    g.node("Flatten", [g.input("images", [1, 3, 64, 64])], "out")
    g.output("out", [12288])
    assert "task" in asked(g.save(tmp_path / "m.onnx"))


def test_raw_pixels_are_seen_from_the_inputs_type(tmp_path: Path) -> None:
    g = tiny_models.Graph()
    g.node("Cast", [g.input("images", [1, 3, 64, 64], TensorProto.UINT8)], "real", to=1)
    g.node("GlobalAveragePool", ["real"], "mean")
    g.node("Flatten", ["mean"], "scores")
    g.output("scores", [1, 3])
    path = g.save(tmp_path / "m.onnx", {"labels": "a,b,c"})
    assert describe(path).preprocess.scale == 1.0


def test_weights_beside_the_file_become_files_of_the_release(tmp_path: Path) -> None:
    path = _external(tmp_path, "weights.bin")
    release = describe(path, Answers(labels=("red", "blue")))
    assert [(f.path, f.role) for f in release.files] == [
        ("m.onnx", "weights"),
        ("weights.bin", "data"),
    ]
    write_manifest(tmp_path, release)
    admit(tmp_path)


def test_weights_elsewhere_do_not_become_files_of_the_release(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(24))
    path = _external(tmp_path / "model", "../weights.bin")
    release = describe(path, Answers(labels=("red", "blue")))
    assert [f.path for f in release.files] == ["m.onnx"]
    with pytest.raises(RefusedModelError, match="outside its folder"):
        admit(path.parent, release)


@pytest.mark.parametrize("word", ["segment", "pose", "obb", "depth-estimation"])
def test_an_export_for_another_task_is_refused_by_its_name(word: str, tmp_path: Path) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx", metadata={**WORDS, "task": word})
    with pytest.raises(RefusedModelError, match=f"for the task '{word}'"):
        describe(path)
    assert describe(path, Answers(task=Task.DETECT)).task is Task.DETECT


@pytest.mark.parametrize("word", ["detect", "object-detection", "Object Detection"])
def test_a_task_goes_by_several_words(word: str, tmp_path: Path) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx", metadata={**WORDS, "task": word})
    assert describe(path).task is Task.DETECT


def test_the_wrong_number_of_labels_is_refused(tmp_path: Path) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx")
    with pytest.raises(RefusedModelError, match="3 labels"):
        describe(path, Answers(labels=("a", "b", "c")))
    with pytest.raises(RefusedModelError, match="each name once"):
        describe(path, Answers(labels=("a", "a")))


def _gguf(path: Path, **words: str) -> Path:
    data = b"GGUF" + struct.pack("<IQQ", 3, 0, len(words))
    for key, value in words.items():
        name = f"general.{key}".encode()
        data += struct.pack("<Q", len(name)) + name + struct.pack("<I", 8)
        data += struct.pack("<Q", len(value.encode())) + value.encode()
    path.write_bytes(data)
    return path


def test_a_language_model_needs_no_answers(tmp_path: Path) -> None:
    path = _gguf(tmp_path / "Some-Model-Q4_K_M.gguf", architecture="llama", name="Some Model")
    release = describe(path)
    assert (release.id, release.task) == ("some-model-q4_k_m", Task.WRITE)
    assert release.description == "Some Model"
    write_manifest(tmp_path, release)
    admit(tmp_path)


def test_an_adapter_is_no_language_model(tmp_path: Path) -> None:
    path = _gguf(tmp_path / "m.gguf", architecture="llama", type="adapter")
    with pytest.raises(RefusedModelError, match="adapter"):
        describe(path)
    with pytest.raises(RefusedModelError, match="no language model"):
        describe(_gguf(tmp_path / "n.gguf", name="x"))


@pytest.mark.parametrize("name", ["m.pt", "m", "m.onnx", "m.tflite", "m.gguf"])
def test_what_is_no_model_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"what is this")
    with pytest.raises(RefusedModelError) as refusal:
        describe(tmp_path / name)
    assert refusal.value.hint


NAMES = {
    "yolo11n.onnx": ("yolo11n", "1.0.0"),
    "My Model (final).onnx": ("my-model-final", "1.0.0"),
    "scratches-v2.10.3.tflite": ("scratches", "2.10.3"),
    "scratches_0.1.0.tflite": ("scratches", "0.1.0"),
    "模型.onnx": ("model", "1.0.0"),
    "..onnx.onnx": ("onnx", "1.0.0"),
}


@pytest.mark.parametrize("name", NAMES)
def test_id_and_version_come_from_the_files_name(name: str, tmp_path: Path) -> None:
    assert name_and_version(tmp_path / name, Answers()) == NAMES[name]
    assert name_and_version(tmp_path / name, Answers(id="x", version="7.0.0")) == ("x", "7.0.0")


def test_the_manifest_that_is_written_is_the_one_that_is_read(tmp_path: Path) -> None:
    release = describe(tiny_models.v8(tmp_path / "m.onnx", metadata=WORDS))
    write_manifest(tmp_path, release)
    assert read_manifest(tmp_path) == release
    assert not list(tmp_path.glob(".*"))


def test_answers_are_made_of_text() -> None:
    said = {
        "task": "detect", "labels": "a, b\nc", "size": "640x480", "head": "v5",
        "normalised": "Yes", "scaling": "raw", "scores": "logits", "id": "x",
    }  # fmt: skip
    answers = Answers.from_text(said)
    assert answers == Answers(
        id="x",
        task=Task.DETECT,
        labels=("a", "b", "c"),
        size=(640, 480),
        head=HeadLayout.V5,
        scores="logits",
        normalised=True,
        scaling="raw",
    )
    assert Answers.from_text({"size": "320"}).size == (320, 320)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", "0"), ("size", "1x2x3"), ("size", "big"), ("size", "99999"), ("head", "v9"),
        ("task", "write a poem"), ("scaling", "some"), ("scores", "many"), ("normalised", "maybe"),
        ("colour", "red"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(key: str, value: str) -> None:
    with pytest.raises(InvalidWordError):
        Answers.from_text({key: value})
