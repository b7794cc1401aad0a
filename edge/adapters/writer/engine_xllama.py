"""The engine by way of `xllamacpp`, whose wheels are ready made: nothing to compile.

The binding is llama.cpp's own server in this process, and that server always listens somewhere. It
is given a socket file in a folder only this user can enter, which is deleted as soon as it listens,
and a key that is told to nobody: so that nothing can connect to it.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xllamacpp  # type: ignore[import-not-found,import-untyped,unused-ignore]

from edge.adapters.writer.engine import CONTEXT, EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.writing.prompt import Message


class XllamaEngine:
    """One model in this process."""

    def __init__(self, server: Any) -> None:
        """Take over a loaded model."""
        self._server = server

    def generate(self, messages: Sequence[Message], grammar: str, max_tokens: int) -> str:
        """See `Engine.generate`."""
        request = {
            "messages": [dict(message) for message in messages],
            "grammar": grammar,
            "max_tokens": max_tokens,
            "temperature": 0.0,
            "repeat_penalty": 1.0,
            "cache_prompt": False,
        }
        try:
            answer = self._server.handle_chat_completions(request)
        # The binding raises whatever its server does.
        except Exception as e:
            raise EngineError(f"xllamacpp: {type(e).__name__}: {e}") from e
        if "choices" not in answer:
            raise EngineError(f"xllamacpp: {answer.get('error', {}).get('message', answer)}")
        return str(answer["choices"][0]["message"]["content"] or "")

    def close(self) -> None:
        """See `Engine.close`."""
        self._server = None


def open_engine(weights: Path, threads: int) -> XllamaEngine:
    """Load a model.

    Raises:
        EngineError: it can't be loaded.
    """
    with tempfile.TemporaryDirectory(prefix="edgecase-writer-") as folder:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        # A socket's path has 107 characters at most; a temporary folder's may have more.
        short = Path(f"/proc/self/fd/{descriptor}")
        try:
            return XllamaEngine(xllamacpp.Server(_parameters(weights, threads, short)))
        except Exception as e:  # the same
            raise EngineError(f"xllamacpp: {type(e).__name__}: {e}") from e
        finally:
            os.close(descriptor)


def _parameters(weights: Path, threads: int, folder: Path) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(weights)
    params.n_ctx = CONTEXT
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.n_threads_http = 1
    params.hostnames = [str(folder / "engine.sock")]
    params.api_keys = [secrets.token_hex(32)]
    params.ui = False
    params.endpoint_slots = False
    params.offline = True
    params.warmup = False
    params.fit_params = False
    params.cache_ram_mib = 0
    params.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    params.verbosity = -1
    return params
