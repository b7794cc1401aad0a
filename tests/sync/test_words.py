"""Topics, bitmaps, chunks and the waiting times."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import topics
from sync.backoff import backoff
from sync.bitmap import Bitmap
from sync.chunks import CHUNK_BYTES, count_of, cut
from sync.errors import BadNameError
from tests.sync.golden import CASE


def test_topics_are_those_of_the_design() -> None:
    assert topics.up("garage", CASE) == f"edgecase/v1/d/garage/up/{CASE}"
    assert topics.ack("garage") == "edgecase/v1/d/garage/ack"
    assert topics.state("garage") == "edgecase/v1/d/garage/state"
    assert topics.hint("early") == "edgecase/v1/fleet/early/hint"
    assert topics.SHARED_UP == "$share/ingest/edgecase/v1/d/+/up/+"


def test_the_device_of_a_message_is_the_one_in_its_topic() -> None:
    assert topics.parse_up(topics.up("pi-4.shop", CASE)) == topics.UpTopic("pi-4.shop", CASE)
    assert topics.parse_state(topics.state("pi-4.shop")) == "pi-4.shop"


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "$share", "-a", "ä", "a b", "a" * 65, "a\n"])
def test_a_name_that_would_reach_into_another_branch_is_refused(name: str) -> None:
    for make in (topics.ack, topics.state, topics.hint, lambda n: topics.up(n, CASE)):
        with pytest.raises(BadNameError):
            make(name)


@pytest.mark.parametrize(
    "topic",
    [
        f"edgecase/v1/d/a/up/{CASE}\n",
        f"edgecase/v1/d/a/b/up/{CASE}",
        "edgecase/v1/d/a/up/x",
        f"edgecase/v2/d/a/up/{CASE}",
        f"edgecase/v1/d//up/{CASE}",
        "",
    ],
)
def test_a_topic_that_is_none_is_refused(topic: str) -> None:
    with pytest.raises(BadNameError):
        topics.parse_up(topic)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_a_bitmap_survives_the_wire(made: tuple[int, set[int]]) -> None:
    count, there = made
    bitmap = Bitmap.of(count, there)
    assert Bitmap.from_bytes(count, bitmap.to_bytes()) == bitmap
    assert set(bitmap.missing()) == set(range(count)) - there
    assert bitmap.full == (len(there) == count)
    assert all(index in bitmap for index in there)


@pytest.mark.parametrize(("count", "data"), [(8, b""), (8, b"\0\0"), (3, b"\x08"), (0, b"")])
def test_a_bitmap_of_other_chunks_is_refused(count: int, data: bytes) -> None:
    with pytest.raises(ValueError, match="not a bitmap"):
        Bitmap.from_bytes(count, data)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 200_000])
def test_the_chunks_of_a_payload_make_it_up_and_none_is_too_large(size: int) -> None:
    payload = random.Random(size).randbytes(size)
    chunks = [cut(payload, index) for index in range(count_of(size))]
    assert b"".join(chunks) == payload
    assert all(len(chunk) <= CHUNK_BYTES for chunk in chunks)
    with pytest.raises(ValueError, match="no chunk"):
        cut(payload, len(chunks))


def test_waiting_doubles_from_two_seconds_to_five_minutes_with_jitter() -> None:
    rng = random.Random(1)
    for tries in range(30):
        longest = min(300, 2 * 2**tries)
        waits = [backoff(tries, rng) for _ in range(200)]
        assert longest / 2 <= min(waits) < max(waits) <= longest
        assert max(waits) - min(waits) > longest / 3
