"""The doctor's look at the last upgrade: install.sh, or the machine's start, may have gone back."""

from __future__ import annotations

from pathlib import Path

from edge.doctor.findings import Finding, fine, warn

WENT_BACK = Path("/opt/edgecase/went-back")
"""When and why, in a line; there from then on until an installation or upgrade goes to its end."""


def upgrade(note: Path = WENT_BACK) -> Finding:
    """Does what was wanted last serve?"""
    try:
        when, _, why = note.read_text(encoding="utf-8").strip().partition(" ")
    except FileNotFoundError:
        return fine("upgrade", "none that went back")
    except OSError as e:
        return warn("upgrade", f"{note} can't be read: {e.strerror}", f"sudo cat {note}")
    mend = "journalctl -u edgecase, /var/log/edgecase-install.log; then sudo ./install.sh --upgrade"
    return warn("upgrade", f"the last one went back to the version before ({when}): {why}", mend)
