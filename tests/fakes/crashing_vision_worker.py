"""A vision worker that dies on the 20th photo that it sees, where it looks with version 1.1.0.

Started like the real one; what it does to itself is real.
"""

import hashlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from edge.adapters.vision.messages import Ready, Start
from edge.adapters.vision.worker import main
from edge.ports import Inspection, ModelInUse, Photo
from models.detection import Prediction
from models.quality import Measures, Quality

BAD, LAST = "1.1.0", 20
MEASURES = Measures(100.0, 0.5, 0.2, 0.0, 0.0, 640, 480)


class Eyes:
    def __init__(self, models: dict[str, str]) -> None:
        self._models = models
        self._seen = 0

    def inspect(self, photo: bytes, profile: str) -> tuple[Inspection, Photo]:
        self._seen += 1
        if self._seen == LAST and any(ref.endswith(BAD) for ref in self._models.values()):
            os.kill(os.getpid(), signal.SIGKILL)
        name = hashlib.sha256(photo).hexdigest()
        return (
            Inspection(Quality(MEASURES), (), self._models, {"total": 1.0}),
            Photo(photo, name, "image/jpeg", 640, 480, b"thumb"),
        )

    def annotate(self, photo: bytes, predictions: tuple[Prediction, ...]) -> bytes:
        return photo

    def rest(self) -> None:
        pass


def opened(start: Start, trying: Callable[[str], None]) -> tuple[Eyes, Ready]:
    refs = {model: f"{model}@{Path(folder).name}" for model, folder in start.models.items()}
    in_use = tuple(
        ModelInUse("detector", "finds", ref, "fake", 1, 1.0, 1.0) for ref in refs.values()
    )
    return Eyes(refs), Ready(in_use, {})


if __name__ == "__main__":
    main(sys.argv, opened)
