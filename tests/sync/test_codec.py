"""Messages to bytes and back."""

from __future__ import annotations

import random
from typing import Any

import cbor2
import pytest

from sync import codec, digest_codec
from sync.errors import WireError
from sync.messages import Address, Chunk, RejectCode
from tests.sync import golden

MUTATIONS = 10_000


@pytest.mark.parametrize("name", golden.UP)
def test_golden_messages_up_are_written_and_read_as_ever(name: str) -> None:
    assert codec.encode_up(golden.UP[name]) == golden.read(name)
    assert codec.decode_up(golden.CASE, golden.read(name)) == golden.UP[name]


@pytest.mark.parametrize("name", golden.DOWN)
def test_golden_answers_are_written_and_read_as_ever(name: str) -> None:
    assert codec.encode_ack(golden.DOWN[name]) == golden.read(name)
    assert codec.decode_ack(golden.read(name)) == golden.DOWN[name]


@pytest.mark.parametrize("name", golden.WISHES)
def test_golden_wishes_are_written_and_read_as_ever(name: str) -> None:
    assert codec.encode_wish(golden.WISHES[name]) == golden.read(name)
    assert codec.decode_downs(golden.read(name)) == [golden.WISHES[name]]


@pytest.mark.parametrize("name", golden.SEVERAL)
def test_golden_answers_in_one_message_are_written_and_read_as_ever(name: str) -> None:
    assert codec.encode_downs(golden.SEVERAL[name]) == golden.read(name)
    assert codec.decode_downs(golden.read(name)) == golden.SEVERAL[name]


@pytest.mark.parametrize("name", [*golden.DOWN, *golden.ANSWERS])
def test_one_answer_alone_is_read_as_it_was_before_there_were_several(name: str) -> None:
    assert codec.decode_downs(golden.read(name)) == [(golden.DOWN | golden.ANSWERS)[name]]


@pytest.mark.parametrize("name", golden.STATES)
def test_golden_states_are_written_and_read_as_ever(name: str) -> None:
    assert codec.encode_state(golden.STATES[name]) == golden.read(name)
    assert codec.decode_state(golden.read(name)) == golden.STATES[name]


@pytest.mark.parametrize("name", golden.HINTS)
def test_golden_hints_are_written_and_read_as_ever(name: str) -> None:
    assert codec.encode_hint(golden.HINTS[name]) == golden.read(name)
    assert codec.decode_hint(golden.read(name)) == golden.HINTS[name]


@pytest.mark.parametrize("name", golden.QUESTIONS)
def test_golden_questions_are_written_and_read_as_ever(name: str) -> None:
    assert digest_codec.encode_question(golden.QUESTIONS[name]) == golden.read(name)
    assert digest_codec.decode_question(golden.read(name)) == golden.QUESTIONS[name]


@pytest.mark.parametrize("name", golden.ANSWERS)
def test_golden_answers_to_questions_are_written_and_read_as_ever(name: str) -> None:
    assert codec.encode_down(golden.ANSWERS[name]) == golden.read(name)
    assert codec.decode_down(golden.read(name)) == golden.ANSWERS[name]
    assert digest_codec.decode_answer(golden.read(name)) == golden.ANSWERS[name]


@pytest.mark.parametrize("name", golden.DOWN)
def test_answers_about_parcels_are_told_from_those_about_comparisons(name: str) -> None:
    assert codec.decode_down(golden.read(name)) == golden.DOWN[name]


def test_every_golden_file_belongs_to_a_test() -> None:
    known = {*golden.UP, *golden.DOWN, *golden.SEVERAL, *golden.STATES, *golden.HINTS}
    known |= {*golden.QUESTIONS, *golden.ANSWERS, *golden.WISHES}
    known |= {"version-2", "version-2-unknown-kind"}
    assert {path.stem for path in golden.FILES.iterdir()} == known


def test_an_unknown_version_is_refused_with_the_address_it_came_with() -> None:
    with pytest.raises(WireError) as refused:
        codec.decode_up(golden.CASE, golden.read("version-2"))
    assert (refused.value.code, refused.value.address) == (RejectCode.VERSION, golden.ADDRESS)


def test_an_unknown_version_whose_address_can_not_be_read_is_refused_for_its_case() -> None:
    with pytest.raises(WireError) as refused:
        codec.decode_up(golden.CASE, golden.read("version-2-unknown-kind"))
    unreadable = Address.unreadable(golden.CASE)
    assert (refused.value.code, refused.value.address) == (RejectCode.VERSION, unreadable)


def header(**changes: Any) -> dict[str, Any]:
    fields = {
        "v": 1,
        "rev": 3,
        "kind": "case",
        "image": b"",
        "sha256": bytes.fromhex(golden.SHA),
        "size": 3,
        "count": 1,
        "type": "application/json",
        "index": 0,
    }
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def test_the_header_that_the_wrong_ones_differ_from_is_right() -> None:
    assert isinstance(codec.decode_up(golden.CASE, cbor2.dumps([header(), b"abc"])), Chunk)


@pytest.mark.parametrize(
    "fields",
    [
        header(rev=0),
        header(rev=True),
        header(rev="3"),
        header(kind="film"),
        header(kind=""),
        header(image=b"ab"),
        header(sha256=b"\x00"),
        header(sha256=None),
        header(size=-3),
        header(size=4),
        header(size=2**70),
        header(count=2),
        header(type="text/html; charset=x"),
        header(type=None),
        header(index=1),
        header(index=-1),
        header(index=None),
        header(ask=1),
        header(index=None, ask=1),
        header(later=cbor2.CBORTag(99, 1)),
        header(later={1: 2}),
    ],
    ids=str,
)
def test_a_header_that_is_wrong_is_malformed(fields: dict[str, Any]) -> None:
    with pytest.raises(WireError) as refused:
        codec.decode_up(golden.CASE, cbor2.dumps([fields, b"abc"]))
    assert refused.value.code is RejectCode.MALFORMED
    assert refused.value.address is not None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00",
        b"{}",
        cbor2.dumps([]),
        cbor2.dumps([header()]),
        cbor2.dumps([header(), "abc"]),
        cbor2.dumps([header(), b"abc", b""]),
        cbor2.dumps([header(), b"abc"]) + b"\x00",
        b"\x81" * 60_000,
        b"\x5b\x0f" + b"\xff" * 7,
        b"\xbb\x00\x00\x00\x10\x00\x00\x00\x00",
        b"\xd8\x1c\x81\xd8\x1d\x00",
        b"\xd9\x01\x00\x82\x63abc\xd8\x19\x00",
        b"x" * 1_000_000,
    ],
    ids=lambda payload: repr(payload[:12]),
)
def test_what_is_no_message_is_malformed(payload: bytes) -> None:
    with pytest.raises(WireError) as refused:
        codec.decode_up(golden.CASE, payload)
    assert refused.value.code is RejectCode.MALFORMED


QUESTION = {"v": 1, "compare": 1, "ranges": [[1, 16, 3, b"a" * 32]]}
CHECK = {"v": 1, "check": 1, "first": 1, "last": 16, "parcels": []}
ITEM = [golden.CASE, 1, "case", b"a" * 32]


@pytest.mark.parametrize(
    "fields",
    [
        {**QUESTION, "ranges": []},
        {**QUESTION, "ranges": [[1, 16, 17, b"a" * 32]]},
        {**QUESTION, "ranges": [[0, 16, 3, b"a" * 32]]},
        {**QUESTION, "ranges": [[16, 1, 3, b"a" * 32]]},
        {**QUESTION, "ranges": [[1, 2**60, 3, b"a" * 32]]},
        {**QUESTION, "ranges": [[1, 16, 3, b"a"]]},
        {**QUESTION, "ranges": [[1, 16, True, b"a" * 32]]},
        {**QUESTION, "ranges": [[1, 1024, 3, b"a" * 32]] * 9},
        {**QUESTION, "ranges": [[1, 1, 1, b"a" * 32]] * 129},
        {**QUESTION, "compare": -1},
        {**QUESTION, "v": 2},
        {**CHECK, "last": 17},
        {**CHECK, "parcels": [[*ITEM[:3], b"a"]]},
        {**CHECK, "parcels": [["../../etc", *ITEM[1:]]]},
        {**CHECK, "parcels": [[golden.CASE, 2**31, *ITEM[2:]]]},
        {**CHECK, "parcels": [[golden.CASE, 1, "film", b"a" * 32]]},
        {**CHECK, "parcels": [ITEM] * 257},
        {"v": 1},
    ],
    ids=lambda fields: str(fields)[:60],
)
def test_a_question_that_is_wrong_or_too_much_is_malformed(fields: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        digest_codec.decode_question(cbor2.dumps(fields))


def test_the_questions_that_the_wrong_ones_differ_from_are_right() -> None:
    digest_codec.decode_question(cbor2.dumps(QUESTION))
    digest_codec.decode_question(cbor2.dumps({**CHECK, "parcels": [ITEM] * 256}))


def test_mutated_messages_are_read_or_refused_and_never_crash() -> None:
    rng = random.Random(4)
    sources = [(codec.decode_ack, golden.read(name)) for name in golden.DOWN]
    sources += [(codec.decode_state, golden.read(name)) for name in golden.STATES]
    sources += [(codec.decode_downs, golden.read(name)) for name in golden.SEVERAL]
    sources += [(codec.decode_down, golden.read(name)) for name in golden.ANSWERS]
    sources += [(digest_codec.decode_question, golden.read(name)) for name in golden.QUESTIONS]
    sources += [(lambda p: codec.decode_up(golden.CASE, p), golden.read(n)) for n in golden.UP]
    refused = 0
    for _ in range(MUTATIONS):
        decode, payload = rng.choice(sources)
        data = bytearray(payload)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(data))
            match rng.randrange(3):
                case 0:
                    data[place] = rng.randrange(256)
                case 1:
                    del data[place:]
                    data += rng.randbytes(rng.randrange(8)) or b"\xa0"
                case _:
                    data.insert(place, rng.randrange(256))
        try:
            decode(bytes(data))
        except WireError:
            refused += 1
    assert refused > MUTATIONS / 2
