"""What a person says about a model that its file doesn't."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.jsonable import InvalidWordError, require
from models.release import HeadLayout, Task

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that has to be known before a model can be installed."""

    key: str
    """What `Answers.from_text` calls it."""
    text: str
    """What the person reads."""
    choices: tuple[str, ...] = ()
    """Answers there are, or some usual ones; empty: free text."""


class NeedsAnswersError(Exception):
    """The file doesn't tell everything; ask these questions, then describe it again."""

    def __init__(self, name: str, questions: tuple[Question, ...]) -> None:
        """Keep the questions; at least one."""
        keys = ", ".join(question.key for question in questions)
        super().__init__(f"{name} doesn't say everything; missing: {keys}")
        self.questions = questions
        self.hint = " ".join(question.text for question in questions)


@dataclass(frozen=True, slots=True)
class Answers:
    """What is said; everything that is empty or None is read from the file."""

    id: str = ""
    """Name of the model; "" takes the file's name."""
    version: str = ""
    """Semantic version; "" takes the file name's, or 1.0.0."""
    task: Task | None = None
    """What it does."""
    labels: tuple[str, ...] = ()
    """In the order of its classes."""
    size: tuple[int, int] | None = None
    """Width and height of its input, pixels."""
    head: HeadLayout | None = None
    """Layout of a detector's output."""
    scores: str = ""
    """`probabilities` or `logits`."""
    normalised: bool | None = None
    """True: boxes are 0..1."""
    scaling: str = ""
    """`unit`, `raw`, `minus_one_one` or `imagenet`."""
    licence: str = ""
    """SPDX."""

    def __post_init__(self) -> None:
        """Refuse answers to choose from that aren't among the choices."""
        for key, known in (
            ("scaling", ("unit", "raw", "minus_one_one", "imagenet")),
            ("scores", ("probabilities", "logits")),
        ):
            value = getattr(self, key)
            require(not value or value in known, key, f"one of {known}", value)

    @classmethod
    def from_text(cls, said: Mapping[str, str]) -> Answers:
        """Make answers of what a person typed.

        Args:
            said: key → text; labels are separated by commas or lines, a size is `640` or `640x480`,
                `normalised` is true or false.

        Raises:
            InvalidWordError: an unknown key, or a text that is no answer to it.
        """
        known = set(cls.__dataclass_fields__)
        require(set(said) <= known, "answers", f"only {sorted(known)}", sorted(set(said) - known))
        values: dict[str, object] = dict(said)
        if "labels" in said:
            parts = said["labels"].replace(",", "\n").splitlines()
            values["labels"] = tuple(part.strip() for part in parts if part.strip())
        if "size" in said:
            values["size"] = _size(said["size"])
        if "normalised" in said:
            values["normalised"] = _flag(said["normalised"])
        for key, kind in (("task", Task), ("head", HeadLayout)):
            if key in said:
                choices = [str(member) for member in kind]
                require(said[key] in choices, key, f"one of {choices}", said[key])
                values[key] = kind(said[key])
        return cls(**values)  # type: ignore[arg-type]


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) > 2 or not all(p.strip().isdecimal() and 0 < int(p) <= 4096 for p in parts):
        raise InvalidWordError(f"size: expected 640 or 640x480, got {text!r}")
    return int(parts[0]), int(parts[-1])


def _flag(text: str) -> bool:
    known = {"true": True, "yes": True, "false": False, "no": False}
    require(text.strip().lower() in known, "normalised", "true or false", text)
    return known[text.strip().lower()]
