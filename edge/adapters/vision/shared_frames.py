"""Photos between two processes: anonymous shared memory that leaves no name behind.

A frame is a memfd. It is written once, sealed, and travels as a descriptor beside a small message;
when the last holder closes it, it is gone, whoever died on the way.
"""

from __future__ import annotations

import fcntl
import os

_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class FrameError(Exception):
    """A frame that can't be what it should be: too large, or changed while it was read."""


def share(data: bytes) -> int:
    """Put `data` into a new sealed memfd.

    Returns:
        The descriptor, which the caller closes.

    Raises:
        OSError: no memory for it.
    """
    fd = os.memfd_create("edgecase-frame", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(fd)
        raise
    return fd


def read(fd: int, limit: int) -> bytes:
    """Copy a whole frame out.

    Copied and never mapped, because the other side is not trusted: a mapping of a file that the
    other side shortens kills the reader.

    Args:
        fd: of the frame; stays open.
        limit: bytes; more is refused before any is read.

    Raises:
        FrameError: it is larger than `limit`, or became shorter.
    """
    size = os.fstat(fd).st_size
    if size > limit:
        raise FrameError(f"a frame of {size} bytes, at most {limit} are taken")
    data = os.pread(fd, size, 0)
    if len(data) != size:
        raise FrameError(f"a frame of {size} bytes gave only {len(data)}")
    return data
