"""Messages, read without looking anything up."""

from __future__ import annotations

from dataclasses import replace

from sync import topics
from sync.bitmap import Bitmap
from sync.codec import encode_state, encode_up
from sync.messages import Ask, Chunk, Have, Reject, State, Up
from tests.fakes.parcels import SentCase, noise
from tower_sync_server.ingest.heard import Heard, Question, arrived, read
from tower_sync_server.ingest.letters import Answer

PHOTO = SentCase(photo=noise(150_000)).original()


def of(message: Up, *, many: bool = True) -> Heard:
    return Heard("gate", replace(message, header=replace(message.header, many=many)))


def test_a_chunk_a_state_and_a_question_are_told_apart() -> None:
    chunk = PHOTO.chunk(1)
    up = topics.up("gate", chunk.header.address.case)

    assert read(up, encode_up(chunk)) == Heard("gate", chunk)
    state = State(online=True)
    assert read(topics.state("gate"), encode_state(state)) == Heard("gate", state)
    asked = read(topics.digest("gate"), b"?").said
    assert asked == Question(topics.digest("gate"), b"?")


def test_what_cannot_be_read_is_refused_and_what_comes_from_nowhere_is_dropped() -> None:
    refused = read(topics.up("gate", PHOTO.header.address.case), b"\xff").said
    assert isinstance(refused, Answer)
    assert isinstance(refused.ack, Reject)
    assert read("elsewhere", b"") == Heard("", None)


def test_chunks_are_said_to_have_come_once_for_each_payload() -> None:
    came = [of(PHOTO.chunk(2)), of(PHOTO.chunk(0))]

    assert arrived(came) == [
        Answer("gate", Have(PHOTO.header.address, Bitmap.of(3, (0, 2))), many=True)
    ]


def test_nothing_is_said_to_a_device_of_before_nor_of_a_question() -> None:
    chunk = PHOTO.chunk(0)
    assert isinstance(chunk, Chunk)

    assert arrived([of(chunk, many=False), of(Ask(PHOTO.header, 3))]) == []
