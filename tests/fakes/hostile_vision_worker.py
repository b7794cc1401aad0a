"""A vision worker whose photos are orders: `segfault`, `loop`, `stop`, `leak`, … and so its models.

Started like the real one, over the same socket; what it does to itself is real.
"""

import ctypes
import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge.adapters.vision.messages import Ready, Start
from edge.adapters.vision.worker import main
from edge.errors import BadImageError
from edge.ports import Inspection, ModelInUse, Photo
from models.detection import Prediction
from models.quality import Measures, Quality

MEASURES = Measures(100.0, 0.5, 0.2, 0.0, 0.0, 640, 480)
_leak: list[bytearray] = []


def loop(_: str) -> None:
    while True:
        pass


def bad(_: str) -> None:
    raise BadImageError("not a picture", "send one")


def once(trace: str) -> None:
    """The first worker to see it dies; the next one finds the trace."""
    if not Path(trace).exists():
        Path(trace).touch()
        os.kill(os.getpid(), signal.SIGKILL)


def niceness() -> str:
    return str(os.getpriority(os.PRIO_PROCESS, 0))


ORDERS: dict[str, Callable[[str], object]] = {
    "segfault": lambda _: ctypes.string_at(0),
    "loop": loop,
    "stop": lambda _: os.kill(os.getpid(), signal.SIGSTOP),
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda _: os._exit(3),
    "sleep": lambda seconds: time.sleep(float(seconds.split()[0])),
    "leak": lambda megabytes: _leak.append(bytearray(b"x") * (int(megabytes) << 20)),
    "bomb": lambda _: bytearray(1 << 60),
    "bad": bad,
    "bug": lambda _: 1 / 0,
    "rubbish": lambda _: os.write(int(sys.argv[-1]), b"rubbish"),
    "once": once,
    "niceness": lambda file: Path(file).write_text(niceness()),
}


def misbehave(order: str) -> None:
    """Do to this process what the first word says; the rest is its argument."""
    word, _, argument = order.partition(" ")
    ORDERS.get(word, str)(argument)


class Obedient:
    """Eyes that do what the photo says, and then see one thing."""

    def __init__(self, models: dict[str, str]) -> None:
        self._models = models

    def inspect(self, photo: bytes, profile: str) -> tuple[Inspection, Photo]:
        misbehave(photo[:200].decode(errors="replace"))
        clean = photo + b" clean" if photo.startswith(b"clean") else photo
        return (
            Inspection(Quality(MEASURES), (), self._models, {"total": 1.0}),
            Photo(clean, hashlib.sha256(clean).hexdigest(), "image/jpeg", 640, 480, b"thumb"),
        )

    def annotate(self, photo: bytes, predictions: tuple[Prediction, ...]) -> bytes:
        return f"{len(predictions)} boxes".encode() + photo

    def rest(self) -> None:
        pass


def opened(start: Start, trying: Callable[[str], None]) -> tuple[Obedient, Ready]:
    """Folders of models are orders too: `ok NAME`, `refuse WHY`, `segfault`, `loop`, …"""
    serving, refused = {}, {}
    for model, order in start.models.items():
        if model in start.skip:
            refused[model] = start.skip[model]
        elif order.startswith("refuse"):
            refused[f"{model}@{order}"] = order.removeprefix("refuse ")
        else:
            trying(model)
            misbehave(order)
            serving[model] = order
    in_use = tuple(ModelInUse("detector", "p", m, "fake", 1, 1.0, 1.0) for m in serving)
    return Obedient(serving), Ready(in_use, refused)


if __name__ == "__main__":
    main(sys.argv, opened)
