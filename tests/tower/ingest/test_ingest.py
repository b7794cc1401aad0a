from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING, Any

import pytest

from sync import topics
from sync.bitmap import Bitmap
from sync.codec import encode_state
from sync.messages import Address, Busy, Have, Header, Reject, RejectCode, State, Stored
from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import Parcel, SentCase, noise, sha, wire
from tower_sync_server.archive.listing import Filter
from tower_sync_server.errors import UnavailableError
from tower_sync_server.ingest.ingest import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tower_sync_server.archive.archive import Arrival


NESTED: Any = []
for _ in range(100):
    NESTED = [NESTED]


def blob(bench: Bench, sha256: str) -> bytes:
    return bench.keep.blobs.path(sha256).read_bytes()


def parcel_of(case: SentCase, body: bytes) -> Parcel:
    """Another text under the address of a case."""
    key = case.case().header.address
    address = Address(key.case, key.rev, key.kind, "", sha(body))
    return Parcel(Header(address, len(body), "application/json"), body)


def refusal(bench: Bench, parcel: Parcel) -> str:
    answer = bench.say(parcel.chunk(0))
    assert isinstance(answer, Reject), answer
    return answer.code


def test_a_case_is_held_byte_for_byte_once_it_is_stored(bench: Bench) -> None:
    case = SentCase()

    answers = bench.send(case)

    assert [type(a) for a in answers] == [Stored, Stored, Stored]
    assert blob(bench, case.image) == case.photo
    assert blob(bench, case.thumbnail().header.address.sha256) == case.thumb
    entry = bench.listing.case(case.id, None)
    assert entry.receipt.complete
    assert {k: v for k, v in entry.body.items() if k != "device"} == {
        k: v for k, v in case.body().items() if k != "device"
    }


def test_the_device_is_the_one_of_the_topic_whatever_the_case_says(bench: Bench) -> None:
    case = SentCase(more={"device": "somebody-else"})

    bench.send(case, "gate")

    assert bench.listing.case(case.id, None).body["device"] == "gate"


def test_chunks_in_any_order_and_twice_make_the_same_photo(bench: Bench) -> None:
    photo = SentCase().original()

    answers = [bench.say(photo.chunk(index)) for index in (2, 0, 0, 2, 1)]

    assert isinstance(answers[3], Have)
    assert answers[3].chunks == Bitmap.of(3, (0, 2))
    assert isinstance(answers[-1], Stored)


def test_a_question_is_answered_with_what_is_there(bench: Bench) -> None:
    photo = SentCase().original()
    bench.say(photo.chunk(1))

    answer = bench.say(photo.ask(7))

    assert answer == Have(photo.header.address, Bitmap.of(3, (1,)), 7)


def test_what_is_stored_stays_stored_however_often_it_comes(bench: Bench) -> None:
    case = SentCase()
    bench.send(case)

    again = bench.send(case)

    assert [type(a) for a in again] == [Stored, Stored, Stored]
    assert len(bench.listing.page(Filter(), None, 10).entries) == 1


def test_chunks_are_gone_once_the_photo_is_stored(bench: Bench, tmp_path: Path) -> None:
    bench.send(SentCase())

    assert list((tmp_path / "tower" / "spool").iterdir()) == []


def test_chunks_survive_the_worker_that_took_them(tmp_path: Path) -> None:
    photo = SentCase().original()
    with opened(tmp_path) as first:
        Bench(first).say(photo.chunk(0))
    with opened(tmp_path) as second:
        other = Bench(second)
        other.say(photo.chunk(2))

        assert isinstance(other.say(photo.chunk(1)), Stored)


def test_a_worker_that_died_before_it_stored_is_finished_by_a_question(bench: Bench) -> None:
    photo = SentCase().original()
    for chunk in photo.chunks():  # all kept, none put together
        bench.keep.spool.keep("gate", chunk)

    assert isinstance(bench.say(photo.ask()), Stored)


def test_other_bytes_under_a_known_key_go_to_quarantine_whole(bench: Bench) -> None:
    case = SentCase()
    bench.send(case)
    other = SentCase(id=case.id, photo=case.photo, more={"status": "rejected"}).case()

    answer = bench.say(other.chunk(0))

    assert isinstance(answer, Reject)
    assert answer.code == RejectCode.CONFLICT
    assert blob(bench, other.header.address.sha256) == other.payload
    assert bench.listing.case(case.id, None).body["status"] == case.body()["status"]
    assert bench.listing.quarantined() == 1


def test_quarantine_holds_a_payload_once(bench: Bench) -> None:
    case = SentCase()
    bench.send(case)
    other = SentCase(id=case.id, photo=case.photo, more={"status": "rejected"}).case()

    codes = [bench.say(other.chunk(0)) for _ in range(2)]

    assert [type(code) for code in codes] == [Reject, Reject]
    assert bench.listing.quarantined() == 1


def test_the_same_case_of_two_devices_is_two_cases(bench: Bench) -> None:
    case = SentCase()

    answers = bench.send(case, "gate") + bench.send(case, "yard")

    assert {type(a) for a in answers} == {Stored}
    assert [d.cases for d in bench.listing.devices()] == [1, 1]


def test_bytes_that_are_not_what_their_name_says_are_refused(bench: Bench) -> None:
    case = SentCase(photo=noise(1000))
    photo = case.original()
    lie = type(photo)(photo.header, noise(1000, 9))

    answer = bench.say(lie.chunk(0))

    assert isinstance(answer, Reject)
    assert answer.code == RejectCode.HASH
    assert not bench.keep.blobs.path(case.image).exists()


def test_a_chunk_torn_by_a_power_cut_is_asked_for_again(bench: Bench, tmp_path: Path) -> None:
    photo = SentCase().original()
    bench.say(photo.chunk(0))
    bench.say(photo.chunk(1))
    torn = next((tmp_path / "tower" / "spool").glob("*/*/1"))
    torn.write_bytes(bytes(torn.stat().st_size))

    answer = bench.say(photo.chunk(2))

    assert answer == Have(photo.header.address, Bitmap.of(3, (0, 2)))
    assert isinstance(bench.say(photo.chunk(1)), Stored)


@pytest.mark.parametrize(
    "more",
    [
        {"seq": 0},
        {"seq": "1"},
        {"profile": ""},
        {"profile": "a\0b"},
        {"profile": "\ud800"},
        {"status": "x" * 33},
        {"created": "yesterday"},
        {"created": "2026-11-20T10:00:00"},
        {"predictions": [{"label": 7}]},
        {"images": None},
        {"images": ["?"]},
        {"images": [{"sha256": 7}]},
        {"form": {"notes": "\ud800"}},
        {"form": {"deep": NESTED}},
    ],
    ids=lambda more: str(more)[:40],
)
def test_a_case_that_cannot_be_listed_is_refused(bench: Bench, more: dict[str, Any]) -> None:
    parcel = SentCase(more=more).case()

    answer = bench.say(parcel.chunk(0))

    assert isinstance(answer, Reject)
    assert answer.code == RejectCode.MALFORMED
    assert bench.listing.counts() == {}


@pytest.mark.parametrize("number", ["1e999", "NaN", "Infinity", "9" * 5000])
def test_a_number_that_json_cannot_hold_is_refused(bench: Bench, number: str) -> None:
    body = json.dumps({**SentCase().body(), "mileage": 0}).replace('"mileage": 0', f'"x": {number}')

    assert refusal(bench, parcel_of(SentCase(), body.encode())) == RejectCode.MALFORMED


@pytest.mark.parametrize("more", [{"rev": 2}, {"id": "6f1f2a3e-5b0c-4a53-9a5e-0f6f6c1d2e3f"}])
def test_a_case_under_another_address_is_refused(bench: Bench, more: dict[str, Any]) -> None:
    case = SentCase()
    body = json.dumps({**case.body(), **more}).encode()

    assert refusal(bench, parcel_of(case, body)) == RejectCode.MALFORMED


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 60_000])
def test_what_is_no_case_is_refused(bench: Bench, body: bytes) -> None:
    assert refusal(bench, parcel_of(SentCase(), body)) == RejectCode.MALFORMED


def test_fields_of_a_later_version_are_kept(bench: Bench) -> None:
    case = SentCase(more={"smell": {"of": "rubber"}})

    bench.send(case)

    assert bench.listing.case(case.id, None).body["smell"] == {"of": "rubber"}


def test_lists_show_the_newest_revision_whatever_came_last(bench: Bench) -> None:
    old = SentCase()
    new = SentCase(id=old.id, rev=2, more={"status": "rejected", "predictions": []})

    bench.say(new.case().chunk(0))
    bench.say(old.case().chunk(0))

    assert bench.listing.case(old.id, None).body["status"] == "rejected"
    assert bench.listing.counts() == {"rejected": 1}


def test_a_revision_no_database_can_number_is_refused(bench: Bench) -> None:
    answer = bench.say(SentCase(rev=1 << 40).case().chunk(0))

    assert isinstance(answer, Reject)


def test_a_photo_over_the_limit_is_refused_before_it_is_sent(bench: Bench) -> None:
    answer = bench.say(SentCase(photo=noise(2_000_001)).original().chunk(0))

    assert isinstance(answer, Reject)
    assert answer.code == RejectCode.TOO_LARGE


def test_without_room_nothing_is_kept_and_the_device_told_to_wait(
    bench: Bench, tmp_path: Path
) -> None:
    full = Bench(bench.keep, Limits(image_bytes=2_000_000, min_free_bytes=1 << 60))

    answer = full.say(SentCase().original().chunk(0))

    assert isinstance(answer, Busy)
    assert list((tmp_path / "tower" / "spool").iterdir()) == []


def test_a_disk_that_fills_up_meanwhile_acknowledges_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    case = SentCase(photo=noise(1000))
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        assert isinstance(bench.say(case.original().chunk(0)), Busy)

    assert isinstance(bench.say(case.original().chunk(0)), Stored)


def test_a_database_out_of_reach_makes_the_device_wait(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise UnavailableError("locked")

    monkeypatch.setattr(bench.keep.archive, "known", locked)

    assert isinstance(bench.say(SentCase().case().chunk(0)), Busy)


def test_one_message_nobody_understands_does_not_stop_the_others_of_its_batch(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, plain = SentCase(), SentCase(seq=2)
    store = bench.keep.archive.store

    def fails_at_odd(arrivals: Sequence[Arrival]) -> list[str]:
        assert all(a.header.address.case != odd.id for a in arrivals)
        return store(arrivals)

    with monkeypatch.context() as patch:
        patch.setattr(bench.keep.archive, "store", fails_at_odd)
        answers = bench.say_all([odd.case().chunk(0), plain.case().chunk(0)])

    assert [type(answer) for answer in answers] == [Busy, Stored]
    assert isinstance(bench.say(odd.case().chunk(0)), Stored)


def test_what_cannot_be_read_is_answered_and_what_has_no_topic_is_dropped(bench: Bench) -> None:
    topic, _ = wire(SentCase().case().chunk(0))

    answer = bench.ingest.take(topic, b"\xff")

    assert answer is not None
    assert isinstance(answer.ack, Reject)
    assert bench.ingest.take("edgecase/v1/somewhere", b"") is None


def test_a_device_is_known_from_what_it_says_of_itself(bench: Bench) -> None:
    said = State(online=True, at=float("nan"), software="1.0\0", cases=1 << 63, size=5)

    bench.ingest.take(topics.state("gate"), encode_state(said))

    (row,) = bench.listing.devices()
    assert (row.device, row.online, row.cases, row.gaps) == ("gate", True, 0, 0)
    assert row.state["cases"] == 1 << 53
    json.dumps(row.state, allow_nan=False)


def test_a_last_will_changes_nothing_but_that_it_is_gone(bench: Bench) -> None:
    topic = topics.state("gate")
    bench.ingest.take(topic, encode_state(State(online=True, software="1.0")))

    bench.ingest.take(topic, encode_state(State(online=False)))

    (row,) = bench.listing.devices()
    assert (row.online, row.state["software"]) == (False, "1.0")


def test_the_tally_says_what_was_answered(bench: Bench) -> None:
    bench.send(SentCase())

    assert bench.ingest.tally == {"stored": 3, "have": 2}
