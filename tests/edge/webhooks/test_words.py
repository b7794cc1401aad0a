"""What is posted about a case."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.webhooks.words import KEY, SIGNATURE, body_of, headers_of, is_final, pause_s, place_of
from models.case import Case
from models.jsonable import from_json

GOLDEN = Path(__file__).parents[2] / "data" / "words" / "case.json"
CASE = from_json(Case, json.loads(GOLDEN.read_text(encoding="utf-8")))


def test_nothing_that_was_typed_and_no_photo_is_in_it() -> None:
    said = body_of("case", CASE).decode()
    assert not any(str(value) in said for value in CASE.form.values() if isinstance(value, str))
    assert CASE.images[0].sha256 not in said


def test_the_other_side_can_check_who_it_is_from() -> None:
    body = body_of("case", CASE)
    signed = headers_of("case", CASE, body, "s3cret")[SIGNATURE]
    assert signed == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert SIGNATURE not in headers_of("case", CASE, body, "")


def test_a_new_case_keeps_its_key_when_it_has_changed_before_it_was_taken() -> None:
    later = replace(CASE, rev=CASE.rev + 1)
    key, again = (headers_of("case", case, b"", "")[KEY] for case in (CASE, later))
    assert key == again
    changed, more = (headers_of("change", case, b"", "")[KEY] for case in (CASE, later))
    assert len({key, changed, more}) == 3


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://hooks.example/services/T0/kJh8sLq2", "https://hooks.example"),
        ("http://ada:hunter22@10.0.0.7:8080/x?key=zz9#y", "http://10.0.0.7:8080"),
        ("https://hooks.example?key=zz9", "https://hooks.example"),
        ("http://ada:p@ss@[fe80::1]/", "http://[fe80::1]"),
    ],
)
def test_of_an_address_the_log_tells_the_host(url: str, place: str) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("status", "final"),
    [
        (200, False),
        (401, False),
        (404, False),
        (410, True),
        (422, True),
        (429, False),
        (503, False),
    ],
)
def test_what_is_no_use_to_send_again(status: int, final: bool) -> None:
    assert is_final(status) is final


def test_pauses_grow_to_five_minutes() -> None:
    assert [pause_s(n) for n in (1, 2, 3, 9, 99)] == [2.0, 4.0, 8.0, 300.0, 300.0]
