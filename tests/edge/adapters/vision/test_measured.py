from pathlib import Path

import pytest

from edge.adapters.vision.measured import MeasuredModels
from edge.library.measure import Measurement

ONE = Measurement(1, 2.0, 3.0, "x")


def test_what_was_measured_is_there_after_a_restart(tmp_path: Path):
    MeasuredModels(tmp_path / "m.json").learn({"a": ONE})
    again = MeasuredModels(tmp_path / "m.json")
    again.learn({"b": ONE})
    assert MeasuredModels(tmp_path / "m.json").known == {"a": ONE, "b": ONE}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1}', '{"a": {"threads": 0}}', "\x00"])
def test_a_damaged_file_counts_as_none(tmp_path: Path, content: str):
    (tmp_path / "m.json").write_text(content)
    assert MeasuredModels(tmp_path / "m.json").known == {}


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path):
    measured = MeasuredModels(tmp_path / "no data" / "models" / "m.json")
    measured.learn({"a": ONE})
    assert measured.known == {"a": ONE}


def test_a_file_in_the_place_of_its_folder_stops_nothing(tmp_path: Path):
    (tmp_path / "data").touch()
    measured = MeasuredModels(tmp_path / "data" / "models" / "m.json")
    measured.learn({"a": ONE})
    assert measured.known == {"a": ONE}


def test_who_only_looks_reads_it_and_writes_nothing(tmp_path: Path):
    MeasuredModels(tmp_path / "m.json").learn({"a": ONE})
    looking = MeasuredModels(tmp_path / "m.json", keep=False)
    looking.learn({"b": ONE})
    assert looking.known == {"a": ONE, "b": ONE}
    assert MeasuredModels(tmp_path / "m.json").known == {"a": ONE}


def test_news_alone_are_written(tmp_path: Path):
    measured = MeasuredModels(tmp_path / "m.json")
    measured.learn({"a": ONE})
    (tmp_path / "m.json").unlink()
    measured.learn({"a": ONE})
    assert not (tmp_path / "m.json").exists()


def test_the_folder_is_made_where_nothing_was_installed_yet(tmp_path: Path):
    path = tmp_path / "models" / "m.json"
    MeasuredModels(path).learn({"a": ONE})
    assert MeasuredModels(path).known == {"a": ONE}
