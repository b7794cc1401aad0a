"""Prints the files of an environment that aren't what was installed: damaged.py SITE-PACKAGES.

By the hashes that each package's RECORD has (https://packaging.python.org, "Recording installed
projects"). For any Python: the environment's own may be what is damaged.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def damaged(site: Path) -> Iterator[Path]:
    """The files that are missing, can't be read or have other bytes."""
    for record in site.glob("*.dist-info/RECORD"):
        with record.open(newline="", encoding="utf-8") as lines:
            for name, wanted, _ in csv.reader(lines):
                if wanted.startswith("sha256=") and _hash(site / name) != wanted[7:].rstrip("="):
                    yield site / name


def _hash(path: Path) -> str:
    try:
        digest = hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return ""
    return urlsafe_b64encode(digest).decode().rstrip("=")


if __name__ == "__main__":
    found = list(damaged(Path(sys.argv[1])))
    sys.stdout.writelines(f"{path}\n" for path in found)
    sys.exit(bool(found))
