from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from edge.errors import ConflictError
from edge.feedback import MAX_SAID, heard, rejection
from models.case import Feedback, Status
from tests.fakes import drafts

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def case():
    return replace(
        drafts.draft([drafts.photo()]).numbered("0b5e0d2e-0000-4000-8000-000000000000", 1),
        status=Status.NEEDS_REVIEW,
    )


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        ("correct", Status.ACCEPTED),
        ("wrong", Status.NEEDS_REVIEW),
        ("reject", Status.REJECTED),
    ],
)
def test_a_verdict_moves_the_case(case, verdict, status):
    after = heard(case, Feedback(NOW, "ada", verdict))
    assert after.status is status
    assert after.feedback[-1].by == "ada"


def test_what_was_said_before_stays(case):
    after = heard(heard(case, rejection("glare", "", NOW)), Feedback(NOW, "", "correct"))
    assert [f.verdict for f in after.feedback] == ["reject", "correct"]
    assert after.status is Status.ACCEPTED


def test_a_deleted_case_hears_nothing(case):
    with pytest.raises(ConflictError, match="deleted"):
        heard(replace(case, status=Status.DELETED), rejection("glare", "", NOW))


def test_nobody_can_talk_a_case_to_death(case):
    for _ in range(MAX_SAID):
        case = heard(case, Feedback(NOW, "", "wrong"))
    with pytest.raises(ConflictError):
        heard(case, Feedback(NOW, "", "wrong"))
