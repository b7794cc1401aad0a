"""How much memory a process holds."""

from __future__ import annotations

import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_mb(pid: int | str = "self") -> float:
    """Resident memory of a process now, megabytes; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return 0.0
    return int(fields[1]) * _PAGE / 1e6 if len(fields) > 1 else 0.0
