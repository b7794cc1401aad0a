"""What one device can do to another: nothing. Told by what arrives, never by what is granted.

mosquitto answers "granted" to a subscription of `#` in spite of its rules, and confirms messages
that it drops; so every test looks at what came, after a message that had to come.
"""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from sync import topics
from sync.broker import Broker, Tls
from sync.cbor import MAX_BYTES
from sync.transport import Lost, Will
from tests.fakes.secured import HOST, Client, Secured, client, secured, tried, until
from tower_sync_server.fleet.fleet import Address, Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync.bundle import Bundle

CASE = "01234567-89ab-4def-8123-456789abcdef"
LAST = b"the last one"
EVERYTHING = "edgecase/#"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with secured(tmp_path_factory.mktemp("secured")) as running:
        yield running


@pytest.fixture(scope="module")
def mine(broker: Secured) -> Bundle:
    return broker.enroll("mine")


@pytest.fixture(scope="module")
def yours(broker: Secured) -> Bundle:
    return broker.enroll("yours")


def forge(broker: Secured, bundle: Bundle, victim: str) -> set[tuple[str, bytes]]:
    """Say everything that is not the bundle's own to say; gives what of it arrived anywhere."""
    forged = [
        topics.up(victim, CASE),
        topics.state(victim),
        topics.digest(victim),
        topics.ack(victim),
        topics.ack(bundle.name),
        topics.hint("stable"),
        f"edgecase/v1/d/{bundle.name}/else",
        f"edgecase/v1/d/{bundle.name}/up/{CASE}/deeper",
        "elsewhere",
    ]
    with client(broker.observer(), "#") as observer, client(broker.device(bundle)) as device:
        for topic in forged:
            for retain in (False, True):
                device.say(topic, b"forged", retain=retain)
        device.say(topics.up(bundle.name, CASE), LAST)
        until(lambda: (topics.up(bundle.name, CASE), LAST) in observer.heard() or ack(observer))
        return {(topic, payload) for topic, payload in observer.heard() if payload == b"forged"}


def ack(observer: Client) -> bool:
    """Take the next ones too."""
    observer.acknowledge()
    return False


def eavesdrop(broker: Secured, bundle: Bundle, victim: str) -> set[str]:
    """Listen to everything; gives the topics that came and are not the bundle's own."""
    own, other = topics.ack(bundle.name), topics.ack(victim)
    filters = ("#", EVERYTHING, "edgecase/v1/d/+/up/+", other, "+/+/+/+/ack", topics.state(victim))
    with (
        client(broker.worker("tower-1")) as tower,
        client(broker.device(bundle), *filters, own) as device,
    ):
        tower.say(other, b"for you")
        tower.say(topics.hint("stable"), b"for all")
        tower.say(own, LAST)
        until(lambda: (own, LAST) in device.heard() or ack(device))
        return {topic for topic, _ in device.heard()} - {own, topics.hint("stable")}


def test_nothing_that_a_device_says_in_anothers_name_arrives(
    broker: Secured, yours: Bundle
) -> None:
    assert forge(broker, yours, "mine") == set()


def test_a_device_hears_nothing_of_another(broker: Secured, yours: Bundle, mine: Bundle) -> None:
    with client(broker.device(mine)) as other:
        other.say(topics.state("mine"), b"how I am", retain=True)
        assert eavesdrop(broker, yours, "mine") == set()


def test_without_the_rules_all_of_it_would_arrive(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The control: the same questions to a broker whose rules were left out."""

    def lax(text: str) -> str:
        return re.sub(r"(?m)^(acl_file|use_username_as_clientid) .*$", "", text)

    with secured(tmp_path_factory.mktemp("lax"), lax) as broker:
        device, victim = broker.enroll("yours"), broker.enroll("mine")
        assert len(forge(broker, device, "mine")) == 9
        assert topics.ack("mine") in eavesdrop(broker, device, "mine")
        assert is_kicked(broker, victim, device)


def is_kicked(broker: Secured, victim: Bundle, by: Bundle) -> bool:
    """Whether somebody who comes with the victim's client id ends the victim's connection."""
    own = topics.up(victim.name, CASE)
    with client(broker.device(victim)) as one, client(broker.observer(), own) as observer:
        with client(broker.device(by, client_id=victim.name)) as other:
            other.say(topics.up(by.name, CASE), LAST)
        if not one.of(Lost):
            one.say(own, LAST)
            until(lambda: bool(one.of(Lost)) or (own, LAST) in observer.heard())
        return bool(one.of(Lost))


def test_anothers_client_id_ends_nobodys_connection(
    broker: Secured, mine: Bundle, yours: Bundle
) -> None:
    assert not is_kicked(broker, mine, yours)


def test_a_name_and_a_password_change_nothing(broker: Secured, yours: Bundle) -> None:
    at = broker.device(yours)
    liar = Broker(at.host, "mine", at.port, at.tls, username="mine", password="x")
    with client(broker.observer(), EVERYTHING) as observer, client(liar) as device:
        device.say(topics.up("mine", CASE), b"forged")
        device.say(topics.up("yours", CASE), LAST)
        until(lambda: (topics.up("yours", CASE), LAST) in observer.heard())
    assert b"forged" not in {payload for _, payload in observer.heard()}


def test_a_will_in_anothers_name_is_never_said(broker: Secured, yours: Bundle) -> None:
    with client(broker.observer(), topics.EVERY_STATE) as observer:
        for name in ("mine", "yours"):
            will = Will(topics.state(name), b"gone from " + name.encode())
            with_will(broker, yours, will)
        until(lambda: (topics.state("yours"), b"gone from yours") in observer.heard())
        assert b"gone from mine" not in {payload for _, payload in observer.heard()}


def with_will(broker: Secured, bundle: Bundle, will: Will) -> None:
    """Connect with a will, if the broker lets that happen, and vanish without a word."""
    device = Client(broker.device(bundle), will=will)
    until(lambda: bool(device.events))
    device.transport.stop()


def test_the_workers_hear_everybody_share_the_work_and_answer(
    broker: Secured, mine: Bundle, yours: Bundle
) -> None:
    shared = (topics.SHARED_UP, topics.EVERY_STATE)
    with (
        client(broker.worker("tower-1"), *shared) as one,
        client(broker.worker("tower-2"), *shared) as two,
        client(broker.device(mine), topics.ack("mine")) as device,
        client(broker.device(yours)) as other,
    ):
        for number in range(4):
            device.say(topics.up("mine", CASE), b"%d" % number)
            other.say(topics.up("yours", CASE), b"%d" % number)
        until(lambda: len(ups(one)) + len(ups(two)) == 8)
        assert len(ups(one)) > 0
        assert len(ups(two)) > 0
        two.say(topics.ack("mine"), b"stored")
        until(lambda: device.heard() == [(topics.ack("mine"), b"stored")])


def ups(worker: Client) -> list[tuple[str, bytes]]:
    return [heard for heard in worker.heard() if "/up/" in heard[0]]


def test_a_worker_can_not_speak_as_a_device(broker: Secured) -> None:
    with client(broker.observer(), EVERYTHING) as observer, client(broker.worker("w")) as worker:
        worker.say(topics.up("mine", CASE), b"forged")
        worker.say(topics.ack("mine"), LAST)
        until(lambda: (topics.ack("mine"), LAST) in observer.heard())
    assert b"forged" not in {payload for _, payload in observer.heard()}


def test_a_device_is_not_let_in_where_workers_are(broker: Secured, yours: Bundle) -> None:
    at = broker.device(yours)
    with tried(Broker(HOST, "mine", broker.workers_port, at.tls)) as device:
        assert device.is_shut_out()


def test_a_worker_is_not_let_in_where_devices_are(broker: Secured) -> None:
    at = broker.worker("mine")
    with tried(Broker(HOST, "mine", broker.port, at.tls)) as worker:
        assert worker.is_shut_out()


def test_without_a_certificate_nobody_is_let_in(broker: Secured, mine: Bundle) -> None:
    ca = broker.device(mine).tls
    assert ca is not None
    for port in (broker.port, broker.workers_port):
        with tried(Broker(HOST, "mine", port, Tls(ca.ca))) as nobody:
            assert nobody.is_shut_out()


def test_a_certificate_of_another_authority_lets_nobody_in(
    broker: Secured, mine: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("foreign")
    foreign = Fleet(folder / "fleet").enroll("mine", Address(HOST, broker.port))
    path = folder / "foreign.bundle"
    path.write_text(foreign.text())
    known = broker.device(mine).tls
    assert known is not None
    with tried(Broker(HOST, "mine", broker.port, Tls(known.ca, path, path))) as stranger:
        assert stranger.is_shut_out()


def test_a_device_does_not_take_a_foreign_broker_for_its_own(
    broker: Secured, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("foreign")
    foreign = Fleet(folder / "fleet").enroll("mine", Address(HOST, broker.port))
    path = folder / "foreign.bundle"
    path.write_text(foreign.text())
    with tried(Broker(HOST, "mine", broker.port, Tls(path, path, path))) as device:
        assert device.is_shut_out()
        assert "CERTIFICATE_VERIFY_FAILED" in device.of(Lost)[0].reason


@pytest.mark.parametrize(("version", "expected"), [("TLSv1_2", False), ("TLSv1_3", True)])
def test_nothing_below_tls_1_3_is_spoken(
    broker: Secured, mine: Bundle, version: str, expected: bool
) -> None:
    tls = broker.device(mine).tls
    assert tls is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(tls.ca)
    context.load_cert_chain(str(tls.certificate), str(tls.key))
    context.maximum_version = ssl.TLSVersion[version]
    for port in (broker.port, broker.workers_port):
        with socket.create_connection((HOST, port), timeout=5) as link:
            try:
                context.wrap_socket(link, server_hostname=HOST).close()
                spoken = True
            except (ssl.SSLError, ConnectionResetError):
                spoken = False
        assert spoken is expected


def test_a_message_that_is_too_large_arrives_nowhere_and_hurts_nobody(
    broker: Secured, mine: Bundle, yours: Bundle
) -> None:
    with client(broker.observer(), EVERYTHING) as observer:
        with client(broker.device(mine)) as other:
            for size in (MAX_BYTES + 1, 10 * MAX_BYTES, MAX_BYTES):
                with client(broker.device(yours)) as device:
                    device.say(topics.up("yours", CASE), b"x" * size)
                    until(lambda device=device: len(device.events) > 1)
            other.say(topics.up("mine", CASE), LAST)
            until(lambda: (topics.up("mine", CASE), LAST) in observer.heard())
            assert other.of(Lost) == []
        sizes = [len(payload) for topic, payload in observer.heard() if "yours/up" in topic]
        assert sizes == [MAX_BYTES]
