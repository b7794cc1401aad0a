"""The vocabulary says everything, and llama.cpp cuts texts exactly as the training did."""

from __future__ import annotations

import random
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tower_sync_server.training.writer.data import cut, prompt_tokens
from tower_sync_server.training.writer.export_gguf import export_gguf, load_gguf
from tower_sync_server.training.writer.facts import random_facts
from tower_sync_server.training.writer.network import Decoder, Shape
from tower_sync_server.training.writer.text import Example, answer_of, example, prompt_of
from tower_sync_server.training.writer.tokenizer import Tokenizer, learn

if TYPE_CHECKING:
    from pathlib import Path


def learnt() -> Tokenizer:
    rng = random.Random(1)
    examples = [example(rng) for _ in range(150)]
    return learn([text for e in examples for text in (e.prompt, e.answer)], 600)


TOKENIZER = learnt()


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\u2581")))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_names_never_seen_take_a_few_pieces_and_not_a_byte_each() -> None:
    facts = random_facts(random.Random(3), held_out=True)
    text = answer_of(facts)
    assert len(TOKENIZER.encode(text)) < len(text) / 2


def test_an_answer_begins_after_its_prompt() -> None:
    one = Example('{"photo_of": "leaf"}', '{"shows":"A leaf."}')
    texts = cut([one, one], TOKENIZER)
    assert list(texts.tokens[: texts.answers[0]]) == prompt_tokens(one.prompt, TOKENIZER)
    assert TOKENIZER.decode(texts.tokens[texts.answers[1] : texts.starts[2]]) == one.answer


def test_what_is_read_from_the_file_is_what_was_written(tmp_path: Path) -> None:
    torch.manual_seed(0)
    decoder = Decoder(Shape(len(TOKENIZER.tokens), 64, 1, 2, 96)).eval()
    export_gguf(decoder, TOKENIZER, tmp_path / "model.gguf", "tiny")
    loaded = load_gguf(tmp_path / "model.gguf")
    tokens = torch.arange(40)[None]
    assert loaded.tokenizer.tokens == TOKENIZER.tokens
    assert torch.allclose(loaded.decoder(tokens), decoder(tokens), atol=0.05)


@pytest.mark.llm
@pytest.mark.skipif(find_spec("llama_cpp") is None, reason="needs llama-cpp-python")
def test_llama_cpp_cuts_and_computes_the_same(tmp_path: Path) -> None:
    import llama_cpp
    import numpy as np

    torch.manual_seed(0)
    decoder = Decoder(Shape(len(TOKENIZER.tokens), 64, 2, 2, 96)).eval()
    export_gguf(decoder, TOKENIZER, tmp_path / "model.gguf", "tiny")
    llama = llama_cpp.Llama(
        str(tmp_path / "model.gguf"), n_ctx=512, n_threads=1, verbose=False, logits_all=True
    )
    rng = random.Random(2)
    for _ in range(30):
        facts = random_facts(rng, held_out=True)
        mine = prompt_tokens(prompt_of(facts), TOKENIZER) + TOKENIZER.encode(answer_of(facts))
        text = f"<s>{prompt_of(facts)}</s><s>{answer_of(facts)}"
        assert llama.tokenize(text.encode(), add_bos=False, special=True) == mine
    llama.eval(mine)
    theirs = np.array(llama.scores[: len(mine)])
    ours = load_gguf(tmp_path / "model.gguf").decoder(torch.tensor([mine]))[0].detach().numpy()
    llama.close()
    assert np.abs(theirs - ours).max() < 0.05 * np.abs(ours).max()
