"""The last word on each version."""

from __future__ import annotations

from edge.updates.outcomes import FILE, SPENT, Outcomes
from models.rollout import MAX_OUTCOMES, Outcome, Result


def test_the_last_word_stands_and_comes_first(tmp_path):
    kept = Outcomes(tmp_path / "models")
    kept.note("m", "1.0.0", Result.TRYING)
    kept.note("m", "1.1.0", Result.TRYING)
    kept.note("m", "1.0.0", Result.WORSE, "slow")
    again = Outcomes(tmp_path / "models").all()
    assert again == (
        Outcome("m", "1.0.0", Result.WORSE, "slow"),
        Outcome("m", "1.1.0", Result.TRYING),
    )


def test_what_failed_must_not_come_back_until_it_is_forgiven(tmp_path):
    kept = Outcomes(tmp_path)
    kept.note("m", "1.0.0", Result.ROLLED_BACK, "it crashed")
    kept.note("m", "1.1.0", Result.PROVED)
    assert kept.failed() == {"m@1.0.0": "it crashed"}
    kept.forgive("m", "1.0.0")
    assert kept.failed() == {}


def test_a_file_that_is_no_such_file_holds_nothing(tmp_path):
    (tmp_path / FILE).write_bytes(bytes(50))
    assert Outcomes(tmp_path).all() == ()


def test_it_does_not_grow_without_end(tmp_path):
    kept = Outcomes(tmp_path)
    for n in range(MAX_OUTCOMES + 5):
        kept.note("m", f"1.{n}.0", Result.PROVED)
    assert len(kept.all()) == MAX_OUTCOMES


def test_the_time_at_a_station_is_of_that_version_at_that_station(tmp_path):
    kept = Outcomes(tmp_path)
    assert kept.spent("m", "1.0.0", Result.TRYING) == 0.0
    kept.spend("m", "1.0.0", Result.TRYING, 90.4)
    assert Outcomes(tmp_path).spent("m", "1.0.0", Result.TRYING) == 90.0
    assert kept.spent("m", "1.0.0", Result.ACTIVATED) == 0.0
    assert kept.spent("m", "1.1.0", Result.TRYING) == 0.0
    (tmp_path / SPENT).write_bytes(bytes(30))
    assert kept.spent("m", "1.0.0", Result.TRYING) == 0.0
