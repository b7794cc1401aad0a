"""Which installed models came as signed releases: DATA_DIR/models/signed.json.

It says what happened, for people; it protects nothing, since whoever can write it can write the
models too.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from models.release import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

FILE = "signed.json"


def read_vouched(models: Path) -> dict[str, str]:
    """id@version → SHA-256 of its manifest, which stands for every file of it."""
    try:
        said = json.loads((models / FILE).read_text(encoding="utf-8"))
        return {str(ref): str(sha256) for ref, sha256 in said.items()}
    except (OSError, ValueError, AttributeError):  # then nothing is vouched for
        return {}


def fingerprint(folder: Path) -> str:
    """SHA-256 of the manifest in this folder; "" where there is none any more."""
    try:
        return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    except OSError:
        return ""
