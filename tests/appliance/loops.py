"""Files as block devices of this machine, of which none is left behind."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def attached(image: Path, *options: str) -> Iterator[Path]:
    """The block device that `image` is meanwhile; `options` are those of `losetup`.

    It is detached at once, which the kernel does when nobody has it open any more: after this
    process, even if that is killed.
    """
    said = subprocess.check_output(["losetup", "--show", "-f", *options, image])
    device = Path(said.decode().strip())
    with device.open("rb"):
        subprocess.run(["losetup", "-d", device], check=True)
        yield device
