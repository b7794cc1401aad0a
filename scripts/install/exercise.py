"""Has one compiled package of an environment do its work: exercise.py PACKAGE.

A package that was built for another processor can often be imported, and dies of an illegal
instruction at its first real work. Here that is a process that may die.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def numpy() -> None:
    """Multiply two matrices."""
    import numpy as np

    one = np.eye(64, dtype=np.float32)
    assert (one @ one == one).all()  # noqa: S101


def cv2() -> None:
    """Scale a picture and write it as a JPEG."""
    import cv2 as cv
    import numpy as np

    small = cv.resize(np.zeros((480, 640, 3), np.uint8), (64, 48), interpolation=cv.INTER_AREA)
    assert cv.imencode(".jpg", small)[0]  # noqa: S101


def simplejpeg() -> None:
    """Write a picture and read it again."""
    import numpy as np
    import simplejpeg as jpeg

    assert jpeg.decode_jpeg(jpeg.encode_jpeg(np.zeros((48, 64, 3), np.uint8))).shape == (48, 64, 3)  # noqa: S101


def onnxruntime() -> None:
    """Run every model that came with EdgeCase once, on nothing."""
    import numpy as np
    import onnxruntime as ort

    for path in sorted(_zoo().glob("*/*/model.onnx")):
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        feeds = {
            each.name: np.zeros(
                [size if isinstance(size, int) else 1 for size in each.shape],
                np.uint8 if "uint8" in each.type else np.float32,
            )
            for each in session.get_inputs()
        }
        session.run(None, feeds)


def xllamacpp() -> None:
    """Write a word with the language model that came with EdgeCase."""
    _write("edge.adapters.writer.engine_xllama")


def llama_cpp() -> None:
    """The same, by way of the other package."""
    _write("edge.adapters.writer.engine_llama_cpp")


def _write(adapter: str) -> None:
    open_engine = import_module(adapter).open_engine
    for path in sorted(_zoo().glob("*/*/model.gguf")):
        engine = open_engine(path, 1)
        engine.generate([{"role": "user", "content": "a"}], 'root ::= "a"', 2)
        engine.close()


def _zoo() -> Path:
    import models.release

    return Path(models.release.__file__).parent / "zoo"


if __name__ == "__main__":
    name = sys.argv[1]
    globals().get(name, lambda: import_module(name))()
