"""What the model learns from is what the device's grammar allows, and faithful."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING

from models.writing import options
from models.writing.answer import read_answer
from models.writing.words import plain_word
from tower_sync_server.training.writer.facts import is_held_out, random_facts
from tower_sync_server.training.writer.skeleton import sentences, skeleton
from tower_sync_server.training.writer.text import answer_of, prompt_of

if TYPE_CHECKING:
    from models.facts import Facts


def drawn(count: int, *, held_out: bool) -> list[Facts]:
    rng = random.Random(5)
    return [random_facts(rng, held_out=held_out) for _ in range(count)]


def test_every_answer_that_is_learnt_is_one_the_device_would_publish() -> None:
    for facts in drawn(300, held_out=False) + drawn(300, held_out=True):
        text = read_answer(answer_of(facts), facts)
        assert 2 <= len(re.findall(r"[.!?](?= [A-Z0-9]|$)", text)) <= 6


def test_every_answer_is_one_of_the_choices() -> None:
    for facts in drawn(200, held_out=False):
        chosen = json.loads(answer_of(facts))
        for name, said in chosen.items():
            assert any(_is_walk(said, shape) for shape in options.slots(facts)[name]), said


def _is_walk(said: str, shape: options.Shape) -> bool:
    reached = {0}
    for part in shape:
        reached = {at + len(way) for at in reached for way in part if said.startswith(way, at)}
    return len(said) in reached


def test_no_name_is_on_both_sides() -> None:
    words: dict[bool, set[str]] = {}
    for held_out in (False, True):
        words[held_out] = {
            word
            for facts in drawn(400, held_out=held_out)
            for finding in facts.findings
            for word in re.split(r"[_ -]", finding.label)
        }
    assert not words[False] & words[True]
    assert len(words[True]) > 200
    assert all(is_held_out(word) for word in words[True])


def test_the_same_facts_are_always_written_up_the_same() -> None:
    for facts in drawn(20, held_out=False):
        assert answer_of(facts) == answer_of(facts)
        assert prompt_of(facts) == prompt_of(facts)


def test_the_manner_makes_most_texts_differ_in_more_than_their_facts() -> None:
    facts = drawn(300, held_out=False)
    shapes = [skeleton(read_answer(answer_of(one), one), one) for one in facts]
    assert len(set(shapes)) > 0.8 * len(shapes)


def test_a_skeleton_holds_no_fact() -> None:
    for facts in drawn(200, held_out=True):
        bare = skeleton(read_answer(answer_of(facts), facts), facts)
        assert not re.search(r"\d", bare)
        assert not [f.label for f in facts.findings if plain_word(f.label) in bare]
        assert sentences(bare)
