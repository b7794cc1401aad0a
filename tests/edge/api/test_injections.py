"""What is typed into a form changes nothing that is decided, and comes out as text everywhere.

The whole device over HTTP: real pipeline, real store, real pages; a fake worker that always sees
the same two things.
"""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from edge.errors import BadFormError
from edge.steps.form import validate_form
from models.profile import FieldKind
from tests.edge.steps.injections import INJECTIONS
from tests.fakes.device import shipped_profiles

PROFILE = shipped_profiles()["vehicle-damage"]
HARMLESS = "Door, left side"
JUDGED = (
    "status",
    "predictions",
    "decision",
    "estimate",
    "summary",
    "profile",
    "models",
    "primary",
)


class Page(HTMLParser):
    """The tags of a page with the names of their attributes, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data):
        self.text.append(data)


def filled(text: str) -> dict[str, object]:
    """The string in every text field of the form that takes it."""
    form = {}
    for field in PROFILE.form:
        if field.kind is FieldKind.TEXT:
            try:
                form |= validate_form({field.name: text}, PROFILE)
            except BadFormError:
                continue
    return dict.fromkeys(form, text)


def sendable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


@pytest.fixture
def judged(client, upload, keep):
    async def judge(form):
        case = await keep(form=json.dumps(form))
        return case, {name: case[name] for name in JUDGED}

    return judge


async def test_no_string_changes_label_severity_price_status_or_text(judged, device):
    device.vision.grade = "severe"
    _, plain = await judged({"notes": HARMLESS})
    for text in INJECTIONS:
        form = filled(text)
        if not form:
            continue
        case, told = await judged(form)
        assert told == plain, text
        assert set(case["form"]) == set(form), text


async def test_a_field_that_takes_no_text_refuses_every_string(client, upload):
    for text in filter(sendable, INJECTIONS[::5]):
        for name in ("year", "mileage"):
            body = upload(form=json.dumps({name: text}))
            answer = await client.post("/cases", data=body)
            if answer.status == 201:  # digits alone, or nothing that can be seen
                form = (await answer.json())["form"]
                assert type(form.get(name, 0)) is int
                continue
            said = await answer.json()
            assert (answer.status, said["error"]["code"]) == (422, "bad_form"), text
            assert said["error"]["hint"]


async def test_a_string_as_the_name_of_a_field_is_refused(client, upload):
    for text in filter(sendable, INJECTIONS[::5]):
        answer = await client.post("/cases", data=upload(form=json.dumps({text: "x"})))
        assert answer.status == 422, text
        assert (await answer.json())["error"]["code"] == "bad_form"


async def test_half_a_character_is_refused_wherever_it_stands(client, upload):
    for text in INJECTIONS:
        if not sendable(text):
            body = upload(form=json.dumps({"notes": text}))
            assert (await client.post("/cases", data=body)).status == 400
            assert (await client.post("/llm", json={"subject": text})).status == 400


async def test_every_string_comes_out_of_the_page_as_text_and_never_as_mark_up(client, judged):
    fields = dict.fromkeys((f.name for f in PROFILE.form if f.kind is FieldKind.TEXT), HARMLESS)
    plain = {}
    for text in filter(sendable, INJECTIONS):
        form = filled(text)
        if not form:
            continue
        key = tuple(form)
        if key not in plain:
            case, _ = await judged({name: fields[name][:16] for name in form})
            plain[key] = Page(await (await client.get(f"/history/{case['id']}")).text())
        case, _ = await judged(form)
        source = await (await client.get(f"/history/{case['id']}")).text()
        assert Page(source).tags == plain[key].tags, text
        if "<" in text:
            assert case["form"]["notes"] not in source, text
        assert case["form"]["notes"] in "".join(Page(source).text), text


async def test_facts_of_anyone_come_out_of_llm_in_plain_words_or_are_refused(client):
    for text in filter(sendable, INJECTIONS):
        facts = {
            "subject": text,
            "outcome": "needs_review",
            "findings": [{"label": text, "count": 1, "confidence": 0.9, "grade": text}],
        }
        answer = await client.post("/llm", json=facts)
        said = await answer.json()
        if answer.status == 200:
            assert not set(said["text"]) & set("<>{}[]|\\`\x00\x1b\u202e\u200b"), text
        else:
            assert answer.status == 422, text


async def test_sentences_of_anyone_with_mark_up_are_refused_by_llm(client):
    refused = 0
    for text in filter(sendable, INJECTIONS):
        facts = {"subject": "vehicle", "outcome": "needs_review", "reasons": [text]}
        answer = await client.post("/llm", json=facts)
        if set(text) & set("<>{}[]|\\`\x00\x1b\u202e\u200b"):
            refused += 1
            assert answer.status == 422, text
    assert refused > 100


async def test_control_what_is_seen_does_change_all_of_it(judged, device):
    _, plain = await judged({"notes": HARMLESS})
    device.vision.shares = [("rust", 0.44, (0.1, 0.1, 0.2, 0.2))]
    _, other = await judged({"notes": HARMLESS})
    changed = {name for name in JUDGED if plain[name] != other[name]}
    assert changed == {"status", "predictions", "decision", "estimate", "summary"}


def test_control_a_page_that_does_not_escape_would_be_noticed():
    page = "<dd>{}</dd>"
    assert Page(page.format("<script>alert(1)</script>")).tags != Page(page.format("x")).tags
