"""Which answers travel in one message."""

from __future__ import annotations

from sync.bitmap import Bitmap
from sync.codec import MANY, MAX_BYTES, decode_down, decode_downs
from sync.digests import Differ
from sync.messages import Have, Reject, RejectCode, Stored
from tests.sync.golden import ADDRESS, PHOTO, THUMB
from tower_sync_server.ingest.letters import Answer, letters


def test_answers_for_a_device_that_reads_many_travel_together_and_in_their_order() -> None:
    acks = [Have(PHOTO, Bitmap(14)), Stored(ADDRESS), Stored(THUMB)]

    (letter,) = letters([Answer("gate", ack, many=True) for ack in acks])

    assert decode_downs(letter.payload) == acks
    assert (letter.device, letter.numbers) == ("gate", (0, 1, 2))


def test_a_device_of_before_gets_each_answer_by_itself() -> None:
    made = list(letters([Answer("gate", Stored(ADDRESS)), None, Answer("gate", Stored(THUMB))]))

    assert [decode_down(letter.payload) for letter in made] == [Stored(ADDRESS), Stored(THUMB)]
    assert [letter.numbers for letter in made] == [(0,), (2,)]


def test_every_device_gets_its_own() -> None:
    answers = [Answer(device, Stored(ADDRESS), many=True) for device in ("gate", "yard", "gate")]

    made = {letter.device: letter.numbers for letter in letters(answers)}

    assert made == {"gate": (0, 2), "yard": (1,)}


def test_chunks_of_one_payload_are_answered_once() -> None:
    (letter,) = letters([Answer("gate", Stored(PHOTO), many=True)] * 3)

    assert decode_downs(letter.payload) == [Stored(PHOTO)]
    assert letter.numbers == (0, 1, 2)


def test_answers_of_a_comparison_travel_alone() -> None:
    answers = [Answer("gate", Differ(7, ()), many=True), Answer("gate", Stored(PHOTO), many=True)]

    assert [letter.numbers for letter in letters(answers)] == [(0,), (1,)]


def test_no_message_is_larger_than_the_broker_takes() -> None:
    long = [Reject(PHOTO, RejectCode.CONFLICT, f"{n:0400d}") for n in range(2 * MANY + 1)]

    made = list(letters([Answer("gate", ack, many=True) for ack in long]))

    assert [len(letter.numbers) for letter in made] == [MANY, MANY, 1]
    assert max(len(letter.payload) for letter in made) <= MAX_BYTES
