"""The writer: a child process of low priority that loads one language model and answers with it.

    python -m edge.adapters.writer.child ENGINE WEIGHTS MEMORY_MB THREADS

Tasks come in by standard input, answers go out by standard output, one JSON object a line. It ends
when the input ends; the daemon kills it when an answer takes too long.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from edge.adapters.jail import confine
from edge.adapters.writer.engine import EngineError, load
from edge.adapters.writer.messages import MAX_LINE, Answer, Ready, Task, decode, encode

if TYPE_CHECKING:
    from edge.adapters.writer.engine import Engine
    from models.writing.prompt import Message

NICENESS = 10
"""Photos come first."""


def main(arguments: list[str]) -> int:
    """Load the model and answer until the daemon hangs up; 1 where it can't be loaded."""
    engine, weights, memory_mb, threads = arguments
    output = _own_output()
    os.nice(NICENESS)
    notes = confine(int(memory_mb))
    try:
        model = load(engine, Path(weights), int(threads))
    except (EngineError, MemoryError) as e:
        _say(output, Ready(notes, str(e) or type(e).__name__))
        return 1
    with contextlib.closing(model), contextlib.suppress(BrokenPipeError):
        _say(output, Ready(notes))
        while line := sys.stdin.buffer.readline(MAX_LINE):
            _say(output, _answer(model, decode(Task, line)))
    return 0


def _answer(model: Engine, task: Task) -> Answer:
    chat: list[Message] = [{"role": m["role"], "content": m["content"]} for m in task.messages]
    try:
        return Answer(model.generate(chat, task.grammar, task.max_tokens))
    except (EngineError, MemoryError) as e:
        return Answer(problem=str(e) or type(e).__name__)


def _own_output() -> BinaryIO:
    """Keep the real standard output for answers; whatever else prints goes to standard error."""
    kept = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(kept, "wb", buffering=0)


def _say(output: BinaryIO, message: Ready | Answer) -> None:
    rest = encode(message)
    while rest:
        rest = rest[output.write(rest) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
