"""The camera process over libcamera's `virtual` pipeline: all that stands in for a Raspberry Pi.

The adapter's own child is run, with the real picamera2 and the real libcamera. What a machine
without a Pi's camera lacks is put in their place before:

* `pykms`, which draws on a Pi's screen and isn't packaged by Debian: the names of its formats.
* The allocator: a Pi's frames lie in DMA buffers of the kernel, here in plain memory.
* The sensor's raw modes: the `virtual` pipeline has no raw stream and says so with an error.
* A frame's status: libcamera 0.4.0's pipeline fills the frame and leaves its status to chance.
"""

from __future__ import annotations

import importlib
import mmap
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

from edge.adapters.camera import picamera2_child

FORMATS = "RGB888 BGR888 XRGB8888 XBGR8888 YUV420 YVU420 NV12 ABGR8888"


def pykms() -> ModuleType:
    module = ModuleType("pykms")
    module.PixelFormat = SimpleNamespace(**{name: name for name in FORMATS.split()})  # type: ignore[attr-defined]
    return module


class AnyStatus:
    """Stands in for `FrameMetadata.Status.Success`, which picamera2 wants of a frame."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Mapped:
    """A frame's memory, as picamera2 asks an allocator for it."""

    def __init__(self, allocator: MemoryAllocator, buffer: Any, write: bool) -> None:
        self._fd = buffer.planes[0].fd

    def __enter__(self) -> mmap.mmap:
        return mmap.mmap(self._fd, 0)

    def __exit__(self, *error: object) -> None:
        pass  # the last array that looks at it lets it go


class MemoryAllocator:
    """Implements picamera2's `Allocator` with NV12 frames in plain memory."""

    needs_sync = False

    def __init__(self) -> None:
        self.sync = Mapped
        self._buffers: dict[Any, list[Any]] = {}

    def allocate(self, libcamera_config: Any, use_case: str | None) -> None:
        self._buffers = {
            each.stream: [nv12_buffer(each) for _ in range(each.buffer_count)]
            for each in libcamera_config
        }

    def buffers(self, stream: Any) -> list[Any]:
        return self._buffers[stream]

    def acquire(self, buffers: Any) -> None:
        pass

    def release(self, buffers: Any) -> None:
        pass

    def close(self) -> None:
        self._buffers = {}


def nv12_buffer(config: Any) -> Any:
    """One frame's memory: the plane of brightness, and behind it that of the colours."""
    libcamera = importlib.import_module("libcamera")
    fd = os.memfd_create("frame")
    os.ftruncate(fd, config.frame_size)
    brightness = config.stride * config.size.height
    planes = []
    for offset, length in ((0, brightness), (brightness, config.frame_size - brightness)):
        plane = libcamera.FrameBuffer.Plane()
        plane.fd, plane.offset, plane.length = fd, offset, length
        planes.append(plane)
    made = libcamera.FrameBuffer(planes)  # which has descriptors of its own
    os.close(fd)
    return made


def stand_in() -> None:
    sys.modules["pykms"] = pykms()
    libcamera = importlib.import_module("libcamera")
    module = importlib.import_module("picamera2.picamera2")
    module.DmaAllocator = MemoryAllocator
    libcamera.FrameMetadata.Status.Success = AnyStatus()
    module.Picamera2._get_raw_modes = lambda camera: [{"format": "NV12", "size": (640, 480)}]


def main() -> None:
    stand_in()
    picamera2_child.main()


if __name__ == "__main__":
    main()
