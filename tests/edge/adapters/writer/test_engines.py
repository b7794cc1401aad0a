"""Both bindings of the engine do the same under the same tests, on a real GGUF of random weights.

Every binding that is installed is tested; EDGECASE_TEST_ENGINES names those that have to be.
"""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

import psutil
import pytest

from edge.adapters.writer.engine import MODULES, Engine, EngineError, load
from edge.writing.answer import UnfaithfulError, read_answer
from models.case import Outcome
from models.facts import Facts, Finding
from models.writing import options
from models.writing.grammar import gbnf, grammar_of
from models.writing.prompt import Message, messages
from tests.edge.steps.injections import INJECTIONS
from tests.fakes.tiny_gguf import write_tiny_gguf
from tests.models.writing.cases import EXAMPLES, REVIEW

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.llm

INSTALLED = [engine for engine, module in MODULES.items() if find_spec(module)]
LETTERS = "root ::= [a-z]{24}"
CHAT: tuple[Message, ...] = ({"role": "user", "content": "Write."},)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module", params=INSTALLED)
def engine(request: pytest.FixtureRequest, weights: Path):  # type: ignore[no-untyped-def]
    loaded = load(request.param, weights, 1)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def engines(weights: Path):  # type: ignore[no-untyped-def]
    loaded = {name: load(name, weights, 1) for name in INSTALLED}
    yield loaded
    for each in loaded.values():
        each.close()


def written(engine: Engine, facts: Facts) -> str:
    grammar = grammar_of(facts)
    return engine.generate(messages(facts), grammar, options.longest(facts) + 8)


def test_the_engines_that_have_to_be_installed_are() -> None:
    named = os.environ.get("EDGECASE_TEST_ENGINES", "").split()
    assert set(named) <= set(INSTALLED)
    assert INSTALLED


def test_the_model_takes_half_a_megabyte(weights: Path) -> None:
    assert weights.stat().st_size < 500_000


@pytest.mark.parametrize("name", EXAMPLES)
def test_random_weights_write_a_faithful_text_under_the_grammar(engine: Engine, name: str) -> None:
    facts = EXAMPLES[name]
    assert read_answer(written(engine, facts), facts)


def test_control_without_the_case_s_grammar_the_same_weights_write_nonsense(
    engine: Engine,
) -> None:
    with pytest.raises(UnfaithfulError):
        read_answer(engine.generate(messages(REVIEW), LETTERS, 100), REVIEW)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_engine_writes_the_same(engines: dict[str, Engine], name: str) -> None:
    facts = EXAMPLES[name]
    assert len({written(each, facts) for each in engines.values()}) == 1


def test_every_engine_writes_the_same_letters(engines: dict[str, Engine]) -> None:
    for i in range(10):
        chat: tuple[Message, ...] = ({"role": "user", "content": f"Write {i}."},)
        assert len({each.generate(chat, LETTERS, 100) for each in engines.values()}) == 1


def test_the_same_question_gets_the_same_answer_and_another_another(engine: Engine) -> None:
    said = [engine.generate(({"role": "user", "content": c},), LETTERS, 100) for c in "aabcdef"]
    assert said[0] == said[1]
    assert len(set(said)) > 3


def test_the_grammar_is_obeyed_to_the_letter_whatever_it_holds(engine: Engine) -> None:
    for text in INJECTIONS:
        if "\ud800" in text or "\udfff" in text:
            continue  # half a character: no UTF-8 has it, and `Facts` refuses it
        grammar = gbnf({"shows": (((text,),),)})
        assert json.loads(engine.generate(CHAT, grammar, 2000)) == {"shows": text}


def test_facts_full_of_injections_are_written_faithfully_or_not_used(engine: Engine) -> None:
    used = 0
    for text in INJECTIONS[::15]:
        if not 0 < len(text) <= 80:
            continue
        facts = Facts(text, Outcome.ACCEPTED, (Finding(text, 2, 0.9, text),))
        try:
            read_answer(written(engine, facts), facts)
            used += 1
        except UnfaithfulError:
            continue
    assert used > 10


def test_an_answer_that_is_cut_off_is_not_used(engine: Engine) -> None:
    cut = engine.generate(messages(REVIEW), grammar_of(REVIEW), 40)
    with pytest.raises(UnfaithfulError):
        read_answer(cut, REVIEW)


def test_a_grammar_that_can_t_be_read_is_an_error(engine: Engine) -> None:
    with pytest.raises(EngineError):
        engine.generate(CHAT, "root ::= (", 10)
    assert len(engine.generate(CHAT, LETTERS, 100)) == 24


def test_a_prompt_beyond_the_context_is_an_error(engine: Engine) -> None:
    with pytest.raises(EngineError):
        engine.generate(({"role": "user", "content": "x" * 9000},), LETTERS, 10)
    assert len(engine.generate(CHAT, LETTERS, 100)) == 24


@pytest.mark.parametrize("name", INSTALLED)
def test_the_chat_template_is_the_model_s_own(name: str, tmp_path: Path) -> None:
    deaf = write_tiny_gguf(tmp_path / "deaf.gguf", template="<s>always the same: ")
    loaded = load(name, deaf, 1)
    said = {loaded.generate(({"role": "user", "content": c},), LETTERS, 100) for c in "abcdef"}
    loaded.close()
    assert len(said) == 1


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model at all" * 100])
def test_a_file_that_is_no_model_is_an_error(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    with pytest.raises(EngineError):
        load(name, path, 1)


@pytest.mark.parametrize("name", INSTALLED)
def test_nothing_listens_on_the_network_and_no_socket_file_stays(
    name: str, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("a-folder-with-a-long-name-" * 5)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    before = len(psutil.Process().net_connections("inet"))
    loaded = load(name, weights, 1)
    assert len(psutil.Process().net_connections("inet")) == before
    assert list(deep.iterdir()) == []
    loaded.close()
