"""A machine whose disk is an ext4 in a file, so that its power can be cut as a disk sees it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.appliance.base import ALONE, CACHE
from tests.appliance.container import Container

if TYPE_CHECKING:
    from collections.abc import Mapping

SIZE = "5G"
"""Of the disk; the file has holes."""
COMMIT_S = 600
"""ext4 writes by itself only so late: what nobody synced is not on the disk at a cut."""
MOUNTED = 'mount -o "loop,$1" "$2" "$3"; shift 3; exec "$@"'
REPLAY = 'mount -o loop "$1" /mnt && umount /mnt && e2fsck -f -n "$1"'
"""A shell's words: what the next start of a machine does, and whether all is well then."""
TRIES = 20


class OnACard(Container):
    """Boots from `image`, which may be changed while it is off.

    A cut is a copy of `image`. Its loop device writes into the file, through this kernel's page
    cache, what the ext4 on it has handed down, and nothing else: not what programs wrote and the
    ext4 still holds. So the copy has what a disk has that never lies about what it wrote. While it
    is made every program over there stands still, and the device has to have written nothing: it
    is one moment's state. What it isn't: a disk that loses or tears a block in its own cache, or
    that stops in the middle of a sync; a program is stopped between two system calls.
    """

    def __init__(
        self, devices: Mapping[Path, Path], environment: Mapping[str, str], release: str
    ) -> None:
        """Make the disk of the base's files."""
        super().__init__(devices, environment=environment, release=release)
        self.image = CACHE / f"{self.name}.img"
        subprocess.run(
            ["mke2fs", "-q", "-t", "ext4", "-d", self.root, self.image, SIZE], check=True
        )
        subprocess.run(["rm", "-rf", "--one-file-system", self.root], check=True)
        self.root.mkdir()
        self._suppress_sync = False
        self._alone = (
            *(*ALONE, "--mount-proc", "bash", "-ec", MOUNTED, "bash"),
            *(f"commit={COMMIT_S}", self.image, self.root),
        )

    def cut(self, name: str) -> Path:
        """Copy what a disk would have if the power went now, and go on."""
        image = self.image.with_name(f"{self.name}-{name}.img")
        self.run("kill -STOP -1")  # all but systemd itself
        try:
            for _ in range(TRIES):
                before = self._written()
                subprocess.run(["cp", "--sparse=always", self.image, image], check=True)
                if before == self._written() and before[-1] == "0":
                    return image
                time.sleep(0.2)
        finally:
            self.run("kill -CONT -1")
        raise AssertionError("the disk is never quiet")

    def put_in(self, image: Path) -> None:
        """Have it start from a copy next time, whose file system has to be whole by then."""
        self.kill()
        subprocess.run(["cp", "--sparse=always", image, self.image], check=True)
        command = ["unshare", "--mount", "--propagation=private", "bash", "-ec", REPLAY, "bash"]
        done = subprocess.run([*command, self.image], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def _written(self) -> tuple[str, ...]:
        """Requests and sectors that its device has written, and how many are on their way."""
        said = subprocess.check_output(["losetup", "-n", "-O", "NAME", "-j", self.image], text=True)
        stat = Path("/sys/block", Path(said.strip()).name, "stat").read_text().split()
        return stat[4], stat[6], stat[15], stat[8]

    def remove(self) -> None:
        """Forget it, its disk and the copies."""
        super().remove()
        for image in self.image.parent.glob(f"{self.name}*.img"):
            image.unlink()
