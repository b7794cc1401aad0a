"""One connection to the broker, by a paho client of its own that only one thread touches."""

from __future__ import annotations

import math
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sync.broker import Broker
from sync.handshake import Handshake
from sync.transport import SLOTS, Connected, Delivered, Event, Quiet, Received, Will

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessage

CONNECT_S = 10.0
"""For the TCP and TLS handshakes, and again until every subscription is in place."""
SEND_BUFFER = 64 * 1024
"""Of the socket, bytes: what lies there when a link is cut has been sent in vain."""
NOBODY_LISTENS = 0x10
"""A PUBACK's "no matching subscribers": what is not retained has been dropped by the broker."""
SIGN_S = 2.0
"""How long what was read is a sign of life. paho waits for the answer to its ping and for nothing
else; that answer may stand behind megabytes."""
READS = 64
"""Packets that are read before anything else is done."""
LINGER_S = 0.002
"""Longest that a little that has come waits for more, so that it is dealt with together."""
SILENCE = "Keep alive timeout"
"""Name of the reason with which paho ends a link that nothing comes through any more."""
OK = MQTTErrorCode.MQTT_ERR_SUCCESS

Tell = Callable[[Event, int], None]
"""Takes what happened, and how many messages the broker takes at once."""


@dataclass(frozen=True, slots=True)
class Flow:
    """How much a client lets come at once."""

    takes: int = SLOTS
    """Messages that the broker may send before one of them is done with."""
    holds: int = 0
    """Messages that are not done with, from which nothing more is read; 0: no matter how many.

    A broker ought to stop at `takes`. mosquitto 2.0.11 doesn't, once something waits in its queue:
    the first PUBACK has it send all of that, hundreds of megabytes in a bad hour. Answers to what
    is published aren't read then either.
    """
    lot: int = 1
    """Messages that are told of without waiting a moment for more."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to connect."""

    broker: Broker
    """Where, and as whom."""
    tls: Handshake | None
    """Of `broker.tls`."""
    filters: tuple[str, ...]
    """What to subscribe to."""
    will: Will | None
    """What the broker says when it loses us."""
    keepalive_s: int
    """Seconds of silence from which both sides look whether the other is there."""
    spread_s: float = 0.0
    """Within which to come back, at random, where the broker hung up."""
    flow: Flow = Flow()
    """How much comes at once."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish a message."""

    token: int
    """Given back in `Delivered`."""
    topic: str
    """Where."""
    payload: bytes
    """What."""
    retain: bool
    """Whether the broker keeps it for those who come later."""


@dataclass(frozen=True, slots=True)
class Done:
    """Tell the broker that a message has been dealt with."""

    receipt: int
    """Of `Received`."""


Command = Publish | Done
"""What can be ordered."""


class Connection:
    """From `open` until `ended` says why it ended."""

    def __init__(self, plan: Plan, tell: Tell) -> None:
        """Make the client; nothing is connected."""
        self.ended = ""
        self.was_up = False
        self._hung_up = False
        self._messages = 0
        self._confirmed = 0
        self._lot_until = 0.0
        self._plan = plan
        self._tell = tell
        self._tokens: dict[int, tuple[int, bool]] = {}
        self._held = 0
        self._heard_at = float("-inf")
        self._slots = SLOTS
        self._up_by = time.monotonic() + 2 * CONNECT_S
        broker = plan.broker
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages = SLOTS + 1
        if plan.will is not None:
            client.will_set(plan.will.topic, plan.will.payload, qos=1, retain=True)
        if plan.tls is not None:
            client.tls_set_context(plan.tls.context())
        if broker.username:
            client.username_pw_set(broker.username, broker.password)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        self._client = client

    @property
    def hung_up(self) -> bool:
        """Whether the broker ended a link that was up, and not silence or we ourselves."""
        return self.was_up and self._hung_up

    @property
    def ready(self) -> bool:
        """Whether a command can be executed: up, and paho has written what it was given."""
        return self.was_up and not self.ended and not self._client.want_write()

    def open(self) -> None:
        """Begin to connect.

        Raises:
            OSError: nobody is there, or TLS failed.
            ValueError: not a host.
        """
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.ReceiveMaximum = self._plan.flow.takes
        broker = self._plan.broker
        self._client.connect(
            broker.host,
            broker.port,
            self._plan.keepalive_s,
            clean_start=True,
            properties=properties,
        )
        sock: Any = self._client.socket()
        if sock is None:
            raise ConnectionResetError("the broker hung up")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def execute(self, command: Command) -> None:
        """Do what was ordered."""
        if isinstance(command, Done):
            if command.receipt:  # 0: sent with QoS 0; for a PUBACK of that mosquitto hangs up
                self._client.ack(command.receipt, 1)
            self._held -= 1
            return
        info = self._client.publish(command.topic, command.payload, 1, command.retain)
        if info.rc == OK:
            self._tokens[info.mid] = (command.token, command.retain)
        else:
            self.ended = self.ended or f"publishing failed: {info.rc.name}"

    @contextmanager
    def corked(self, commands: Sequence[Command]) -> Iterator[None]:
        """Have many short packets leave in full segments, and the rest at the end."""
        short = len(commands) > 1 and isinstance(commands[0], Done)
        sock: Any = self._client.socket()
        if sock is None or not short:
            yield
            return
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        try:
            yield
        finally:
            sock = self._client.socket()
            if sock is not None:  # writing may have ended the connection
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def pump(self, wake: socket.socket, timeout_s: float) -> None:
        """Read and write what there is; wait for it at most `timeout_s`, or until `wake`."""
        sock: Any = self._client.socket()
        if sock is None:
            self.ended = self.ended or "the connection was closed"
            return
        waiting = _inside_tls(sock) and not self._full
        wait = 0 if waiting else min(timeout_s, self._lot_waits_s())
        writers = [sock] if self._client.want_write() else []
        readers = [wake] if self._full else [sock, wake]
        readable, writable, _ = select.select(readers, writers, [], wait)
        if sock in readable or waiting:
            self._read(sock)
        if writable:
            self._note(self._client.loop_write())
        if not self._full and time.monotonic() - self._heard_at > SIGN_S:
            self._note(self._client.loop_misc())
        if not self.was_up and time.monotonic() > self._up_by:
            self.ended = self.ended or "the broker didn't answer"
        self._tell_of_lot()

    def _read(self, sock: Any) -> None:
        """Read what has come, up to a limit."""
        self._heard_at = time.monotonic()
        if not self._lot:
            self._lot_until = self._heard_at + LINGER_S
        for _ in range(READS):
            self._note(self._client.loop_read())
            gone = self.ended or self._client.socket() is None
            if gone or self._full or not _readable(sock):
                break

    def _lot_waits_s(self) -> float:
        """How long what has been told of may wait for more before it is quiet, seconds."""
        return max(0.0, self._lot_until - time.monotonic()) if self._lot else math.inf

    def _tell_of_lot(self) -> None:
        """Say that this is it for now, once it is enough or has waited long enough."""
        if self._lot and (self._enough or self.ended or not self._lot_waits_s()):
            self._messages = self._confirmed = 0
            self._tell(Quiet(), self._slots)

    @property
    def _lot(self) -> int:
        return self._messages + self._confirmed

    @property
    def _enough(self) -> bool:
        return self._messages >= self._plan.flow.lot or self._confirmed >= SLOTS or self._full

    @property
    def _full(self) -> bool:
        return 0 < self._plan.flow.holds <= self._held

    def doubt(self) -> None:
        """End this, unless something was read within the keepalive.

        While nothing is read nobody sees that the link is dead; somebody else may have a reason.
        """
        if self.was_up and time.monotonic() - self._heard_at > self._plan.keepalive_s:
            self.ended = self.ended or SILENCE

    def goodbye(self) -> None:
        """Leave; the broker says our will."""
        if self.was_up:
            leaving = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
            self._client.disconnect(leaving)
            self._client.loop_write()
        self.ended = self.ended or "stopped"

    def close(self) -> None:
        """Let go of the socket."""
        self._client.on_disconnect = None
        sock = self._client.socket()
        if sock is not None:
            sock.close()

    def _note(self, code: MQTTErrorCode) -> None:
        if code != OK:
            self.ended = self.ended or code.name

    def _on_connect(
        self, client: Client, _data: Any, _flags: Any, code: ReasonCode, properties: Any
    ) -> None:
        if code.is_failure:
            self.ended = f"the broker said: {code}"
            return
        self._slots = min(SLOTS, getattr(properties, "ReceiveMaximum", SLOTS))
        if self._plan.filters:
            client.subscribe([(pattern, 1) for pattern in self._plan.filters])
        else:
            self._up()

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any
    ) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        if refused:
            self.ended = f"the broker refused a subscription: {', '.join(refused)}"
        else:
            self._up()

    def _up(self) -> None:
        self.was_up = True
        self._tell(Connected(), self._slots)

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, code: ReasonCode, _properties: Any
    ) -> None:
        self._hung_up = code.getName() != SILENCE
        self.ended = self.ended or f"disconnected: {code}"

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, code: ReasonCode, _properties: Any
    ) -> None:
        token, kept = self._tokens.pop(mid, (None, False))
        if token is not None:
            accepted = not code.is_failure and (kept or code.value != NOBODY_LISTENS)
            self._confirmed += 1
            self._tell(Delivered(token, accepted, "" if accepted else str(code)), self._slots)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self._messages += 1
        self._held += 1
        self._tell(Received(message.topic, bytes(message.payload), message.mid), self._slots)


def _inside_tls(sock: Any) -> bool:
    """Whether something has come that select doesn't see."""
    return hasattr(sock, "pending") and sock.pending() > 0


def _readable(sock: Any) -> bool:
    return _inside_tls(sock) or bool(select.select([sock], [], [], 0)[0])
