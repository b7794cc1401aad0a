"""What writes: a language model in a GGUF file, run by one of two bindings of the same engine.

Only the writer's child process loads an engine; the daemon only asks which one there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from models.writing.prompt import Message

MODULES = {"xllamacpp": "xllamacpp", "llama-cpp-python": "llama_cpp"}
"""Engine → the module that its binding installs; `auto` takes the first that is there."""
ADAPTERS = {
    "xllamacpp": "edge.adapters.writer.engine_xllama",
    "llama-cpp-python": "edge.adapters.writer.engine_llama_cpp",
}
"""Engine → the adapter, imported in the child alone."""
CONTEXT = 4096
"""Tokens of prompt and answer together."""


class EngineError(Exception):
    """The engine can't load this model or can't answer; the message says why."""


class Engine(Protocol):
    """A loaded language model. One caller at a time; blocks while it works."""

    def generate(self, messages: Sequence[Message], grammar: str, max_tokens: int) -> str:
        """Answer a chat under a grammar, always the likeliest token.

        Args:
            messages: the chat; the template is the model's own, from its metadata.
            grammar: GBNF with a rule `root`.
            max_tokens: after which the answer is cut off.

        Raises:
            EngineError: the grammar can't be read, the prompt is too long, or the engine failed.
        """
        ...

    def close(self) -> None:
        """Free the memory."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """Which engine is to write, and why."""

    engine: str
    """A key of `MODULES`, or `template`."""
    reason: str
    """For people."""


def choose(wanted: str, installed: Callable[[str], bool] | None = None) -> Choice:
    """Choose the engine without importing one.

    Args:
        wanted: the setting: `auto`, `template` or an engine.
        installed: tells whether a module can be imported.
    """
    there = installed or (lambda module: find_spec(module) is not None)
    if wanted == "template":
        return Choice("template", "the setting writer.engine says so")
    if wanted in MODULES:
        if there(MODULES[wanted]):
            return Choice(wanted, "the setting writer.engine says so")
        return Choice("template", f"the setting writer.engine is {wanted}, which isn't installed")
    for engine, module in MODULES.items():
        if there(module):
            return Choice(engine, f"the first of {', '.join(MODULES)} that is installed")
    return Choice("template", f"none of {', '.join(MODULES)} is installed")


def load(engine: str, weights: Path, threads: int) -> Engine:
    """Import the adapter of `engine` and load the model with it.

    Raises:
        EngineError: the binding isn't there, or it can't load this file.
    """
    try:
        adapter = import_module(ADAPTERS[engine])
    except ImportError as e:
        raise EngineError(f"{engine} can't be imported: {e}") from e
    made: Engine = adapter.open_engine(weights, threads)
    return made
