"""A tower over a real broker, with an archive in memory; it can be slow, busy, or away."""

from __future__ import annotations

import queue
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sync import codec, receiver, topics
from sync.bitmap import Bitmap
from sync.digest_codec import decode_question
from sync.errors import WireError
from sync.mqtt import MqttTransport
from sync.payload import sha256
from sync.transport import Connected, Event, Received
from tests.fakes.sync_world import Tower, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync.broker import Broker
    from sync.digests import Question
    from sync.messages import Header, Kind, State, Up


class FakeTower:
    """One worker of a tower, in a thread."""

    def __init__(self, broker: Broker, held: Tower | None = None) -> None:
        """Connect; `held` is what an earlier one has left."""
        self.held = held or Tower()
        self.states: list[State] = []
        self.chunks: list[tuple[str, int]] = []
        self.asks = 0
        self.questions: list[Question] = []
        self.up = threading.Event()
        self.refuse_kind: Kind | None = None
        self.slow_s = 0.0
        self._heard: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.transport = MqttTransport(
            broker, [topics.SHARED_UP, topics.SHARED_DIGEST, topics.EVERY_STATE]
        )

    def start(self) -> None:
        self._thread.start()
        self.transport.start(self._heard.put)
        assert self.up.wait(10)

    def stop(self) -> None:
        self.transport.stop()
        self._heard.put(None)
        self._thread.join(10)

    def payloads(self, device: str, kind: Kind) -> dict[tuple[str, int], bytes]:
        """(case, rev) → what arrived of this kind."""
        return {
            (case, rev): payload
            for (who, (case, rev, what, _)), payload in self.held.archive.items()
            if who == device and what == kind.value
        }

    def _work(self) -> None:
        while (event := self._heard.get()) is not None:
            if isinstance(event, Connected):
                self.up.set()
            if isinstance(event, Received):
                self._take(event)

    def _take(self, event: Received) -> None:
        if event.topic.endswith("/state"):
            self.states.append(codec.decode_state(event.payload))
            self.transport.done(event.receipt)
            return
        if event.topic.endswith("/digest"):
            device = topics.parse_digest(event.topic)
            self.questions.append(decode_question(event.payload))
            said = answer(self.held, device, self.questions[-1])
            self._say(event, device, codec.encode_down(said))
            return
        topic = topics.parse_up(event.topic)
        try:
            message = codec.decode_up(topic.case, event.payload)
            reply = self._decide(topic.device, message)
        except WireError as e:
            reply = receiver.refuse(e, topic.case)
        time.sleep(self.slow_s)
        self._say(event, topic.device, codec.encode_ack(reply.ack))

    def _say(self, event: Received, device: str, payload: bytes) -> None:
        for _ in range(100):
            if self.transport.publish(topics.ack(device), payload) is not None:
                break
            time.sleep(0.01)
        self.transport.done(event.receipt)

    def _decide(self, device: str, message: Up) -> receiver.Reply:
        header = message.header
        place = (device, header.address)
        chunk = getattr(message, "index", None)
        if chunk is None:
            self.asks += 1
        else:
            self.chunks.append((header.address.sha256, chunk))
        if header.address.kind is self.refuse_kind:
            return receiver.Reply(receiver._conflict(header.address))
        step = receiver.take(message, self.held.known(device, header))
        while not isinstance(step, receiver.Reply):
            if isinstance(step, receiver.Keep):
                chunks = self.held.spool.setdefault(place, {})
                chunks[step.chunk.index] = step.chunk.data
                step = receiver.kept(header, Bitmap.of(header.count, chunks))
            elif isinstance(step, receiver.Assemble):
                whole = self._whole(place, header)
                step = receiver.assembled(header, sha256(whole))
            elif isinstance(step, receiver.Store):
                whole = self._whole(place, header)
                key = (device, header.address.key)
                if key not in self.held.archive:
                    self.held.archive[key] = whole
                    self.held.inserts.append(key)
                step = receiver.stored(header, sha256(self.held.archive[key]))
            else:
                self.held.quarantine[place] = self._whole(place, header)
                step = step.reply
        return step

    def _whole(self, place: tuple[str, object], header: Header) -> bytes:
        chunks = self.held.spool[place]  # type: ignore[index]
        return b"".join(chunks[n] for n in range(header.count))


@contextmanager
def tower(broker: Broker, held: Tower | None = None) -> Iterator[FakeTower]:
    """A running tower."""
    fake = FakeTower(broker, held)
    fake.start()
    try:
        yield fake
    finally:
        fake.stop()
