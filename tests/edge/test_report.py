"""A case as a PDF says what the case says."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from PIL import Image
from pypdf import PdfReader

from edge.api.language import Languages
from edge.report import write_report
from models.case import Case
from models.jsonable import from_json
from models.profile import load_all, shipped

GOLDEN = Path(__file__).parents[1] / "data" / "words" / "case.json"
CASE = from_json(Case, json.loads(GOLDEN.read_text(encoding="utf-8")))
PROFILE = load_all(shipped())["vehicle-damage"]


def photo(colour: str = "red") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "JPEG")
    return out.getvalue()


def words(pdf: bytes) -> str:
    return " ".join(" ".join(p.extract_text() for p in PdfReader(io.BytesIO(pdf)).pages).split())


def test_it_holds_what_a_person_needs_of_the_case() -> None:
    said = words(write_report(CASE, PROFILE, [photo()]))
    assert f"Case {CASE.seq}" in said
    assert CASE.summary.text.split(".")[0] in said
    assert CASE.id in said
    assert all(reason in said for reason in CASE.decision.reasons)
    assert CASE.estimate is not None
    assert f"{CASE.estimate.total} {CASE.estimate.currency}" in said


def test_it_is_written_in_the_readers_language() -> None:
    german = Languages().of({}, "de").say
    said = words(write_report(CASE, PROFILE, [b""], german))
    for part in (
        f"Fall {CASE.seq}",
        "Was gesehen wurde",
        "Kostenschätzung",
        "Kennzeichen",
        "Summe",
    ):
        assert part in said
    assert CASE.summary.text.split(".")[0] in said


def test_the_photo_is_in_it_and_without_one_the_rest_is() -> None:
    reader = PdfReader(io.BytesIO(write_report(CASE, None, [photo()])))
    assert len(reader.pages[0].images) == 1
    assert words(write_report(CASE, None, [b""]))


def test_every_photo_of_the_case_is_in_it_with_the_shot_that_it_is() -> None:
    skin = load_all(shipped())["skin"]
    first = CASE.images[0]
    case = replace(CASE, images=(first, replace(first, shot="close_up"), replace(first, shot="")))
    three = [photo(), photo("green"), photo("blue")]
    reader = PdfReader(io.BytesIO(write_report(case, skin, three)))
    assert sum(len(page.images) for page in reader.pages) == 3
    assert "Close-up: the spot" in words(write_report(case, skin, [photo(), photo(), b""]))


def test_amounts_and_the_time_are_as_on_the_page(monkeypatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        said = words(write_report(CASE, PROFILE, [b""], Languages().of({}, "de").say))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert f"{CASE.created + timedelta(hours=9):%Y-%m-%d %H:%M}" in said
    assert CASE.estimate is not None
    assert CASE.estimate.subtotal.replace(".", ",") in said


def test_what_people_typed_is_text_and_no_mark_up() -> None:
    case = replace(CASE, form={"plate": "<b>B & C</b><img src='file:///etc/passwd'/>"})
    assert "<b>B & C</b><img src=" in words(write_report(case, PROFILE, [b""]))


def test_the_same_case_gives_the_same_bytes() -> None:
    assert write_report(CASE, PROFILE, [photo()]) == write_report(CASE, PROFILE, [photo()])


def test_a_long_case_goes_on_to_the_next_page() -> None:
    long = replace(CASE, form={f"field_{n}": "word " * 40 for n in range(60)})
    assert len(PdfReader(io.BytesIO(write_report(long, None, [photo()]))).pages) > 2
