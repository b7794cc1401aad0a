"""A model on its way onto the device: copied beside, synced, checked again, then named.

The order is stage → fsync → rehash → rename → fsync, so that a folder under its own name is whole.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.store.files import sync_folder
from models.admission.files import check_files, check_graph
from models.describe import describe
from models.jsonable import InvalidWordError
from models.manifest_writer import write_manifest
from models.release import MANIFEST, ModelRelease, read_manifest
from models.runner import RefusedModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.admission.limits import AdmissionLimits
    from models.answers import Answers

_COPY_AGAIN = "Copy the model again."


@contextmanager
def staged(
    models: Path, source: Path, answers: Answers | None, limits: AdmissionLimits
) -> Iterator[tuple[Path, ModelRelease]]:
    """Copy a model into a folder that doesn't count yet; gone again when the block is left.

    Args:
        models: DATA_DIR/models.
        source: a folder with a manifest, or a bare file.
        answers: for a bare file.
        limits: what is taken.

    Yields:
        The staging folder, on the disk and checked, and its manifest.

    Raises:
        RefusedModelError: it can't serve.
        NeedsAnswersError: a bare file doesn't tell everything.
    """
    clear(models)
    try:
        release = _release(source, answers)
        home = source if source.is_dir() else source.parent
        _check_sizes(release, limits)
        folder = models / f".staging-{secrets.token_hex(8)}"
        folder.mkdir()
        try:
            _copy(home, folder, release)
            check_files(folder, release, limits)
            check_graph(folder, release, limits)
            yield folder, release
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except InvalidWordError as e:
        raise RefusedModelError(str(e), _COPY_AGAIN) from e


def place(folder: Path, target: Path, release: ModelRelease) -> None:
    """Give a staged model its name.

    Raises:
        RefusedModelError: this version is there already, with other content.
    """
    if target.is_dir():
        there = _manifest_or_none(target)
        if there is not None and _content(there) == _content(release):
            return
        if there is not None:
            raise RefusedModelError(
                f"{release.ref} is installed already, with other content",
                "Give it another version.",
            )
        target.rename(target.with_name(f".broken-{secrets.token_hex(4)}"))
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    sync_folder(target.parent)
    sync_folder(target.parent.parent)


def clear(models: Path) -> None:
    """Remove what earlier attempts left behind when they were cut off."""
    for folder in (*models.glob(".staging-*"), *models.glob("*/.broken-*")):
        shutil.rmtree(folder, ignore_errors=True)


def _release(source: Path, answers: Answers | None) -> ModelRelease:
    if source.is_dir():
        return read_manifest(source)
    if not source.is_file():
        raise RefusedModelError(
            f"there is no {source}", "Give a file, or a folder with model.toml."
        )
    if source.name == MANIFEST:
        raise RefusedModelError("model.toml alone is no model", "Give its folder.")
    return describe(source, answers)


def _check_sizes(release: ModelRelease, limits: AdmissionLimits) -> None:
    """Before anything is copied."""
    # The same sum is checked again on the copy, with the real sizes.
    total = sum(file.size for file in release.files)
    if total > max(limits.max_bytes, limits.max_writer_bytes):
        raise RefusedModelError(
            f"{release.ref} has {total / 1e6:.0f} megabytes", "Take a smaller one."
        )


def _copy(home: Path, folder: Path, release: ModelRelease) -> None:
    for file in release.files:
        source, target = home / file.path, folder / file.path
        if not source.is_file():
            raise RefusedModelError(f"{file.path} is missing", _COPY_AGAIN)
        if source.stat().st_size != file.size:
            raise RefusedModelError(f"{file.path} is not {file.size} bytes long", _COPY_AGAIN)
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as reading, target.open("xb") as writing:
            shutil.copyfileobj(reading, writing, 1 << 20)
            writing.flush()
            os.fsync(writing.fileno())
    write_manifest(folder, release)
    for each in {target.parent for target in folder.rglob("*")} | {folder}:
        sync_folder(each)


def _content(release: ModelRelease) -> object:
    return release.task, release.labels, release.files, release.output, release.preprocess


def _manifest_or_none(folder: Path) -> ModelRelease | None:
    try:
        return read_manifest(folder)
    except InvalidWordError:
        return None
