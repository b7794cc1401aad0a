"""Reads what `lsblk -J` says, and prints the devices that may be a stick with files."""

import json
import sys
from collections.abc import Iterator
from typing import Any

FILESYSTEMS = ("vfat", "exfat", "ntfs", "ext2", "ext3", "ext4")


def sticks(devices: list[dict[str, Any]], *, removable: bool = False) -> Iterator[str]:
    """Paths of what can be pulled out and holds a file system; a disk that stays in is passed."""
    for device in devices:
        out = removable or bool(device.get("rm")) or bool(device.get("hotplug"))
        if out and device.get("fstype") in FILESYSTEMS:
            yield device["path"]
        yield from sticks(device.get("children", []), removable=out)


if __name__ == "__main__":
    print("\n".join(sticks(json.load(sys.stdin).get("blockdevices", []))))
