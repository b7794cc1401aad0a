"""The texts as token numbers, made once from the seed and kept in the work folder."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tower_sync_server.training.writer.text import Example, example
from tower_sync_server.training.writer.tokenizer import BEGIN, END, Tokenizer, learn

if TYPE_CHECKING:
    from pathlib import Path


_TO_LEARN_FROM = 4000
"""Texts that the vocabulary is learnt from."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Every text as one row of numbers, one after the other."""

    tokens: NDArray[np.uint16]
    """All texts end to end."""
    starts: NDArray[np.int64]
    """Where each begins; one more at the end."""
    answers: NDArray[np.int64]
    """Where in `tokens` each text's answer begins."""

    @property
    def sha256(self) -> str:
        """Of the tokens."""
        return hashlib.sha256(self.tokens.tobytes()).hexdigest()


def open_texts(folder: Path, count: int, vocabulary: int, seed: int) -> tuple[Tokenizer, Texts]:
    """Make vocabulary and texts, or take those that lie in `folder` already."""
    folder.mkdir(parents=True, exist_ok=True)
    kept, pieces = folder / "texts.npz", folder / "pieces.json"
    if not kept.exists():
        rng = random.Random(seed)  # noqa: S311 - not for secrets
        examples = [example(rng) for _ in range(count)]
        some = examples[:_TO_LEARN_FROM]
        tokenizer = learn([text for e in some for text in (e.prompt, e.answer)], vocabulary)
        pieces.write_text(json.dumps(tokenizer.pieces), encoding="utf-8")
        texts = cut(examples, tokenizer)
        np.savez(kept, tokens=texts.tokens, starts=texts.starts, answers=texts.answers)
    tokenizer = Tokenizer(tuple(json.loads(pieces.read_text(encoding="utf-8"))))
    with np.load(kept) as file:
        return tokenizer, Texts(file["tokens"], file["starts"], file["answers"])


def drill(tokenizer: Tokenizer, count: int, seed: int) -> Texts:
    """Make exercises in copying: a prompt of random pieces, and the same pieces as its answer."""
    rng = np.random.default_rng(seed)
    first, last = len(tokenizer.tokens) - len(tokenizer.pieces), len(tokenizer.tokens)
    rows: list[int] = []
    starts, answers = [], []
    for _ in range(count):
        said = rng.integers(first, last, int(rng.integers(3, 24))).tolist()
        starts.append(len(rows))
        rows += [BEGIN, *said, END, BEGIN]
        answers.append(len(rows))
        rows += [*said, END]
    starts.append(len(rows))
    return Texts(np.asarray(rows, np.uint16), np.asarray(starts), np.asarray(answers))


def cut(examples: list[Example], tokenizer: Tokenizer) -> Texts:
    """Cut examples into tokens: begin, prompt, end, begin, answer, end."""
    rows: list[int] = []
    starts, answers = [], []
    for one in examples:
        starts.append(len(rows))
        rows += prompt_tokens(one.prompt, tokenizer)
        answers.append(len(rows))
        rows += [*tokenizer.encode(one.answer), END]
    starts.append(len(rows))
    return Texts(np.asarray(rows, np.uint16), np.asarray(starts), np.asarray(answers))


def prompt_tokens(prompt: str, tokenizer: Tokenizer) -> list[int]:
    """The tokens before an answer, as the chat template in the file makes them."""
    return [BEGIN, *tokenizer.encode(prompt), END, BEGIN]
