import os
import socket
from pathlib import Path

import pytest

from edge.adapters.vision import messages, shared_frames
from edge.adapters.vision.messages import (
    Annotated,
    Failed,
    Inspected,
    Ping,
    ProtocolError,
    Ready,
    Start,
    receive,
    send,
)
from edge.library.measure import Measurement
from edge.ports import Inspection, ModelInUse
from models.detection import Prediction, Source
from models.profile import DetectorUse, Profile, QualityRules
from models.quality import Measures, Quality

PROFILE = Profile("p", "P", QualityRules(100.0), DetectorUse("d"))
INSPECTION = Inspection(
    Quality(Measures(1.0, 0.5, 0.2, 0.0, 0.0, 64, 48)),
    (Prediction("dent", 0.5, (1.0, 2.0, 3.0, 4.0), Source.DETECTOR),),
    {"detector": "d@1.0.0"},
    {"decode": 1.0},
    out_of_domain=True,
    missing=("c",),
)


@pytest.fixture
def ends():
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here, there:
        yield here, there


@pytest.mark.parametrize(
    "message",
    [
        Start((PROFILE,), {"d": "/models/d"}, {"f": Measurement(1, 2.0, 3.0, "x")}, {"e": "why"}),
        Inspected(INSPECTION, "0" * 64, "image/jpeg", 64, 48, as_given=True),
        Ready((ModelInUse("detector", "p", "d@1.0.0", "b", 1, 1.0, 2.0),), {"x@1": "no"}),
        Failed("bad_image", "no", "yes", worn_out=True),
        Ping(),
    ],
    ids=lambda m: type(m).__name__,
)
def test_every_message_arrives_as_it_was_sent(ends, message):
    send(ends[0], message)
    assert receive(ends[1]) == (message, ())


def test_frames_travel_beside_a_message(ends):
    fds = tuple(shared_frames.share(data) for data in (b"one", b"two"))
    send(ends[0], Annotated(), fds)
    messages.close(fds)
    _, arrived = receive(ends[1])
    assert [shared_frames.read(fd, 9) for fd in arrived] == [b"one", b"two"]
    assert not any(os.get_inheritable(fd) for fd in arrived)
    messages.close(arrived)


def test_a_long_message_and_its_frames_arrive_too(ends):
    fd = shared_frames.share(b"photo")
    message = Failed("bad_image", "x" * 1_000_000)
    send(ends[0], message, (fd,))
    os.close(fd)
    said, arrived = receive(ends[1])
    assert said == message
    assert [shared_frames.read(fd, 9) for fd in arrived] == [b"photo"]
    messages.close(arrived)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"x",
        b"{}",
        b"[]",
        b"null",
        b'["Nobody", {}]',
        b'["Failed", {}]',
        b'["Ping", {"more": 1}]',
        b'[["a"], {}]',
        b"\xff\xfe",
        b"spilled",
        b"[" * 60_000,
        b'["Inspected", {"sha256": 3}]',
    ],
)
def test_rubbish_is_a_protocol_error_and_nothing_else(ends, rubbish: bytes):
    ends[0].send(rubbish)
    with pytest.raises(ProtocolError):
        receive(ends[1])


def test_a_message_longer_than_any_is_refused(ends):
    ends[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    ends[0].send(b" " * (messages.MAX_DATAGRAM + 1))
    with pytest.raises(ProtocolError, match="too long"):
        receive(ends[1])


def test_a_spilled_message_longer_than_any_is_refused(ends):
    fd = os.memfd_create("long")
    os.ftruncate(fd, messages.MAX_MESSAGE + 1)
    socket.send_fds(ends[0], [b"spilled"], [fd])
    os.close(fd)
    with pytest.raises(ProtocolError, match="at most"):
        receive(ends[1])


def test_descriptors_beside_rubbish_are_closed(ends):
    before = len(list(Path("/proc/self/fd").iterdir()))
    fd = shared_frames.share(b"photo")
    socket.send_fds(ends[0], [b"rubbish"], [fd])
    os.close(fd)
    with pytest.raises(ProtocolError):
        receive(ends[1])
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_closed_channel_is_the_end(ends):
    ends[0].close()
    with pytest.raises(EOFError):
        receive(ends[1])
