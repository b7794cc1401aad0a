"""Each child that the daemon starts is in its group; here that is a mark in its environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.adapters.trial import trial_with
from edge.adapters.writer.llm import LlmWriter
from edge.adapters.writer.trial import GOLDEN
from edge.config import Settings, VisionSettings, WriterSettings
from edge.daemon import load_profiles, make_vision, make_writer
from edge.errors import VisionFailedError
from edge.library.library import ModelLibrary, shipped_models
from models.case import Author
from models.release import Task
from models.runner import RefusedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Marked:
    """Implements `edge.ports.ChildGroups`: a child knows its group."""

    def inside(self, group: str, command: Sequence[str]) -> tuple[str, ...]:
        return ("/usr/bin/env", f"GROUP={group}", *command)


class Closed:
    """Implements `edge.ports.ChildGroups`: no child starts in this group, in others each does."""

    def __init__(self, group: str) -> None:
        self._group = group

    def inside(self, group: str, command: Sequence[str]) -> tuple[str, ...]:
        return ("/bin/false",) if group == self._group else tuple(command)


def marks(pid: int | None) -> list[bytes]:
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return [each for each in variables if each.startswith(b"GROUP=")]


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    return ModelLibrary(shipped_models(), tmp_path / "models")


@pytest.mark.slow
async def test_a_vision_worker_starts_in_its_group(library: ModelLibrary, tmp_path: Path) -> None:
    settings = Settings(store={"data_dir": tmp_path})
    profiles = load_profiles(settings)
    vision = make_vision(settings, profiles, library, None, groups=Marked())
    await vision.start()
    try:
        assert marks((await vision.ready()).pid) == [b"GROUP=vision"]
    finally:
        await vision.close()


@pytest.mark.llm
@pytest.mark.slow
async def test_the_writer_starts_in_its_group(library: ModelLibrary) -> None:
    writer = make_writer(WriterSettings(), library, Marked())
    assert isinstance(writer, LlmWriter)
    try:
        assert (await writer.write(GOLDEN[0])).author is Author.LLM
        assert marks(writer.pid) == [b"GROUP=writer"]
    finally:
        await writer.close()


def test_a_model_that_looks_is_tried_in_the_group_of_those(library: ModelLibrary) -> None:
    trial = trial_with(VisionSettings(), WriterSettings(), groups=Closed("vision"))
    found = next(each for each in library.list() if each.release.task is Task.DETECT)
    with pytest.raises(VisionFailedError):
        trial(found.folder, found.release)


@pytest.mark.llm
def test_a_model_that_writes_is_tried_in_the_group_of_those(library: ModelLibrary) -> None:
    trial = trial_with(VisionSettings(), WriterSettings(), groups=Closed("writer"))
    found = next(each for each in library.list() if each.release.task is Task.WRITE)
    with pytest.raises(RefusedModelError, match="0 of"):
        trial(found.folder, found.release)
