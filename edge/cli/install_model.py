"""Installs a model file, and asks what it doesn't tell where somebody can answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from edge.adapters.trial import trial_with
from edge.cli.in_store import refuse_other_user
from edge.cli.output import note
from edge.errors import BadRequestError
from edge.eyes import library_of
from models.answers import Answers, NeedsAnswersError, Question
from models.jsonable import InvalidWordError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.config import Settings
    from models.release import ModelRelease

MAX_ROUNDS = 5
"""Times that questions are asked before it is given up."""


def install_model(settings: Settings, file: Path, said: Sequence[str]) -> ModelRelease | None:
    """Install a model.

    Args:
        settings: which device.
        file: a model file, or a folder with `model.toml`.
        said: `key=value`, what the file doesn't tell.

    Returns:
        What was installed; None where questions stay open that nobody is there to answer.

    Raises:
        BadRequestError: the file isn't there, or an answer is none.
        RefusedModelFileError: it can't serve.
    """
    if not file.exists():
        raise BadRequestError(f"There is no {file}.")
    refuse_other_user(settings.store.data_dir)
    library, answers = library_of(settings), parse_answers(said)
    trial = trial_with(settings.vision, settings.writer)
    for _ in range(MAX_ROUNDS):
        try:
            return library.install(file, _answers(answers), trial)
        except NeedsAnswersError as e:
            if not sys.stdin.isatty():
                _show_questions(str(e), e.questions)
                return None
            answers |= {question.key: _ask(question) for question in e.questions}
    return None


def parse_answers(said: Sequence[str]) -> dict[str, str]:
    """Split `key=value` texts.

    Raises:
        BadRequestError: one has no `=`.
    """
    found = {}
    for text in said:
        key, equals, value = text.partition("=")
        if not equals:
            raise BadRequestError(f"--answer {text!r} has no =.", "Write --answer KEY=VALUE.")
        found[key.strip()] = value
    return found


def _answers(said: dict[str, str]) -> Answers | None:
    try:
        return Answers.from_text(said) if said else None
    except InvalidWordError as e:
        raise BadRequestError(str(e)) from e


def _ask(question: Question) -> str:
    choices = f" ({', '.join(question.choices)})" if question.choices else ""
    return str(typer.prompt(f"{question.text}{choices}"))


def _show_questions(what: str, questions: Sequence[Question]) -> None:
    note(f"edgecase: {what}")
    for question in questions:
        choices = f" ({', '.join(question.choices)})" if question.choices else ""
        note(f"  --answer {question.key}=…   {question.text}{choices}")
