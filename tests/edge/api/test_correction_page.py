from __future__ import annotations

import pytest
from aiohttp import FormData

from edge.api.correction_page import corrected
from edge.errors import BadFieldError
from models.detection import Prediction, Source

HTMX = {"HX-Request": "true", "Accept": "text/html"}
BOX = (1.0, 2.0, 30.0, 40.0)
SEEN = (
    Prediction("dent", 0.9, BOX, Source.DETECTOR),
    Prediction("severe", 0.8, BOX, Source.CLASSIFIER, refines=0),
    Prediction("rust", 0.2, BOX, Source.DETECTOR, shown=False),
    Prediction("scratch", 0.7, BOX, Source.DETECTOR),
)


def said(**fields):
    return [(p.label, p.box) for p in corrected(SEEN, fields)]


def test_what_is_named_anew_stays_where_it_was_and_the_rest_as_it_is():
    assert said(**{"label.0": ["crack"]}) == [("crack", BOX), ("scratch", BOX)]


def test_a_mark_where_nothing_is_goes():
    assert said(**{"label.0": [""], "label.3": ["scratch"]}) == [("scratch", BOX)]


def test_what_was_missed_is_added():
    drawn = ["5 6 70.5 80 broken_lamp", "1 1 2 2 crack"]
    assert said(mark=drawn)[2:] == [
        ("broken_lamp", (5.0, 6.0, 70.5, 80.0)),
        ("crack", (1.0, 1.0, 2.0, 2.0)),
    ]


def test_a_person_is_certain():
    assert {p.confidence for p in corrected(SEEN, {"label.0": ["crack"]})} == {1.0}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"label.0": ["dent"]},
        {"label.1": ["minor"]},
        {"label.2": ["dent"]},
        {"label.9": ["dent"]},
        {"label.x": ["dent"]},
        {"other": ["dent"]},
        {"label.0": ["d" * 201]},
        {"mark": ["1 2 3"]},
        {"mark": ["9 9 1 1 dent"]},
        {"mark": ["1 2 3 4 "]},
        {"mark": ["1 2 3 nan dent"]},
        {"mark": ["1 1 2 2 dent"] * 301},
    ],
)
def test_what_is_no_correction_is_refused(fields):
    with pytest.raises(BadFieldError):
        corrected(SEEN, fields)


async def test_a_case_offers_its_marks_with_the_names_that_the_models_know(client, keep):
    case = await keep()
    page = await (await client.get(f"/history/{case['id']}", headers=HTMX)).text()
    assert 'name="label.0" data-place="0"' in page
    assert page.count('<option value="dent" selected>Dent</option>') == 1
    assert "Nothing is there" in page


async def test_a_correction_is_kept_with_the_case(client, keep):
    case = await keep()
    data = FormData({"label.0": "rust"}, default_to_multipart=True)
    data.add_field("mark", "1 2 30 40 crack")
    answer = await client.post(f"/page/cases/{case['id']}/corrections", data=data, headers=HTMX)
    assert answer.status == 200
    assert "Wrong: Rust, scratch, crack" in (await answer.text()).replace("</strong>", "")
    kept = await (await client.get(f"/cases/{case['id']}")).json()
    (feedback,) = kept["feedback"]
    assert [c["label"] for c in feedback["corrections"]] == ["rust", "scratch", "crack"]
    assert kept["status"] == "needs_review"
    assert kept["predictions"] == case["predictions"]


async def test_a_correction_that_changes_nothing_says_so_beside_the_page(client, keep):
    case = await keep()
    data = FormData({"label.0": "dent"}, default_to_multipart=True)
    answer = await client.post(f"/page/cases/{case['id']}/corrections", data=data, headers=HTMX)
    assert answer.status == 422
    assert "Nothing was changed." in await answer.text()
