"""The engine by way of `llama-cpp-python`, compiled where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import llama_cpp  # type: ignore[import-not-found,unused-ignore]

from edge.adapters.writer.engine import CONTEXT, EngineError

BINDING: Any = llama_cpp
"""Its types are partial and change from release to release."""

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from models.writing.prompt import Message


class LlamaCppEngine:
    """One model in this process."""

    def __init__(self, llama: Any) -> None:
        """Take over a loaded model."""
        self._llama = llama

    def generate(self, messages: Sequence[Message], grammar: str, max_tokens: int) -> str:
        """See `Engine.generate`."""
        try:
            self._refuse_unreadable(grammar)
            rules = BINDING.LlamaGrammar.from_string(grammar, verbose=False)
            self._llama.reset()
            answer = self._llama.create_chat_completion(
                messages=[dict(message) for message in messages],
                grammar=rules,
                max_tokens=max_tokens,
                temperature=0.0,
                repeat_penalty=1.0,
            )
            return str(answer["choices"][0]["message"]["content"] or "")
        # The binding raises whatever ctypes, Jinja or its own asserts do.
        except Exception as e:
            raise EngineError(f"llama-cpp-python: {type(e).__name__}: {e}") from e

    def _refuse_unreadable(self, grammar: str) -> None:
        """Parse the grammar first: the binding itself crashes the process on one it can't read."""
        vocabulary = BINDING.llama_model_get_vocab(self._llama.model)
        sampler = BINDING.llama_sampler_init_grammar(vocabulary, grammar.encode(), b"root")
        if not sampler:
            raise ValueError("the grammar can't be read")
        BINDING.llama_sampler_free(sampler)

    def close(self) -> None:
        """See `Engine.close`."""
        self._llama.close()


def open_engine(weights: Path, threads: int) -> LlamaCppEngine:
    """Load a model.

    Raises:
        EngineError: it can't be loaded.
    """
    try:
        llama = BINDING.Llama(
            str(weights),
            n_ctx=CONTEXT,
            n_threads=threads,
            n_threads_batch=threads,
            n_gpu_layers=0,
            verbose=False,
        )
    except Exception as e:  # the same
        raise EngineError(f"llama-cpp-python: {type(e).__name__}: {e}") from e
    return LlamaCppEngine(llama)
