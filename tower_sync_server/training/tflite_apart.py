"""TFLite files as part of the recipe, made by whichever Python has litert-torch.

litert-torch wants other versions of its libraries than the rest, so it usually has an environment
of its own: `.venv-tflite` beside `.venv`. Where neither has it, that is said, and no TFLite
file is written.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tower_sync_server.training.loop import Report

_ROOT = Path(__file__).resolve().parents[2]
APART = _ROOT / ".venv-tflite" / "bin" / "python"
"""Where an environment of its own is looked for."""
_MODULE = "tower_sync_server.training.tflite_release"
_ASK = (
    "from tower_sync_server.training.export_tflite import available as a; raise SystemExit(not a())"
)
_LONGEST_S = 1800


def candidates() -> tuple[Path, ...]:
    """Name the Pythons that may have litert-torch, this one first."""
    return Path(sys.executable), APART


def make_tflite(
    source: Path, folder: Path, report: Report, pythons: Sequence[Path] | None = None
) -> bool:
    """Write the detector in `source` to `folder` as a TFLite release, if that can be done here.

    Args:
        source: holds model.toml and the ONNX weights.
        folder: emptied first.
        report: takes a line that says what became of it.
        pythons: to ask for litert-torch, in this order.

    Returns:
        Whether the files are there.
    """
    python = next((one for one in pythons or candidates() if _has_litert_torch(one)), None)
    if python is None:
        report(f"no TFLite files: litert-torch is neither here nor in {APART.parents[1].name}")
        return False
    ran = _run(python, "-m", _MODULE, str(folder), "--source", str(source))
    lines = (ran.stdout if ran.returncode == 0 else ran.stderr).strip().splitlines() or ["?"]
    report(f"TFLite: {lines[-1]}" if ran.returncode == 0 else f"no TFLite files: {lines[-1]}")
    return ran.returncode == 0


def _has_litert_torch(python: Path) -> bool:
    """Ask a Python whether it can make TFLite files."""
    return python.exists() and _run(python, "-c", _ASK).returncode == 0


def _run(python: Path, *what: str) -> subprocess.CompletedProcess[str]:
    """Run a Python from the root of this project, which it need not have installed."""
    return subprocess.run(  # noqa: S603 - our own modules
        [str(python), *what], cwd=_ROOT, capture_output=True, text=True, check=False,
        timeout=_LONGEST_S,
    )  # fmt: skip
