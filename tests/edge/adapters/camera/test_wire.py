"""The camera process's messages."""

from __future__ import annotations

import io

import pytest

from edge.adapters.camera.wire import LENGTH, BadMessageError, Message, decode, encode


def reader(data: bytes):  # noqa: ANN201
    stream = io.BytesIO(data)

    def exactly(size: int) -> bytes:
        part = stream.read(size)
        if len(part) < size:
            raise EOFError
        return part

    return exactly


@pytest.mark.parametrize(
    "message", [Message(), Message({"do": "glance"}), Message({"lux": 1.5}, b"\x00\xff" * 100)]
)
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    assert decode(reader(encode(message))) == message


def test_two_messages_stay_two() -> None:
    read = reader(encode(Message({"n": 1}, b"a")) + encode(Message({"n": 2}, b"b")))
    assert [decode(read).words["n"] for _ in range(2)] == [1, 2]


def framed(text: bytes) -> bytes:
    return LENGTH.pack(len(text)) + text


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        framed(b"nonsense"),
        framed(b"[]"),
        framed(b"{}"),
        framed(b'{"size": -1}'),
        framed(b'{"size": 99999999999}'),
        framed(b'{"size": null}'),
        framed(b"\xff\xfe"),
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessageError):
        decode(reader(data))


@pytest.mark.parametrize("cut", [0, 3, 8, -1])
def test_a_message_that_was_cut_off_is_the_end(cut: int) -> None:
    data = encode(Message({"do": "capture"}, b"picture"))
    with pytest.raises(EOFError):
        decode(reader(data[:cut]))
