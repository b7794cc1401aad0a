"""A language model is tried before it may write."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge.adapters.writer.trial import GOLDEN, try_writer
from edge.config import WriterSettings
from models.release import read_manifest
from models.runner import RefusedModelError

ZOO = Path(__file__).parents[4] / "models" / "zoo" / "summary-writer"
SHIPPED = next(ZOO.iterdir())
QUICK = WriterSettings(deadline_s=2)

pytestmark = pytest.mark.llm


def hostile(tmp_path: Path, what: str) -> tuple[str, ...]:
    (tmp_path / "plan").write_text(what, encoding="utf-8")
    return (sys.executable, "-P", "-m", "tests.fakes.hostile_writer", str(tmp_path / "plan"))


def test_the_one_that_ships_may_write() -> None:
    try_writer(WriterSettings(), SHIPPED, read_manifest(SHIPPED))


@pytest.mark.parametrize("what", ["hang-at-load", "abort-at-task", "exit-at-load"])
def test_one_that_does_not_answer_must_not_write_and_it_is_said_why(
    tmp_path: Path, what: str
) -> None:
    with pytest.raises(RefusedModelError, match=f"0 of {len(GOLDEN)} texts could be used: .+"):
        try_writer(QUICK, SHIPPED, read_manifest(SHIPPED), hostile(tmp_path, what))


def test_one_that_says_what_is_not_so_must_not_write(tmp_path: Path) -> None:
    command = hostile(tmp_path, 'say {"shows":"Everything is fine."}')
    with pytest.raises(RefusedModelError, match="not faithful"):
        try_writer(QUICK, SHIPPED, read_manifest(SHIPPED), command)


def test_where_no_engine_is_wanted_nothing_is_tried(tmp_path: Path) -> None:
    settings = QUICK.model_copy(update={"engine": "template"})
    release = replace(read_manifest(SHIPPED), id="never-opened")
    try_writer(settings, tmp_path, release, hostile(tmp_path, "abort-at-load"))
    assert not (tmp_path / "plan.starts").exists()
