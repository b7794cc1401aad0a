"""Shutting a device out cuts it off at once, and keeps it out."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import time
from typing import TYPE_CHECKING

import pytest

from sync import topics
from sync.transport import Connected, Lost
from tests.fakes.secured import HOST, Secured, client, secured, tried, until
from tower_sync_server.broker import keeper
from tower_sync_server.broker.keeper import is_kept, knows
from tower_sync_server.fleet.certificates import pem, revocations
from tower_sync_server.fleet.fleet import Before, now_utc
from tower_sync_server.fleet.folder import DEVICES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT_ONCE_S = 5.0
"""Of a machine that does other things too; see docs/broker.md for what was measured."""
NOT_LET_IN = "ALERT|EOF|it said no|reset by peer"
CASE = "01234567-89ab-4def-8123-456789abcdef"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Secured]:
    with secured(tmp_path) as running:
        yield running


def newest(broker: Secured) -> set[int]:
    return set(broker.fleet.folder.revocations())


def test_a_device_that_is_shut_out_is_cut_off_at_once_and_nobody_else_notices(
    broker: Secured,
) -> None:
    lost, kept = broker.enroll("lost"), broker.enroll("kept")
    with (
        client(broker.device(lost)) as device,
        client(broker.device(kept)) as other,
        client(broker.worker("tower-1"), topics.SHARED_UP) as tower,
    ):
        begun = time.monotonic()
        broker.fleet.revoke("lost")
        until(lambda: bool(device.of(Lost)), AT_ONCE_S)
        print(f"cut off {time.monotonic() - begun:.2f} s after `revoke`")
        assert knows(broker.plan.folder, newest(broker), AT_ONCE_S)

        until(lambda: len(device.of(Lost)) == 2)
        assert len(device.of(Connected)) == 1
        other.say(topics.up("kept", CASE), b"still here")
        until(lambda: [payload for _, payload in tower.heard()] == [b"still here"])
        assert other.of(Lost) == tower.of(Lost) == []


def test_a_broker_that_reads_no_list_again_is_started_again(
    broker: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As another version of mosquitto may: the canary tells."""
    lost, kept = broker.enroll("lost"), broker.enroll("kept")
    monkeypatch.setattr(keeper, "RELOAD_S", 0.3)
    monkeypatch.setattr(keeper.signal, "SIGHUP", signal.SIGCONT)
    before = broker.pid
    with client(broker.device(lost)) as device, client(broker.device(kept)) as other:
        broker.fleet.revoke("lost")
        until(lambda: len(other.of(Connected)) == 2 and len(device.of(Lost)) == 2)
        assert len(device.of(Connected)) == 1
        assert broker.pid != before


def test_shutting_out_works_again_and_again(broker: Secured) -> None:
    before = broker.pid
    for number in range(5):
        with client(broker.device(broker.enroll(f"pi-{number}"))) as device:
            broker.fleet.revoke(f"pi-{number}")
            until(lambda device=device: bool(device.of(Lost)), AT_ONCE_S)
    assert knows(broker.plan.folder, newest(broker), AT_ONCE_S)
    assert (broker.pid, len(newest(broker))) == (before, 5)


def test_the_brokers_own_reload_would_leave_the_connection_standing(broker: Secured) -> None:
    """The control: mosquitto reads a new list, and looks at nobody who is in already."""
    lost = broker.enroll("lost")
    listed = broker.fleet.folder.passes()
    with client(broker.device(lost)) as device:
        by = broker.fleet.folder.authority(DEVICES, now_utc())
        revoked = revocations(by, {listed[0].serial: now_utc()}, now_utc())
        (broker.plan.folder / "revoked.pem").write_text(pem(revoked))
        os.kill(broker.pid, signal.SIGHUP)
        time.sleep(1)
        assert device.of(Lost) == []


def test_the_successor_of_a_lost_device_is_let_in_under_its_name(broker: Secured) -> None:
    lost = broker.enroll("pi")
    successor = broker.enroll("pi", Before.GOES)
    assert knows(broker.plan.folder, newest(broker), AT_ONCE_S)

    with client(broker.device(successor)), tried(broker.device(lost)) as thief:
        assert thief.is_shut_out()


def test_a_renewed_device_comes_with_either_certificate(broker: Secured) -> None:
    old = broker.enroll("pi")
    new = broker.enroll("pi", Before.STAYS)

    for bundle in (old, new):
        with client(broker.device(bundle)):
            pass


def test_a_broker_that_dies_is_started_again(broker: Secured) -> None:
    pi = broker.enroll("pi")
    with client(broker.device(pi)) as device:
        os.kill(broker.pid, signal.SIGKILL)
        until(lambda: len(device.of(Connected)) == 2)


def test_whether_a_broker_is_kept_is_told_by_its_lock(tmp_path: Path) -> None:
    with secured(tmp_path) as broker:
        assert is_kept(broker.plan.folder)
    assert not is_kept(broker.plan.folder)
    assert not is_kept(tmp_path / "nowhere")


def greeted(
    port: int, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLSession, bool]:
    """Shake hands, with an earlier session where there is one, and be greeted by the broker.

    Returns:
        The session, and whether it was taken up.

    Raises:
        OSError: the broker doesn't let us in.
    """
    with (
        socket.create_connection((HOST, port), timeout=5) as link,
        context.wrap_socket(link, server_hostname=HOST, session=session) as secure,
    ):
        secure.sendall(b"\x10\x0f\x00\x04MQTT\x05\x02\x00\x0f\x00\x00\x02pi")
        if secure.recv(1) != b"\x20":
            raise ConnectionRefusedError("it said no")
        assert secure.session is not None
        return secure.session, bool(secure.session_reused)


def test_a_session_from_before_opens_nothing(broker: Secured) -> None:
    """TLS may take up an earlier session without looking at the certificate again."""
    tls = broker.device(broker.enroll("pi")).tls
    assert tls is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(tls.ca)
    context.load_cert_chain(str(tls.certificate), str(tls.key))
    first, _ = greeted(broker.port, context)
    session, taken_up = greeted(broker.port, context, first)
    assert taken_up  # so it matters
    with pytest.raises(OSError, match=NOT_LET_IN):
        greeted(broker.workers_port, context, session)

    broker.fleet.revoke("pi")
    assert knows(broker.plan.folder, newest(broker), AT_ONCE_S)

    for known in (session, None):
        with pytest.raises(OSError, match=NOT_LET_IN):
            greeted(broker.port, context, known)
