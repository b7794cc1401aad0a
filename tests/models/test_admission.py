"""What is refused before it serves, and why; and that a sound model is not."""

from __future__ import annotations

import hashlib
import types
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime import quantization

from models.admission.admit import AdmissionLimits, admit, open_model
from models.admission.trial import check_answers
from models.detector import Detector
from models.release import Calibration, File, Format, Golden, HeadLayout, Input, Output, Task
from models.runner import RefusedModelError
from tests.fakes import tiny_models
from tests.fakes.tiny_models import SURE, Graph, picture, release_of

if TYPE_CHECKING:
    from pathlib import Path

    from models.release import ModelRelease

RED = (255, 0, 0)


def refused(folder: Path, release: ModelRelease, limits: AdmissionLimits | None = None) -> str:
    with pytest.raises(RefusedModelError) as refusal:
        admit(folder, release, limits)
    return f"{refusal.value} | {refusal.value.hint}"


def with_golden(folder: Path, release: ModelRelease, golden: Golden) -> ModelRelease:
    """Store a picture whose cell in column 1, row 2 is red, as the release's golden image."""
    image = cv2.cvtColor(picture(c12=RED), cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".png", image)[1].tobytes()
    (folder / "golden.png").write_bytes(data)
    file = File("golden.png", hashlib.sha256(data).hexdigest(), len(data), "golden")
    return replace(release, files=(*release.files, file), golden=(golden,))


@pytest.fixture
def sound(tmp_path: Path) -> ModelRelease:
    return release_of(tiny_models.v8(tmp_path / "m.onnx"), head=HeadLayout.V8)


ALL = {
    "raw": (tiny_models.raw, {}, {}),
    "raw fp16": (tiny_models.raw, {"dtype": "float16"}, {}),
    "raw dynamic": (tiny_models.raw, {"dynamic": True}, {}),
    "v8": (tiny_models.v8, {}, {}),
    "v5": (tiny_models.v5, {}, {}),
    "end to end": (tiny_models.end_to_end, {}, {}),
    "quantised": (tiny_models.quantised, {}, {"output": Output(normalised=True)}),
    "classifier": (
        tiny_models.classifier,
        {},
        {"task": Task.CLASSIFY, "output": Output(scores="logits")},
    ),
    "classifier, probabilities": (
        tiny_models.classifier,
        {"probabilities": True},
        {"task": Task.CLASSIFY},
    ),
    "classifier, embedding": (
        tiny_models.classifier,
        {"embedding": True},
        {"task": Task.CLASSIFY, "output": Output(scores="logits", embedding="features")},
    ),
}


@pytest.mark.parametrize("name", ALL)
def test_every_sound_model_is_admitted(name: str, tmp_path: Path) -> None:
    build, how, manifest = ALL[name]
    release = release_of(build(tmp_path / "m.onnx", **how), **manifest)  # type: ignore[operator]
    assert admit(tmp_path, release).model is not None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the quantiser's own code
@pytest.mark.parametrize("form", ["QDQ", "QOperator", "dynamic"])
def test_models_that_were_quantised_by_the_common_tool_are_admitted(
    form: str, tmp_path: Path
) -> None:
    """Whole numbers inside, float outside: their operators are no custom ones."""
    plain, path = tiny_models.raw(tmp_path / "float.onnx"), tmp_path / "m.onnx"
    if form == "dynamic":
        quantization.quantize_dynamic(plain, path)
    else:
        made = np.random.default_rng(0).random((8, 1, 3, 64, 64), np.float32)
        pure = [np.full((1, 1, 64, 64), 0) + np.eye(3, dtype=np.float32)[i].reshape(1, 3, 1, 1)
                for i in range(3)]  # fmt: skip
        feeds = iter([{"images": x.astype(np.float32)} for x in (*made, *pure)])
        reader = types.SimpleNamespace(get_next=lambda: next(feeds, None))
        kind = quantization.QuantFormat[form]
        quantization.quantize_static(plain, path, reader, quant_format=kind)
    release = release_of(path, head=HeadLayout.RAW)
    model = admit(tmp_path, release).model
    assert isinstance(model, Detector)
    (found,) = model.detect(picture(c12=RED), 0.5, 0.5, 10)
    assert found.label == "red"
    assert found.box == pytest.approx(RED_CELL[2], abs=1.0)


def test_an_admitted_model_is_loaded_and_can_be_opened_again(
    tmp_path: Path, sound: ModelRelease
) -> None:
    admitted = admit(tmp_path, sound)
    assert isinstance(admitted.model, Detector)
    again = admitted.open(threads=2)
    assert isinstance(again, Detector)
    assert [d.label for d in again.detect(picture(c12=RED), 0.5, 0.5, 10)] == ["red"]


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedModelError, match=r"model\.toml"):
        admit(tmp_path)


def test_a_changed_file_is_refused(tmp_path: Path, sound: ModelRelease) -> None:
    data = bytearray((tmp_path / "m.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "m.onnx").write_bytes(data)
    assert "SHA-256" in refused(tmp_path, sound)


def test_a_missing_file_is_refused(tmp_path: Path, sound: ModelRelease) -> None:
    (tmp_path / "m.onnx").unlink()
    assert "m.onnx" in refused(tmp_path, sound)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, sound: ModelRelease) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "m.onnx").symlink_to(tmp_path / "m.onnx")
    assert "leads out" in refused(home, sound)


def test_a_model_over_the_size_limit_is_refused(tmp_path: Path, sound: ModelRelease) -> None:
    limits = AdmissionLimits(max_bytes=sound.weights.size - 1)
    assert "megabytes" in refused(tmp_path, sound, limits)
    admit(tmp_path, sound, AdmissionLimits(max_bytes=sound.weights.size))


def test_what_is_no_onnx_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"hello, I am a model\n" * 20)
    assert "no whole onnx file" in refused(tmp_path, release_of(tmp_path / "m.onnx"))


def _with_branch(domain: str = "", operator: str = "If") -> Graph:
    """A graph with the operator hidden in the branch of another If, two levels down."""
    inner = helper.make_graph(
        [helper.make_node(operator, ["c"], ["y"], domain=domain)],
        "inner", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )  # fmt: skip
    g = Graph()
    g.node("Wrapper", [g.input("images", [1, 3, 64, 64])], "output0", body=inner)
    g.output("output0", [1, 6, 16])
    return g


@pytest.mark.parametrize("operator", ["If", "Loop", "Scan", "SequenceMap"])
def test_control_flow_is_refused_however_deep_it_hides(operator: str, tmp_path: Path) -> None:
    path = _with_branch(operator=operator).save(tmp_path / "m.onnx")
    assert operator in refused(tmp_path, release_of(path))


def test_a_function_of_the_same_name_excuses_no_control_flow(tmp_path: Path) -> None:
    path = _with_branch().save(tmp_path / "m.onnx")
    model, opset = onnx.load(path), [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("", "If", ["a"], ["b"], [], opset))
    path.write_bytes(model.SerializeToString())
    assert "If" in refused(tmp_path, release_of(path))


def test_a_function_that_the_file_brings_along_is_no_custom_operator(tmp_path: Path) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx")
    model, opset = onnx.load(path), [helper.make_opsetid("", 17)]
    inside = helper.make_node("Sigmoid", ["a"], ["b"])
    model.functions.append(helper.make_function("mine", "Squash", ["a"], ["b"], [inside], opset))
    model.opset_import.append(helper.make_opsetid("mine", 1))
    sigmoid = next(n for n in model.graph.node if n.op_type == "Sigmoid")
    sigmoid.op_type, sigmoid.domain = "Squash", "mine"
    path.write_bytes(model.SerializeToString())
    admit(tmp_path, release_of(path))


def test_an_operator_of_a_foreign_domain_is_refused(tmp_path: Path) -> None:
    path = _with_branch("my.company", "Magic").save(tmp_path / "m.onnx")
    assert "my.company.Magic" in refused(tmp_path, release_of(path))


def test_the_lists_of_operators_can_be_configured(tmp_path: Path, sound: ModelRelease) -> None:
    limits = AdmissionLimits(refused_operators=frozenset({"Sigmoid"}))
    assert "Sigmoid" in refused(tmp_path, sound, limits)
    custom = release_of(_with_branch("my.company", "Magic").save(tmp_path / "c.onnx"))
    allowed = AdmissionLimits(domains=AdmissionLimits().domains | {"my.company"})
    assert "custom operators" not in refused(tmp_path, custom, allowed)  # now the library refuses


def _external(folder: Path, location: str, offset: str = "0", length: str = "") -> Path:
    """The v8 detector with the weights of its convolution in another file."""
    path = tiny_models.v8(folder / "m.onnx")
    model = onnx.load(path)
    tensor = next(t for t in model.graph.initializer if t.name == "score_weights")
    (folder / "weights.bin").write_bytes(numpy_helper.to_array(tensor).tobytes())
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length or "24")):
        tensor.external_data.append(onnx.StringStringEntryProto(key=key, value=value))
    path.write_bytes(model.SerializeToString())
    return path


OUTSIDE = [
    "/etc/passwd",
    "../weights.bin",
    "a/../../weights.bin",
    "..",
    "",
    "*/_ORT_MEM_ADDR_/*",
    "\\\\server\\share",
    "link.bin",
]


@pytest.mark.parametrize("location", OUTSIDE)
def test_external_data_outside_the_folder_is_refused(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(b"\0" * 24)
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    release = release_of(_external(folder, location))
    assert "outside its folder" in refused(folder, release)


def test_external_data_beside_the_model_needs_to_be_in_the_manifest(tmp_path: Path) -> None:
    release = release_of(_external(tmp_path, "weights.bin"))
    assert "not among the manifest's files" in refused(tmp_path, release)
    data = (tmp_path / "weights.bin").read_bytes()
    file = File("weights.bin", hashlib.sha256(data).hexdigest(), len(data), "data")
    admit(tmp_path, replace(release, files=(*release.files, file)))


@pytest.mark.parametrize(("offset", "length"), [("4", "24"), ("-1", "24"), ("0", "9" * 30)])
def test_external_data_behind_the_end_of_its_file_is_refused(
    offset: str, length: str, tmp_path: Path
) -> None:
    release = release_of(_external(tmp_path, "weights.bin", offset, length))
    data = (tmp_path / "weights.bin").read_bytes()
    file = File("weights.bin", hashlib.sha256(data).hexdigest(), len(data), "data")
    release = replace(release, files=(*release.files, file))
    assert "behind the end" in refused(tmp_path, release)


def test_another_number_of_labels_than_classes_is_refused(
    tmp_path: Path, sound: ModelRelease
) -> None:
    assert "labels" in refused(tmp_path, replace(sound, labels=("red", "blue", "green")))
    path = tiny_models.classifier(tmp_path / "c.onnx")
    release = release_of(path, task=Task.CLASSIFY, labels=("a", "b", "c"))
    assert "3 labels" in refused(tmp_path, release)


def test_missing_labels_are_refused(tmp_path: Path, sound: ModelRelease) -> None:
    text = (
        'id = "tiny"\nversion = "1.0.0"\ntask = "detect"\nformat = "onnx"\n'
        f'[[files]]\npath = "m.onnx"\nsha256 = "{sound.weights.sha256}"\n'
        f"size = {sound.weights.size}\n"
    )
    (tmp_path / "model.toml").write_text(text)
    with pytest.raises(RefusedModelError, match="labels"):
        admit(tmp_path)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ([1, 1, 64, 64], "1 colour channels"),
        ([2, 3, 64, 64], "no single picture"),
        ([1, 3, 64], "no single picture"),
        ([1, 3, 32, 64], "the manifest says 64 x 64, the network takes 64 x 32"),
    ],
)
def test_a_wrong_input_shape_is_refused(shape: list[object], reason: str, tmp_path: Path) -> None:
    g = Graph()
    g.node("Identity", [g.input("images", shape)], "output0")
    g.output("output0", shape)
    assert reason in refused(tmp_path, release_of(g.save(tmp_path / "m.onnx")))


def test_a_wrong_input_type_is_refused(tmp_path: Path) -> None:
    g = Graph()
    g.node("Identity", [g.input("images", [1, 3, 64, 64], TensorProto.INT64)], "output0")
    g.output("output0", [1, 3, 64, 64], TensorProto.INT64)
    assert "takes int64" in refused(tmp_path, release_of(g.save(tmp_path / "m.onnx")))


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    g = Graph()
    names = [g.input(name, [1, 3, 64, 64]) for name in ("left", "right")]
    g.node("Add", names, "output0")
    g.output("output0", [1, 3, 64, 64])
    assert "2 inputs" in refused(tmp_path, release_of(g.save(tmp_path / "m.onnx")))


def test_shapes_that_are_not_what_the_file_declares_are_refused(tmp_path: Path) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx", boxes_last=False)
    model = onnx.load(path)
    for dim in model.graph.output[0].type.tensor_type.shape.dim[1:]:
        dim.ClearField("dim_value")
    path.write_bytes(model.SerializeToString())
    three = release_of(path, labels=("a", "b", "c"), head=HeadLayout.V8)
    assert "labels" in refused(tmp_path, three) or "fit" in refused(tmp_path, three)


@pytest.mark.parametrize("shape", [(1, 16, 7), (1, 6), (1, 2, 4, 4)])
def test_answers_of_another_shape_than_declared_are_refused(
    shape: tuple[int, ...], tmp_path: Path, sound: ModelRelease
) -> None:
    model = open_model(tmp_path, sound)
    numbers = np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    model.runner.run = lambda _: {"output0": numbers}  # type: ignore[method-assign]
    with pytest.raises(RefusedModelError):
        check_answers(tmp_path, model)


def test_another_number_of_classes_than_declared_is_refused(tmp_path: Path) -> None:
    path = tiny_models.classifier(tmp_path / "m.onnx", probabilities=True)
    model = open_model(tmp_path, release_of(path, task=Task.CLASSIFY))
    thirds = np.full((1, 3), 1 / 3, np.float32)
    model.runner.run = lambda _: {"probabilities": thirds}  # type: ignore[method-assign]
    with pytest.raises(RefusedModelError, match="2 labels, and 3 scores"):
        check_answers(tmp_path, model)


def test_a_manifest_with_the_other_layout_is_refused(tmp_path: Path, sound: ModelRelease) -> None:
    release = replace(sound, input=Input(64, 64, "NHWC"))
    assert "the manifest says NHWC" in refused(tmp_path, release)


def _v8_with(operator: str, tmp_path: Path, **attributes: object) -> ModelRelease:
    path = tiny_models.v8(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.node[-1].output[0] = "before"
    zero = numpy_helper.from_array(np.array(0, np.float32), "zero")
    model.graph.initializer.append(zero)
    model.graph.node.append(helper.make_node(operator, ["before", "zero"], ["output0"]))
    path.write_bytes(model.SerializeToString())
    return release_of(path, head=HeadLayout.V8)


def test_nan_in_the_output_is_refused(tmp_path: Path) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(helper.make_node("Sub", ["before", "before"], ["nought"]))
    model.graph.node.append(helper.make_node("Div", ["nought", "nought"], ["output0"]))
    path.write_bytes(model.SerializeToString())
    assert "NaN" in refused(tmp_path, release_of(path, head=HeadLayout.V8))


def test_infinity_in_the_output_is_refused(tmp_path: Path) -> None:
    release = _v8_with("Div", tmp_path)
    assert "infinity" in refused(tmp_path, release)


def test_a_constant_output_is_refused(tmp_path: Path) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx")
    model = onnx.load(path)
    weights = next(t for t in model.graph.initializer if t.name == "score_weights")
    weights.CopyFrom(numpy_helper.from_array(np.zeros((2, 3, 1, 1), np.float32), weights.name))
    path.write_bytes(model.SerializeToString())
    release = release_of(path, head=HeadLayout.V8)
    assert "same whatever the picture" in refused(tmp_path, release)
    golden = with_golden(tmp_path, release, Golden("golden.png"))
    assert "same whatever the picture" in refused(tmp_path, golden)


def test_normalised_boxes_that_the_manifest_calls_pixels_are_refused_with_the_remedy(
    tmp_path: Path,
) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx", normalised=True)
    assert "normalised = true" in refused(tmp_path, release_of(path, head=HeadLayout.V8))
    said = Output(head=HeadLayout.V8, normalised=True)
    admit(tmp_path, release_of(path, output=said))


def test_pixels_that_the_manifest_calls_normalised_are_refused_with_the_remedy(
    tmp_path: Path,
) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx")
    said = Output(head=HeadLayout.V8, normalised=True)
    assert "normalised = false" in refused(tmp_path, release_of(path, output=said))


def test_logits_that_the_manifest_calls_probabilities_are_refused_with_the_remedy(
    tmp_path: Path,
) -> None:
    path = tiny_models.v8(tmp_path / "m.onnx", logits=True)
    assert 'scores = "logits"' in refused(tmp_path, release_of(path, head=HeadLayout.V8))
    path = tiny_models.classifier(tmp_path / "c.onnx")
    assert 'scores = "logits"' in refused(tmp_path, release_of(path, task=Task.CLASSIFY))


RED_CELL = ("red", float(SURE), (16.0, 32.0, 32.0, 48.0))


def test_a_golden_image_with_the_expected_answer_is_admitted(
    tmp_path: Path, sound: ModelRelease
) -> None:
    release = with_golden(tmp_path, sound, Golden("golden.png", (RED_CELL,)))
    admit(tmp_path, release)


WRONG = {
    "another label": ("blue", float(SURE), RED_CELL[2]),
    "another place": ("red", float(SURE), (0.0, 32.0, 16.0, 48.0)),
    "another confidence": ("red", 0.5, RED_CELL[2]),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_golden_image_with_another_answer_is_refused(
    name: str, tmp_path: Path, sound: ModelRelease
) -> None:
    release = with_golden(tmp_path, sound, Golden("golden.png", (WRONG[name],)))
    assert "expected" in refused(tmp_path, release)


def test_a_golden_image_of_nothing_must_show_nothing(tmp_path: Path, sound: ModelRelease) -> None:
    release = with_golden(tmp_path, sound, Golden("golden.png"))
    assert "not expected" in refused(tmp_path, release)
    blank = cv2.imencode(".png", picture())[1].tobytes()
    (tmp_path / "golden.png").write_bytes(blank)
    file = File("golden.png", hashlib.sha256(blank).hexdigest(), len(blank), "golden")
    admit(tmp_path, replace(release, files=(sound.weights, file)))


def test_a_golden_image_with_one_answer_too_many_is_refused(
    tmp_path: Path, sound: ModelRelease
) -> None:
    weak = Golden("golden.png", (RED_CELL,))
    path = tiny_models.v8(tmp_path / "m.onnx")
    model = onnx.load(path)
    bias = next(t for t in model.graph.initializer if t.name == "score_bias")
    bias.CopyFrom(numpy_helper.from_array(np.array([-6, 9], np.float32), bias.name))
    path.write_bytes(model.SerializeToString())
    release = with_golden(tmp_path, release_of(path, head=HeadLayout.V8), weak)
    assert "not expected" in refused(tmp_path, release)
    assert sound.id == release.id


def test_an_end_to_end_head_of_variable_length_may_find_nothing(tmp_path: Path) -> None:
    """As exports with the suppression inside do it: [1, K, 6] with K as large as was found."""
    g = Graph()
    scores = tiny_models._scores(g, tiny_models._pool(g, tiny_models._input(g)))
    g.node("ReduceMax", [scores], "best", axes=[0, 1], keepdims=0)
    g.constant("sure", np.array(0.999, np.float32))
    g.node("Greater", ["best", "sure"], "found")
    rows = np.concatenate([tiny_models._cells(), np.ones((16, 1)), np.zeros((16, 1))], axis=1)
    g.constant("rows", rows.astype(np.float32)[None])
    g.node("Compress", ["rows", "found"], "output0", axis=1)
    g.output("output0", [1, "found", 6])
    release = release_of(g.save(tmp_path / "m.onnx"), head=HeadLayout.END_TO_END)
    model = admit(tmp_path, release).model
    assert isinstance(model, Detector)
    assert model.detect(picture(c12=RED), 0.5, 0.5, 10) == ()


def test_a_golden_image_that_no_manifest_file_names_is_refused(
    tmp_path: Path, sound: ModelRelease
) -> None:
    release = replace(sound, golden=(Golden("elsewhere.png"),))
    assert "not among the manifest's files" in refused(tmp_path, release)
    assert "leads out" in refused(tmp_path, replace(sound, golden=(Golden("../g.png"),)))


def test_a_golden_image_that_is_none_is_refused(tmp_path: Path, sound: ModelRelease) -> None:
    data = b"no picture"
    (tmp_path / "golden.png").write_bytes(data)
    file = File("golden.png", hashlib.sha256(data).hexdigest(), len(data), "golden")
    golden = (Golden("golden.png"),)
    release = replace(sound, files=(*sound.files, file), golden=golden)
    assert "can't be read" in refused(tmp_path, release)


def test_a_classifiers_golden_image_is_checked(tmp_path: Path) -> None:
    path = tiny_models.classifier(tmp_path / "m.onnx")
    output = Output(scores="logits")
    release = release_of(path, task=Task.CLASSIFY, output=output)
    nowhere = (0.0, 0.0, 0.0, 0.0)
    likely = 1 / (1 + np.exp(-4 / 16))  # one cell of sixteen is red
    right = with_golden(tmp_path, release, Golden("golden.png", (("red", likely, nowhere),)))
    admit(tmp_path, right)
    wrong = with_golden(tmp_path, release, Golden("golden.png", (("blue", likely, nowhere),)))
    assert "expected blue" in refused(tmp_path, wrong)


def test_calibration_is_part_of_the_golden_answer(tmp_path: Path, sound: ModelRelease) -> None:
    """With a temperature of 2 the logit 6 becomes 3: the manifest's expectation must follow."""
    cooled = replace(sound, calibration=Calibration(temperature=2.0))
    release = with_golden(tmp_path, cooled, Golden("golden.png", (RED_CELL,), 4.0, 0.02))
    assert "expected" in refused(tmp_path, release)
    expected = ("red", float(1 / (1 + np.exp(-3.0))), RED_CELL[2])
    admit(tmp_path, with_golden(tmp_path, cooled, Golden("golden.png", (expected,), 4.0, 0.02)))


def test_a_dynamic_model_without_a_size_in_the_manifest_is_refused(tmp_path: Path) -> None:
    path = tiny_models.raw(tmp_path / "m.onnx", dynamic=True)
    assert "has to say one" in refused(tmp_path, release_of(path, canvas=None))
    admit(tmp_path, release_of(path, canvas=Input(64, 64)))


def test_a_format_that_does_not_fit_the_file_is_refused(tmp_path: Path) -> None:
    tiny_models.v8(tmp_path / "m.onnx").rename(tmp_path / "m.tflite")
    assert "no whole tflite file" in refused(tmp_path, release_of(tmp_path / "m.tflite"))


def test_a_language_model_is_only_looked_at_from_the_outside(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + b"\3\0\0\0" + bytes(16))
    release = release_of(tmp_path / "m.gguf", task=Task.WRITE, format=Format.GGUF, labels=())
    assert admit(tmp_path, release).model is None
    (tmp_path / "m.gguf").write_bytes(b"GGML" + bytes(20))
    release = release_of(tmp_path / "m.gguf", task=Task.WRITE, format=Format.GGUF, labels=())
    assert "no whole gguf file" in refused(tmp_path, release)
