import os
from pathlib import Path

import pytest

from edge.adapters.vision import shared_frames


@pytest.fixture
def frame():
    fds: list[int] = []

    def make(data: bytes) -> int:
        fds.append(shared_frames.share(data))
        return fds[-1]

    yield make
    for fd in fds:
        os.close(fd)


def test_what_is_shared_can_be_copied_out(frame):
    fd = frame(b"photo" * 1000)
    assert shared_frames.read(fd, 5000) == b"photo" * 1000


def test_an_empty_frame_is_empty(frame):
    assert shared_frames.read(frame(b""), 0) == b""


def test_a_frame_that_is_too_large_is_refused_before_it_is_read(frame):
    with pytest.raises(shared_frames.FrameError, match="at most 4"):
        shared_frames.read(frame(b"12345"), 4)


def test_nobody_can_change_a_frame_once_it_is_shared(frame):
    fd = frame(b"12345")
    with pytest.raises(PermissionError):
        os.write(fd, b"x")
    with pytest.raises(PermissionError):
        os.ftruncate(fd, 1)


def test_a_frame_of_the_other_side_that_shrinks_is_an_error_and_no_crash():
    fd = os.memfd_create("unsealed")
    try:
        os.ftruncate(fd, 1 << 20)
        real, os.fstat = os.fstat, lambda n: os.stat_result((0,) * 6 + (1 << 21,) + (0,) * 3)
        try:
            with pytest.raises(shared_frames.FrameError, match="gave only"):
                shared_frames.read(fd, 1 << 22)
        finally:
            os.fstat = real
    finally:
        os.close(fd)


def test_a_frame_leaves_no_name():
    before = set(Path("/dev/shm").iterdir())  # noqa: S108
    os.close(shared_frames.share(b"gone"))
    assert set(Path("/dev/shm").iterdir()) == before  # noqa: S108
