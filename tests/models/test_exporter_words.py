"""The dialects in which exporters write names, sizes and tasks."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.formats.exporter_words import names, size, task, unpack
from models.release import Task

NAMES = [
    ({"names": "{0: 'person', 1: 'fire hydrant'}"}, ("person", "fire hydrant")),
    ({"names": """{0: "driver's door", 1: 'a "b"'}"""}, ("driver's door", 'a "b"')),
    ({"names": r"{0: 'it\'s', 1: 'b'}"}, ("it's", "b")),
    ({"names": "{1: 'second', 0: 'first'}"}, ("first", "second")),
    ({"names": '{"0": "a", "1": "b"}'}, ("a", "b")),
    ({"names": '["a", "b, c"]'}, ("a", "b, c")),
    ({"names": "['a', 'b']"}, ("a", "b")),
    ({"names": "('a', 'b')"}, ("a", "b")),
    ({"labels": "a\nb c\n\nd\n"}, ("a", "b c", "d")),
    ({"labels": "a, b ,c"}, ("a", "b", "c")),
    ({"classes": "scratch"}, ("scratch",)),
    ({"class_names": '["a"]'}, ("a",)),
    ({"names": "{0: 'a', 2: 'c'}"}, ()),
    ({"names": "{}"}, ()),
    ({"names": ""}, ()),
    ({}, ()),
]


@pytest.mark.parametrize(("metadata", "labels"), NAMES)
def test_names_are_read_from_every_dialect(
    metadata: dict[str, str], labels: tuple[str, ...]
) -> None:
    assert names(metadata) == labels


def test_the_first_key_that_names_something_counts() -> None:
    assert names({"labels": "x", "names": "['a']"}) == ("a",)
    assert names({"labels": "x", "names": ""}) == ("x",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[480, 640]", (640, 480)), ("640", (640, 640)), ("(320,)", (320, 320)), ("", None),
        ("[1, 2, 3]", None), ("[0, 640]", None), ("[99999, 1]", None), ("big", None),
    ],
)  # fmt: skip
def test_sizes_are_read_height_first(text: str, expected: tuple[int, int] | None) -> None:
    assert size({"imgsz": text}) == expected


def test_tasks_that_are_served_are_read() -> None:
    assert task({"task": "detect"}) is Task.DETECT
    assert task({"task": "classify"}) is Task.CLASSIFY
    assert task({"task": "segment"}) is None
    assert task({}) is None


def test_a_packed_dictionary_is_read_as_json_or_as_python_prints_it() -> None:
    printed = "{'names': {0: 'a', 1: 'b'}, 'imgsz': [64, 64], 'task': 'detect', 'stride': 32}"
    coded = '{"names": {"0": "a", "1": "b"}, "imgsz": [64, 64], "task": "detect"}'
    for text in (printed, coded):
        words = unpack(text)
        assert names(words) == ("a", "b")
        assert size(words) == (64, 64)
        assert task(words) is Task.DETECT
    assert unpack("[1]") == {}
    assert unpack("nothing") == {}


@given(st.text(max_size=300))
def test_any_text_gives_names_or_none(text: str) -> None:
    for found in (
        names({"names": text}),
        names({"names": "{" + text}),
        names({"names": "[" + text}),
    ):
        assert all(isinstance(name, str) for name in found)
    size({"imgsz": text})
    unpack("{" + text)


def test_a_long_hostile_text_takes_no_time() -> None:
    start = time.perf_counter()
    for text in ("{" + "0:'" * 100_000, "[" * 100_000, "['" + "\\" * 100_001, "{'" * 100_000):
        names({"names": text})
        unpack(text)
    assert time.perf_counter() - start < 5
