"""A case as a PDF says what the case says."""

from __future__ import annotations

import io
import json
from dataclasses import replace
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


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "JPEG")
    return out.getvalue()


def words(pdf: bytes) -> str:
    return " ".join(" ".join(p.extract_text() for p in PdfReader(io.BytesIO(pdf)).pages).split())


def test_it_holds_what_a_person_needs_of_the_case() -> None:
    said = words(write_report(CASE, PROFILE, photo()))
    assert f"Case {CASE.seq}" in said
    assert CASE.summary.text.split(".")[0] in said
    assert CASE.id in said
    assert all(reason in said for reason in CASE.decision.reasons)
    assert CASE.estimate is not None
    assert f"{CASE.estimate.total} {CASE.estimate.currency}" in said


def test_it_is_written_in_the_readers_language() -> None:
    german = Languages().of({}, "de").say
    said = words(write_report(CASE, PROFILE, b"", german))
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
    reader = PdfReader(io.BytesIO(write_report(CASE, None, photo())))
    assert len(reader.pages[0].images) == 1
    assert words(write_report(CASE, None, b""))


def test_what_people_typed_is_text_and_no_mark_up() -> None:
    case = replace(CASE, form={"plate": "<b>B & C</b><img src='file:///etc/passwd'/>"})
    assert "<b>B & C</b><img src=" in words(write_report(case, PROFILE, b""))


def test_the_same_case_gives_the_same_bytes() -> None:
    assert write_report(CASE, PROFILE, photo()) == write_report(CASE, PROFILE, photo())


def test_a_long_case_goes_on_to_the_next_page() -> None:
    long = replace(CASE, form={f"field_{n}": "word " * 40 for n in range(60)})
    assert len(PdfReader(io.BytesIO(write_report(long, None, photo()))).pages) > 2
