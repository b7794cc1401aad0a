"""The MQTT transport against a real mosquitto, with what it does to its clients."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from sync import mqtt_client
from sync.broker import Broker, Tls
from sync.errors import BadTransportError
from sync.mqtt import MqttTransport
from sync.mqtt_client import Connection, Flow
from sync.transport import SLOTS, Connected, Delivered, Event, Lost, Quiet, Received, Will
from tests.fakes.broker import Mosquitto, free_port, mosquitto
from tests.fakes.slow_link import slow_link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACL = """
acl_file {folder}/acl
"""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as running:
        yield running


class Client:
    """A transport and everything it said."""

    def __init__(self, transport: MqttTransport) -> None:
        self.transport, self.events = transport, list[Event]()
        transport.start(self.events.append)

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    def wait(self, kind: type, count: int = 1, seconds: float = 10) -> list:
        """Wait for so many of these."""
        until(lambda: len(self.of(kind)) >= count, seconds)
        return self.of(kind)


def until(done: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


@contextmanager
def client(
    broker: Broker, *filters: str, will: Will | None = None, **more: Any
) -> Iterator[Client]:
    """A connected client."""
    made = Client(MqttTransport(broker, filters, will, **more))
    made.wait(Connected)
    try:
        yield made
    finally:
        made.transport.stop()


def test_a_message_arrives_and_is_confirmed(broker: Mosquitto) -> None:
    with client(broker.at("tower"), "a/+") as tower, client(broker.at("pi")) as pi:
        token = pi.transport.publish("a/b", b"hello")
        (received,) = tower.wait(Received)
        assert (received.topic, received.payload) == ("a/b", b"hello")
        assert pi.wait(Delivered) == [Delivered(token, accepted=True)]


def test_no_more_than_sixteen_messages_are_taken_at_once(broker: Mosquitto) -> None:
    with client(broker.at("tower"), "a") as tower, client(broker.at("pi")) as pi:
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            tokens = [pi.transport.publish("a", b"%d" % n) for n in range(40)]
            assert pi.transport.free == 0
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        assert sum(token is not None for token in tokens) == SLOTS
        assert [e.payload for e in tower.wait(Received, SLOTS)] == [b"%d" % n for n in range(SLOTS)]


def test_a_broker_that_takes_fewer_at_once_is_given_fewer(tmp_path: Path) -> None:
    few = "max_inflight_messages 3"
    with mosquitto(tmp_path, few) as broker, client(broker.at("pi")) as pi:
        assert pi.transport.free == 3


def test_what_is_not_acknowledged_holds_the_next_messages_back(broker: Mosquitto) -> None:
    with client(broker.at("tower"), "a") as tower, client(broker.at("pi")) as pi:
        for n in range(40):
            until(lambda: pi.transport.free > 0)
            pi.transport.publish("a", b"%d" % n)
        time.sleep(0.3)
        assert len(tower.of(Received)) == SLOTS
        for event in tower.of(Received):
            tower.transport.done(event.receipt)
        tower.wait(Received, 2 * SLOTS)


FLOOD, HOLDS = 600, 32


def flooded(broker: Mosquitto, holds: int = 0) -> int:
    """How many messages a client has that is done with a few, while hundreds wait at the broker."""
    with (
        client(broker.at("worker"), "a/+", flow=Flow(16, holds)) as worker,
        client(broker.at("gate")) as gate,
    ):
        for number in range(FLOOD):
            until(lambda: gate.transport.free > 0)
            assert gate.transport.publish(f"a/{number}", b"x") is not None
        for received in worker.wait(Received, 16)[:4]:
            worker.transport.done(received.receipt)
        time.sleep(1)
        return len(worker.of(Received))


def test_a_client_reads_no_more_than_it_may_hold(broker: Mosquitto) -> None:
    assert flooded(broker, holds=HOLDS) <= HOLDS + 4


def test_without_that_mosquitto_sends_more_than_it_was_asked_for(broker: Mosquitto) -> None:
    if flooded(broker) <= 16 + 4:
        pytest.skip("this mosquitto stops at the client's Receive Maximum, as it should")
    assert flooded(broker) > HOLDS + 4


def test_a_backlog_that_is_worked_off_slowly_is_no_silence(broker: Mosquitto) -> None:
    with (
        client(broker.at("worker"), "a/+", keepalive_s=4, flow=Flow(16, HOLDS)) as worker,
        client(broker.at("gate")) as gate,
    ):
        for number in range(FLOOD):
            until(lambda: gate.transport.free > 0)
            assert gate.transport.publish(f"a/{number}", b"x" * 20_000) is not None
        for settled in range(FLOOD):
            if settled == 50:  # each has brought sixteen more: all the rest is on its way now
                time.sleep(4.5)  # paho's ping would go out, and its answer stand behind that
            time.sleep(0.01)
            received = worker.wait(Received, settled + 1)[settled]
            worker.transport.done(received.receipt)
        assert worker.of(Lost) == []


def test_a_message_of_qos_0_costs_nobody_the_link(broker: Mosquitto) -> None:
    """Whoever may publish may do that, too, and there is nothing to acknowledge of it."""
    with client(broker.at("worker"), "a/+", flow=Flow(takes=16, holds=2)) as worker:
        sloppy = PahoClient(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        sloppy.on_connect = lambda *_: [sloppy.publish(f"a/{n}", b"x", qos=0) for n in range(5)]
        sloppy.connect("127.0.0.1", broker.port)
        sloppy.loop_start()
        for number in range(5):
            worker.transport.done(worker.wait(Received, number + 1)[number].receipt)
        sloppy.disconnect()
        sloppy.loop_stop()
        worker.transport.publish("a/last", b"x")
        worker.wait(Received, 6)
        assert worker.of(Lost) == []


def test_who_holds_enough_goes_on_once_it_is_done_with_some(broker: Mosquitto) -> None:
    with (
        client(broker.at("worker"), "a/+", flow=Flow(16, HOLDS)) as worker,
        client(broker.at("gate")) as gate,
    ):
        for number in range(200):
            until(lambda: gate.transport.free > 0)
            assert gate.transport.publish(f"a/{number}", b"x") is not None
        settled = 0
        while settled < 200:
            came = worker.wait(Received, settled + 1)
            for received in came[settled:]:
                worker.transport.done(received.receipt)
            settled = len(came)
        assert len({received.topic for received in worker.of(Received)}) == 200


def lots(broker: Mosquitto, sent: int, wait: float, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages were told of before each time that it was quiet, at most 8 a lot."""
    monkeypatch.setattr(mqtt_client, "LINGER_S", wait)
    with client(broker.at("tower"), "a", flow=Flow(lot=8)) as tower, client(broker.at("pi")) as pi:
        for n in range(sent):
            until(lambda: pi.transport.free > 0)
            pi.transport.publish("a", b"%d" % n)
        received = tower.wait(Received, min(sent, SLOTS))
        for event in received:
            tower.transport.done(event.receipt)
        tower.wait(Received, sent)
        time.sleep(0.3)
        counts, count = [], 0
        for event in list(tower.events):
            count += isinstance(event, Received)
            if isinstance(event, Quiet):
                counts.append(count)
                count = 0
        return counts


def test_enough_messages_are_told_of_without_waiting_for_more(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = lots(broker, 8, 60.0, monkeypatch)
    assert counts == [8]


def test_fewer_messages_wait_a_moment_for_more_and_no_longer(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sum(lots(broker, 3, 0.002, monkeypatch)) == 3
    assert lots(broker, 3, 60.0, monkeypatch) == []  # they do wait: a minute, if that is a moment


def test_a_message_that_nobody_listens_for_is_not_accepted(broker: Mosquitto) -> None:
    with client(broker.at("pi")) as pi:
        pi.transport.publish("a", b"x")
        (delivered,) = pi.wait(Delivered)
        assert not delivered.accepted
        assert "subscribers" in delivered.reason


def test_a_message_that_the_acl_forbids_is_not_accepted(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic readwrite mine/#\n")
    with mosquitto(tmp_path, ACL.format(folder=tmp_path)) as broker, client(broker.at("pi")) as pi:
        pi.transport.publish("yours/a", b"x")
        (delivered,) = pi.wait(Delivered)
        assert not delivered.accepted
        assert "authorized" in delivered.reason


def test_a_broker_that_dies_is_noticed_and_found_again(broker: Mosquitto) -> None:
    with client(broker.at("pi"), "a") as pi:
        broker.kill()
        pi.wait(Lost)
        assert pi.transport.publish("a", b"x") is None
        broker.start()
        pi.wait(Connected, 2, 20)
        pi.transport.publish("a", b"x")
        pi.wait(Received)


def test_a_broker_that_hangs_is_noticed_after_twice_the_keepalive(broker: Mosquitto) -> None:
    with client(broker.at("pi"), "a", keepalive_s=1) as pi:
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            pi.wait(Lost, 1, 5)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        pi.wait(Connected, 2, 20)


def test_a_half_open_link_is_noticed_after_two_keepalives_and_another_found_seconds_later(
    broker: Mosquitto,
) -> None:
    """At 15 s, as devices have it, with the same seconds on top: well within 45 s."""
    keepalive_s, more_s = 2, 8
    with slow_link(broker.port, 100_000) as link:
        at = Broker("127.0.0.1", "pi", link.port)
        for talking in (False, True):
            with client(at, "a", keepalive_s=keepalive_s, spread_s=40) as pi:
                link.strand()
                begin = time.monotonic()
                end = begin + 2 * keepalive_s + more_s
                while talking and not pi.of(Lost) and time.monotonic() < end:
                    pi.transport.publish("a", b"x" * 60_000)
                    time.sleep(0.05)
                pi.wait(Connected, 2, end - time.monotonic())
                took = time.monotonic() - begin
                assert "Keep alive" in pi.of(Lost)[0].reason
                print(f"found again after {took:.1f} s with a keepalive of {keepalive_s} s")
                pi.transport.publish("a", b"x")
                pi.wait(Received)
    assert 2 * 15 + more_s < 45


def test_a_fleet_comes_back_spread_out_when_its_broker_hangs_up(broker: Mosquitto) -> None:
    """Twenty within 4 s, as a fleet is within 40."""
    fleet = [Client(MqttTransport(broker.at(f"pi-{n}"), spread_s=4)) for n in range(20)]
    times: dict[int, float] = {}

    def note(number: int, event: Event) -> None:
        if isinstance(event, Connected):
            times[number] = time.monotonic()

    for one in fleet:
        one.wait(Connected)
    for number, one in enumerate(fleet):
        one.transport._listener = lambda event, number=number: note(number, event)
    broker.restart()
    try:
        until(lambda: len(times) == len(fleet), 20)
    finally:
        for one in fleet:
            one.transport.stop()
    assert max(times.values()) - min(times.values()) >= 2


def test_a_message_that_the_broker_keeps_needs_nobody_who_listens(broker: Mosquitto) -> None:
    with client(broker.at("pi")) as pi:
        token = pi.transport.publish("a", b"x", retain=True)
        assert pi.wait(Delivered) == [Delivered(token, accepted=True)]


def paho_clients() -> list[PahoClient]:
    """Every client of paho's in memory, also those that earlier tests left behind."""
    return [one for one in gc.get_objects() if type(one) is PahoClient]


def test_paho_never_holds_more_than_the_sixteen(broker: Mosquitto) -> None:
    earlier = {id(one): one for one in paho_clients()}  # kept, so that no id is given anew
    with client(broker.at("tower"), "a") as tower, client(broker.at("pi")) as pi:
        link = pi.transport._link
        assert link is not None
        (mine,) = [
            one for one in paho_clients() if id(one) not in earlier and one._client_id == b"pi"
        ]
        most = 0
        os.kill(broker.pid, signal.SIGSTOP)
        until(lambda: psutil.Process(broker.pid).status() == psutil.STATUS_STOPPED)
        try:
            for n in range(60):
                pi.transport.publish("a", b"%d" % n * 10_000)
                most = max(most, len(mine._out_messages) + len(link._commands))
                time.sleep(0.005)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        assert 1 <= most <= SLOTS
        tower.wait(Received, SLOTS)


def test_a_link_that_nobody_answers_on_says_why(tmp_path: Path) -> None:
    pi = Client(MqttTransport(Broker("127.0.0.1", "pi", free_port())))
    assert "refused" in pi.wait(Lost)[0].reason.lower()
    assert pi.transport.free == 0
    pi.transport.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_died_is_replaced(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client(broker.at("pi"), "a") as pi:
        with monkeypatch.context() as patch:

            def die(*_: object) -> None:
                raise SystemExit

            patch.setattr(Connection, "pump", die)
            until(lambda: not any(t.name == "mqtt" for t in threading.enumerate()), 5)
        assert pi.of(Lost) == []
        pi.transport.check()
        pi.wait(Lost)
        pi.wait(Connected, 2)
        assert pi.transport.restarts == 1
        pi.transport.publish("a", b"x")
        pi.wait(Received)


def test_a_network_thread_that_is_stuck_is_replaced_and_not_listened_to_any_more(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = threading.Event()
    with client(broker.at("pi"), "a") as pi:
        pi.transport.check()
        assert pi.transport.restarts == 0
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "pump", lambda *_: stuck.wait(20))
            time.sleep(1.2)
        link = pi.transport._link
        assert link is not None
        link.alive_until = 0
        pi.transport.check()
        pi.wait(Connected, 2)
        said = len(pi.events)
        stuck.set()
        link.join(5)
        assert len(pi.events) == said


def test_whatever_a_broker_makes_of_a_connection_it_ends_that_connection_alone(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    with client(broker.at("pi"), "a") as pi:
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "pump", lambda *_: {}["a packet nobody expects"])
            assert "KeyError" in pi.wait(Lost)[0].reason
        pi.wait(Connected, 2)
        assert pi.transport.restarts == 0


def test_the_will_is_said_for_who_dies_and_for_who_leaves(broker: Mosquitto) -> None:
    with client(broker.at("tower"), "+/state") as tower:
        with client(broker.at("pi"), will=Will("pi/state", b"gone")):
            pass
        assert tower.wait(Received)[0].payload == b"gone"


def test_a_certificate_that_can_not_be_read_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadTransportError, match="certificates"):
        MqttTransport(Broker("127.0.0.1", "pi", tls=Tls(tmp_path / "none.pem")))


class Certificates:
    """An authority, the broker's certificate and a device's, made by openssl."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = self._run("ca", "-x509", "-subj", "/CN=authority")
        self.broker = self._signed("broker", "subjectAltName=IP:127.0.0.1")
        self.pi = self._signed("pi", "keyUsage=digitalSignature")

    def key(self, certificate: Path) -> Path:
        return certificate.with_suffix(".key")

    def _signed(self, name: str, extension: str) -> Path:
        by = ("-CA", str(self.ca), "-CAkey", str(self.key(self.ca)))
        return self._run(name, "-x509", *by, "-subj", f"/CN={name}", "-addext", extension)

    def _run(self, name: str, *more: str) -> Path:
        made = self.folder / f"{name}.pem"
        command = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        command += ["-nodes", "-days", "2", "-keyout", str(self.key(made)), "-out", str(made)]
        subprocess.run([*command, *more], check=True, capture_output=True)
        return made


def test_over_tls_both_sides_show_a_certificate(tmp_path: Path) -> None:
    made = Certificates(tmp_path)
    config = f"""
        cafile {made.ca}
        certfile {made.broker}
        keyfile {made.key(made.broker)}
        tls_version tlsv1.3
        require_certificate true
        use_identity_as_username true
        acl_file {tmp_path}/acl
    """
    (tmp_path / "acl").write_text("pattern readwrite edgecase/v1/d/%u/#\n")
    with mosquitto(tmp_path, config) as broker:
        own = Tls(made.ca, made.pi, made.key(made.pi))
        at = Broker("127.0.0.1", "pi", broker.port, own)
        with client(at, "edgecase/v1/d/pi/ack") as pi:
            for device, accepted in (("pi", True), ("other", False)):
                pi.transport.publish(f"edgecase/v1/d/{device}/ack", b"x" * 65_000)
                assert pi.wait(Delivered, 1 + (not accepted))[-1].accepted == accepted
            (received,) = pi.wait(Received)
            assert received.payload == b"x" * 65_000
        stranger = Client(MqttTransport(replace(at, tls=Tls(made.ca))))
        assert stranger.wait(Lost)
        assert stranger.of(Connected) == []
        stranger.transport.stop()
