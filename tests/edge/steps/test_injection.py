"""What somebody types into a form changes no label, severity, price, status or text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.errors import BadFormError
from edge.steps.decide import decide
from edge.steps.estimate import estimate
from edge.steps.form import validate_form
from edge.steps.primary import pick_primary
from edge.steps.summarise import facts_of, template_text
from models.facts import Facts, Finding, is_plain
from models.jsonable import from_json, to_json
from models.profile import FieldKind, Profile
from tests.edge.steps.examples import GOOD, PROFILES, SIZE, graded, seen
from tests.edge.steps.injections import INJECTIONS

if TYPE_CHECKING:
    from models.case import FormValue

FOUND = (seen("dent"), graded("severe", 0), seen("scratch", 0.44, (0, 0, 50, 50)))


def judged(profile: Profile, form: dict[str, FormValue]) -> tuple[object, ...]:
    """Everything the pipeline makes of one photo and this form, but the pick of the subject."""
    decision = decide(GOOD, FOUND, False, (), profile)
    priced = estimate(FOUND, SIZE, profile)
    facts = facts_of(FOUND, decision, profile, SIZE, priced)
    pick_primary(FOUND, SIZE, profile, form)
    return decision, priced, facts, template_text(facts)


def filled(profile: Profile, text: str) -> dict[str, FormValue]:
    """The form with `text` in every field that will take it."""
    form: dict[str, FormValue] = {}
    for field in profile.form:
        try:
            form |= validate_form({field.name: text}, profile, complete=False)
        except BadFormError:
            continue
    return form


def test_there_are_at_least_two_hundred_of_them() -> None:
    assert len(INJECTIONS) >= 200


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_no_string_in_any_field_changes_what_is_decided_priced_or_said(profile: Profile) -> None:
    plain = judged(profile, {})
    for text in INJECTIONS:
        assert judged(profile, filled(profile, text)) == plain, text


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_no_string_comes_out_raw_in_a_text(profile: Profile) -> None:
    text = judged(profile, {})[-1]
    assert isinstance(text, str)
    assert is_plain(text)
    assert not [s for s in INJECTIONS if len(s) > 20 and s in text]


def test_every_string_is_kept_as_data_or_refused_and_never_reaches_another_field() -> None:
    taken = 0
    for text in INJECTIONS:
        for field in PROFILES["vehicle-damage"].form:
            if field.kind is not FieldKind.TEXT:
                continue
            try:
                form = validate_form({field.name: text}, PROFILES["vehicle-damage"])
            except BadFormError:
                continue
            assert set(form) <= {field.name}
            taken += 1
    assert taken > 4 * 200


def test_a_model_s_label_full_of_mark_up_is_said_in_plain_words() -> None:
    for text in INJECTIONS:
        profile = replace(PROFILES["vehicle-damage"], prices=None)
        found = (seen(text), graded(text, 0))
        decision = decide(GOOD, found, True, (), profile)
        said = template_text(facts_of(found, decision, profile, SIZE))
        assert is_plain(said), text


def test_facts_sent_by_anyone_are_said_in_plain_words_or_refused() -> None:
    said = 0
    for text in INJECTIONS:
        if len(text) > 80:
            continue
        finding = to_json(Finding("dent", 1, 0.9)) | {"label": text, "grade": text}
        facts = from_json(Facts, {"subject": text, "outcome": "accepted", "findings": [finding]})
        assert is_plain(template_text(facts)), text
        said += 1
    assert said >= 200


def test_control_a_label_that_changes_does_change_all_of_it() -> None:
    profile = PROFILES["vehicle-damage"]
    other = (seen("rust"), *FOUND[1:])
    decision = decide(GOOD, other, False, (), profile)
    facts = facts_of(other, decision, profile, SIZE, estimate(other, SIZE, profile))
    assert template_text(facts) != judged(profile, {})[-1]
