"""What the tower does with a message, and what it answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.bitmap import Bitmap
from sync.errors import WireError
from sync.messages import Ask, Chunk, Have, Header, Reject, RejectCode, Stored
from sync.receiver import (
    Assemble,
    Keep,
    Known,
    Quarantine,
    Reply,
    Store,
    assembled,
    busy,
    kept,
    refuse,
    stored,
    take,
)
from tests.sync.golden import ADDRESS, CASE, IMAGE, PHOTO, SHA, THUMB

HEADER = Header(ADDRESS, 65_536 + 3, "application/json")
LAST = Chunk(HEADER, 1, b"abc")
ASK = Ask(HEADER, 5)
OTHER = "77" * 32


def test_a_new_chunk_is_kept() -> None:
    assert take(LAST, Known()) == Keep(LAST)


def test_a_chunk_that_came_before_is_answered_with_what_is_there() -> None:
    have = Bitmap.of(2, [1])
    assert take(LAST, Known(have=have)) == Reply(Have(ADDRESS, have))


def test_a_question_is_answered_with_its_number() -> None:
    assert take(ASK, Known()) == Reply(Have(ADDRESS, Bitmap(2), 5))
    have = Bitmap.of(2, [0])
    assert take(ASK, Known(have=have)) == Reply(Have(ADDRESS, have, 5))


def test_what_a_worker_died_over_is_assembled_at_the_next_question() -> None:
    assert take(ASK, Known(have=Bitmap.of(2, [0, 1]))) == Assemble(HEADER)


def test_the_chunk_that_completes_the_set_has_it_assembled() -> None:
    assert kept(HEADER, Bitmap.of(2, [0])) == Reply(Have(ADDRESS, Bitmap.of(2, [0])))
    assert kept(HEADER, Bitmap.of(2, [0, 1])) == Assemble(HEADER)


def test_stored_is_said_after_it_is_held_and_never_before() -> None:
    assert assembled(HEADER, SHA) == Store(HEADER)
    assert stored(HEADER, SHA) == Reply(Stored(ADDRESS), forget=True)


@pytest.mark.parametrize("message", [LAST, ASK])
def test_what_is_stored_is_never_taken_again(message: Chunk | Ask) -> None:
    assert take(message, Known(stored=SHA)) == Reply(Stored(ADDRESS), forget=True)


def test_bytes_that_are_not_what_their_hash_says_are_refused() -> None:
    reply = assembled(HEADER, OTHER)
    assert isinstance(reply, Reply)
    assert isinstance(reply.ack, Reject)
    assert reply.ack.code == RejectCode.HASH
    assert reply.forget


def test_a_photo_under_another_photos_name_is_refused() -> None:
    address = replace(PHOTO, image=IMAGE)
    reply = assembled(Header(address, 3, "image/jpeg"), SHA)
    assert isinstance(reply, Reply)
    assert isinstance(reply.ack, Reject)


def test_other_bytes_under_a_known_key_come_in_whole_and_go_to_quarantine() -> None:
    assert take(LAST, Known(stored=OTHER)) == Keep(LAST)
    step = stored(HEADER, OTHER)
    assert isinstance(step, Quarantine)
    assert isinstance(step.reply.ack, Reject)
    assert step.reply.ack.code == RejectCode.CONFLICT


def test_what_lies_in_quarantine_is_refused_at_once() -> None:
    reply = take(LAST, Known(stored=OTHER, quarantined=True))
    assert isinstance(reply, Reply)
    assert isinstance(reply.ack, Reject)
    assert reply.ack.code == RejectCode.CONFLICT


def test_of_a_thumbnail_the_first_one_stands() -> None:
    header = Header(THUMB, 3, "image/jpeg")
    assert take(Chunk(header, 0, b"abc"), Known(stored=OTHER)) == Reply(Stored(THUMB), forget=True)


def test_more_bytes_than_the_tower_takes_are_refused_before_they_travel() -> None:
    reply = take(ASK, Known(), max_bytes=1000)
    assert isinstance(reply, Reply)
    assert isinstance(reply.ack, Reject)
    assert reply.ack.code == RejectCode.TOO_LARGE


def test_an_unreadable_message_is_answered_for_its_case() -> None:
    reply = refuse(WireError(RejectCode.VERSION, "version 9"), CASE)
    assert isinstance(reply.ack, Reject)
    assert (reply.ack.address.case, reply.ack.code) == (CASE, RejectCode.VERSION)
    assert busy(ADDRESS, 3).ack.address == ADDRESS
