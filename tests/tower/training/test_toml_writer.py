"""What the writer writes, the standard library reads."""

import tomllib

import pytest

from tower_sync_server.training.toml_writer import to_toml


@pytest.mark.parametrize(
    "table",
    [
        {"a": 1, "b": 0.5, "c": 'x "y" ü\n', "d": True, "e": []},
        {"list": [1, 2, 3], "nested": [["a", 0.5, [1.0, 2.0]]]},
        {"t": {"u": {"v": 1}}, "plain-fp32": {"map50": 0.7}},
        {"files": [{"path": "a"}, {"path": "b", "size": 3}]},
        {"golden": [{"image": "x", "expected": [["dent", 0.5, [1.0, 2.0, 3.0, 4.0]]]}]},
        {"with space": {"a.b": 1}},
    ],
)
def test_a_table_comes_back_as_it_was(table: dict[str, object]) -> None:
    assert tomllib.loads(to_toml(table)) == table


def test_nothing_is_written_for_none() -> None:
    assert tomllib.loads(to_toml({"a": None, "b": 1})) == {"b": 1}


def test_an_unknown_kind_of_value_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        to_toml({"a": object()})
