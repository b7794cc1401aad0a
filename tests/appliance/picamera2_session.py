"""Runs where picamera2 is: opens the device's camera twice, and writes down what it gives.

Its argument is JSON: width, height, and the count of photos an opening. In `/out` it makes
`told.json`, with an entry for each photo or error, and the files that are named there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.adapters.camera.process import ProcessCamera
from edge.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Iterator

OUT = Path("/out")
BURST = 2


def main() -> None:
    asked = json.loads(sys.argv[1])
    options = {"width": asked["width"], "height": asked["height"], "burst": BURST}
    # As `picamera2_camera` makes it, but for the module: the same child with the stand-ins.
    module = "tests.appliance.picamera2_stand_ins"
    camera = ProcessCamera("picamera2", module, options, timeout_s=30, start_s=120)
    (OUT / "told.json").write_text(json.dumps(list(session(camera, asked["count"]))))


def session(camera: ProcessCamera, count: int) -> Iterator[dict[str, Any]]:
    for opening in (1, 2):
        try:
            camera.open()
            for number in range(count):
                yield {
                    "opening": opening,
                    "pid": camera.pid,
                    **photo(camera, f"{opening}-{number}"),
                }
        except CameraError as e:
            yield {"error": e.message, "hint": e.hint}
        finally:
            camera.close()


def photo(camera: ProcessCamera, name: str) -> dict[str, Any]:
    frame = camera.capture()
    (OUT / f"{name}.jpg").write_bytes(frame.data)
    (OUT / f"{name}.grey").write_bytes(camera.glance() or b"")
    return {"photo": f"{name}.jpg", "glance": f"{name}.grey", "metadata": dict(frame.metadata)}


if __name__ == "__main__":
    main()
