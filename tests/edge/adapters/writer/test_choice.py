"""Which engine writes, and that the status says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.adapters.writer import engine
from edge.adapters.writer.engine import EngineError, choose, load
from edge.adapters.writer.llm import LlmWriter, WriterLimits, open_writer
from edge.adapters.writer.template import TemplateWriter
from models.case import Author
from tests.models.writing.cases import REVIEW

BOTH = ("xllamacpp", "llama_cpp")


@pytest.mark.parametrize(
    ("wanted", "installed", "engine_", "why"),
    [
        ("auto", BOTH, "xllamacpp", "first of"),
        ("auto", ("llama_cpp",), "llama-cpp-python", "first of"),
        ("auto", (), "template", "none of xllamacpp, llama-cpp-python is installed"),
        ("xllamacpp", BOTH, "xllamacpp", "setting"),
        ("llama-cpp-python", BOTH, "llama-cpp-python", "setting"),
        ("llama-cpp-python", ("xllamacpp",), "template", "isn't installed"),
        ("xllamacpp", (), "template", "isn't installed"),
        ("template", BOTH, "template", "setting"),
    ],
)
def test_the_setting_and_what_is_installed_choose(
    wanted: str, installed: tuple[str, ...], engine_: str, why: str
) -> None:
    choice = choose(wanted, lambda module: module in installed)
    assert choice.engine == engine_
    assert why in choice.reason


async def test_without_an_engine_the_template_writes_and_the_status_says_why() -> None:
    writer = open_writer("template", lambda: None, WriterLimits())
    assert isinstance(writer, TemplateWriter)
    summary = await writer.write(REVIEW)
    assert (summary.author, summary.verified) == (Author.TEMPLATE, True)
    assert writer.status().engine == "template"
    assert "writer.engine" in writer.status().reason
    await writer.close()


async def test_an_engine_without_a_model_is_reported_as_the_template(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda module: object())
    writer = open_writer("auto", lambda: None, WriterLimits())
    assert isinstance(writer, LlmWriter)
    assert writer.status().engine == "template"
    assert writer.status().reason == "no language model is installed"


def test_a_binding_that_can_t_be_imported_is_an_engine_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(engine.ADAPTERS, "xllamacpp", "edge.adapters.no_such_module")
    with pytest.raises(EngineError, match="can't be imported"):
        load("xllamacpp", Path("x.gguf"), 1)
