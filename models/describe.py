"""From a bare export of somebody else's to a manifest: everything that the file tells is read from
it, and only the rest is asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from models.answers import Answers, NeedsAnswersError, Question
from models.bare_file import BareFile, read_bare
from models.classifier import scores_output
from models.formats import exporter_words, gguf_header
from models.formats.protobuf import MalformedError
from models.jsonable import InvalidWordError
from models.network_input import NoSizeError, match_input
from models.release import (
    File,
    Format,
    HeadLayout,
    Input,
    ModelRelease,
    Output,
    Preprocess,
    Provenance,
    Task,
    sha256_of,
)
from models.runner import RefusedModelError
from models.yolo_head import AmbiguousHeadError, resolve

__all__ = ["Answers", "NeedsAnswersError", "Question", "describe"]

SCALINGS = {
    "unit": Preprocess(),
    "raw": Preprocess(scale=1.0),
    "minus_one_one": Preprocess(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
    "imagenet": Preprocess(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
}
"""What a network may want its pixels to be."""
_RANGES = {"unit": (0.0, 1.0), "minus_one_one": (-1.0, 1.0), "raw": (0.0, 255.0)}


def describe(path: Path, answers: Answers | None = None) -> ModelRelease:
    """Write the manifest of a bare .onnx, .tflite or .gguf file; nothing is loaded or run.

    Args:
        path: the file; weights that it has beside itself become files of the release too.
        answers: what a person or a configuration says; goes before what the file says.

    Raises:
        NeedsAnswersError: the file doesn't tell everything; says what is missing.
        RefusedModelError: it is no such file, or nothing that could serve.
    """
    answers = answers or Answers()
    try:
        kind = Format(path.suffix.lower().removeprefix("."))
    except ValueError as e:
        raise RefusedModelError(
            f"{path.name} is no .onnx, .tflite or .gguf file", "Export the model as one of these."
        ) from e
    try:
        if kind is Format.GGUF:
            return _language_model(path, answers)
        return _Description(path, read_bare(path, kind), kind, answers).release()
    except (MalformedError, OSError) as e:
        raise RefusedModelError(
            f"{path.name} is no whole {kind} file: {e}", "Copy or export it again."
        ) from e
    except InvalidWordError as e:
        raise RefusedModelError(f"{path.name}: {e}", "Correct the answers.") from e


@dataclass(slots=True)
class _Description:
    """One file being described: each part is read, or becomes a question."""

    path: Path
    bare: BareFile
    kind: Format
    answers: Answers

    def release(self) -> ModelRelease:
        questions: list[Question] = []
        task = self._task(questions)
        labels = self._labels(questions)
        canvas = self._input(questions)
        if questions or task is None or canvas is None:
            raise NeedsAnswersError(self.path.name, tuple(questions))
        output = self._output(task, labels, canvas, questions)
        preprocess = self._preprocess(task, questions)
        if questions or output is None or preprocess is None:
            raise NeedsAnswersError(self.path.name, tuple(questions))
        name, version = name_and_version(self.path, self.answers)
        return ModelRelease(
            id=name,
            version=version,
            task=task,
            format=self.kind,
            files=self._files(),
            labels=labels,
            input=canvas,
            preprocess=preprocess,
            output=output,
            provenance=Provenance(source="user"),
            licence=self.answers.licence or self.bare.metadata.get("license", "")[:100],
            description=_first_line(self.bare.metadata.get("description", "")),
        )

    def _files(self) -> tuple[File, ...]:
        weights = _file(self.path.parent, self.path.name, "weights")
        return (weights, *(_file(self.path.parent, p, "data") for p in self.bare.beside))

    def _task(self, questions: list[Question]) -> Task | None:
        said = self.answers.task or exporter_words.task(self.bare.metadata)
        if said is not None:
            return said
        if word := self.bare.metadata.get("task", "").strip()[:40]:
            raise RefusedModelError(
                f"it was exported for the task {word!r}",
                "Export it for 'detect' or 'classify'; or say which of them it does.",
            )
        ranks = {len(spec.shape) for spec in self.bare.outputs}
        if ranks & {3, 4}:
            return Task.DETECT
        if ranks == {2}:
            return Task.CLASSIFY
        questions.append(Question("task", "What does it do?", ("detect", "classify")))
        return None

    def _labels(self, questions: list[Question]) -> tuple[str, ...]:
        labels = self.answers.labels or exporter_words.names(self.bare.metadata)
        if not labels:
            shapes = ", ".join(str(list(spec.shape)) for spec in self.bare.outputs)
            text = f"What are its labels, in the order of its classes? Its outputs are {shapes}."
            questions.append(Question("labels", text))
        return labels

    def _input(self, questions: list[Question]) -> Input | None:
        try:
            return match_input(self.bare.inputs, None)
        except NoSizeError:
            size = self.answers.size or exporter_words.size(self.bare.metadata)
            if size is not None:
                return match_input(self.bare.inputs, Input(*size, self._layout()))
            text = "It takes pictures of any size. Which width and height was it trained on?"
            questions.append(Question("size", text, ("320", "640")))
            return None

    def _layout(self) -> str:
        return "NHWC" if self.bare.inputs[0].shape[3] == 3 else "NCHW"

    def _output(
        self, task: Task, labels: tuple[str, ...], canvas: Input, questions: list[Question]
    ) -> Output | None:
        if task is Task.CLASSIFY:
            return self._class_output(labels)
        said = self.answers
        wanted = Output(head=said.head)
        try:
            head = resolve(self.bare.outputs, len(labels), canvas, wanted)
        except AmbiguousHeadError as e:
            known = tuple(str(layout) for layout in HeadLayout)
            questions.append(Question("head", f"Which layout has its output? {e}", known))
            return None
        # The common TFLite exporter divides boxes by the size of the picture; admission tries it.
        usual = self.kind is Format.TFLITE and head.layout is not HeadLayout.RAW
        return Output(
            head=head.layout,
            strides=tuple(scale.stride for scale in head.maps),
            normalised=usual if said.normalised is None else said.normalised,
            scores=said.scores or ("logits" if head.layout is HeadLayout.RAW else "probabilities"),
        )

    def _class_output(self, labels: tuple[str, ...]) -> Output:
        name = scores_output(self.bare.outputs, len(labels))
        ends = "probabilities" if name in self.bare.softmaxed else "logits"
        return Output(scores=self.answers.scores or ends)

    def _preprocess(self, task: Task, questions: list[Question]) -> Preprocess | None:
        scaling = self.answers.scaling or self._scaling(task)
        if not scaling:
            text = (
                "What does it want its pixels to be? unit: 0..1, raw: 0..255, "
                "minus_one_one: -1..1, imagenet: ImageNet's mean and deviation."
            )
            questions.append(Question("scaling", text, tuple(SCALINGS)))
            return None
        rules = SCALINGS[scaling]
        fit = "letterbox" if task is Task.DETECT else "stretch"
        return Preprocess(fit=fit, scale=rules.scale, mean=rules.mean, std=rules.std)

    def _scaling(self, task: Task) -> str:
        """From the range of a quantised input; detectors and the common exporters want 0..1."""
        spec = self.bare.inputs[0]
        rules = self.bare.quantisation.get(spec.name)
        if rules is None and spec.dtype == "uint8":
            return "raw"
        if rules is not None:
            least, most = (0, 255) if spec.dtype == "uint8" else (-128, 127)
            low, high = ((n - rules.zero_point) * rules.scale for n in (least, most))
            for name, (start, end) in _RANGES.items():
                near = 0.03 * (end - start)
                if abs(low - start) <= near and abs(high - end) <= near:
                    return name
        return "unit" if task is Task.DETECT or "imgsz" in self.bare.metadata else ""


def name_and_version(path: Path, answers: Answers) -> tuple[str, str]:
    """Id and version: the answers', else those of a file named like `my-model-1.2.0.onnx`."""
    found = re.fullmatch(r"(.+?)[-_.]v?(\d{1,6}\.\d{1,6}\.\d{1,6})", path.stem)
    stem, version = (found[1], found[2]) if found else (path.stem, "1.0.0")
    name = re.sub(r"[^a-z0-9._-]+", "-", stem.lower()).strip("-._")[:64]
    return answers.id or name or "model", answers.version or version


def _file(folder: Path, name: str, role: str) -> File:
    path = folder / name
    return File(name, sha256_of(path), path.stat().st_size, role)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:200]


def _language_model(path: Path, answers: Answers) -> ModelRelease:
    said = gguf_header.read_header(path)
    kind = str(said.get("general.type", "model"))
    if not said.get("general.architecture") or kind not in ("model", ""):
        raise RefusedModelError(
            f"{path.name} is no language model: its type is {kind!r}",
            "Take the file of the model itself, not of an adapter or a projector.",
        )
    name, version = name_and_version(path, answers)
    return ModelRelease(
        id=name,
        version=version,
        task=Task.WRITE,
        format=Format.GGUF,
        files=(_file(path.parent, path.name, "weights"),),
        provenance=Provenance(source="user"),
        licence=answers.licence or str(said.get("general.license", ""))[:100],
        description=str(said.get("general.name", ""))[:200],
    )
