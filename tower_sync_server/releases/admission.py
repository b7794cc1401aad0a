"""Whether a model folder may be offered: everything is looked at before anybody signs.

The folder is copied first and the copy is judged, so that what was judged is what is signed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.admission.files import check_files, check_graph
from models.admission.limits import AdmissionLimits
from models.jsonable import InvalidWordError
from models.release import MANIFEST, ModelRelease, Task, read_manifest
from models.runner import RefusedModelError
from tower_sync_server.archive.files import sync_folder, translated
from tower_sync_server.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

TRIAL_S = 300.0
"""Longest that a model may take for its golden images."""
NEEDED = ("numpy", "cv2")
"""What the trial needs besides a runtime; a tower alone comes without."""
RUNTIMES = {"onnx": ("onnxruntime",), "tflite": ("ai_edge_litert", "tflite_runtime")}


class RefusedFolderError(BadRequestError):
    """This folder must not be offered; the message says what is wrong with it."""

    code = "refused_model"


@dataclass(frozen=True, slots=True)
class Judged:
    """A folder that passed."""

    folder: Path
    """A copy, on the file system of the repository."""
    release: ModelRelease
    """Its manifest."""
    tried: bool
    """Whether its golden images were run here; each device runs them again."""


@contextmanager
def judged(source: Path, staging: Path) -> Iterator[Judged]:
    """Copy a model folder and judge the copy, which is gone when the block is left.

    Args:
        source: the folder of `model.toml`.
        staging: where copies are made.

    Raises:
        RefusedFolderError: it must not be offered.
    """
    with translated():
        staging.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".staging-", dir=staging))
    try:
        yield _judge(source, folder)
    except InvalidWordError as e:
        hint = "Correct model.toml, or copy the folder again."
        raise RefusedFolderError(f"{source} can't be offered: {e}", hint) from e
    except RefusedModelError as e:
        raise RefusedFolderError(f"{source} can't be offered: {e}", e.hint) from e
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def can_try(release: ModelRelease) -> bool:
    """Whether this machine has what it takes to run a model's golden images."""
    if release.task is Task.WRITE:
        return False
    runtimes = RUNTIMES.get(release.format.value, ())
    there = [name for name in (*NEEDED, *runtimes) if importlib.util.find_spec(name)]
    return set(NEEDED) <= set(there) and len(there) > len(NEEDED)


def _judge(source: Path, folder: Path) -> Judged:
    if not source.is_dir():
        hint = f"Give the folder that holds {MANIFEST}."
        raise RefusedFolderError(f"{source} is no model folder.", hint)
    release = read_manifest(source)
    check_files(source, release, AdmissionLimits())
    _copy(source, folder, release)
    if read_manifest(folder) != release:
        raise RefusedFolderError(f"{source} was changed while it was read.", "Try again.")
    check_files(folder, release, AdmissionLimits())
    check_graph(folder, release, AdmissionLimits())
    tried = can_try(release)
    if tried:
        _try(folder)
    return Judged(folder, release, tried)


def _copy(source: Path, folder: Path, release: ModelRelease) -> None:
    for name in (MANIFEST, *(file.path for file in release.files)):
        with translated():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with (source / name).open("rb") as reading, target.open("xb") as writing:
                shutil.copyfileobj(reading, writing, 1 << 20)
                writing.flush()
                os.fsync(writing.fileno())
            sync_folder(target.parent)


def _try(folder: Path) -> None:
    """In a process of its own: a model that never ends or eats the memory is stopped."""
    command = [sys.executable, "-m", "tower_sync_server.releases.trial", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, capture_output=True, timeout=TRIAL_S, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as e:
        reason = f"its golden images took longer than {TRIAL_S:.0f} s"
        raise RefusedModelError(reason, "Export it again, or take a smaller one.") from e
    if done.returncode == 0:
        return
    try:
        said = json.loads(done.stdout)
    except ValueError:
        reason = f"it brought down the process that tried it (exit {done.returncode})"
        raise RefusedModelError(reason, done.stderr.decode(errors="replace")[-400:]) from None
    raise RefusedModelError(said["reason"], said["hint"])
