"""A device, a broker and a tower with workers, in a time of their own and with all their faults.

The device's outbox and the tower's spool and archive outlive every crash; nothing else does.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sync import codec, receiver, topics
from sync.bitmap import Bitmap
from sync.chunks import CHUNK_BYTES, cut
from sync.digests import (
    Answer,
    Compare,
    Content,
    Held,
    Question,
    Range,
    compare,
    leaf,
    sum_of,
)
from sync.digests import Item as Asked
from sync.errors import WireError
from sync.memory import MemoryBroker, MemoryTransport
from sync.messages import Address, Ask, Chunk, Header, Kind, Up
from sync.payload import sha256
from sync.sender import Dead, Done, Sender
from sync.transport import Connected, Delivered, Event, Lost, Received
from sync.way import Outgoing

if TYPE_CHECKING:
    from collections.abc import Sequence

DEVICE = "garage"
CASE = "6a1c3a52-0000-4000-8000-{:012d}"


@dataclass(frozen=True)
class Faults:
    """What goes wrong, and until when (seconds); after that all is well."""

    seed: int = 0
    until: float = 60.0
    loss: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    cuts: tuple[float, ...] = ()
    device_deaths: tuple[float, ...] = ()
    worker_deaths: tuple[float, ...] = ()
    broker_restarts: tuple[float, ...] = ()
    outages: tuple[float, ...] = ()
    busy: float = 0.0


@dataclass(frozen=True)
class Item:
    """One parcel and what is in it."""

    parcel: Outgoing
    payload: bytes


def items(sizes: Sequence[int]) -> list[Item]:
    """A parcel for each size, of differing kinds."""
    made = []
    for n, size in enumerate(sizes, 1):
        payload = random.Random(n).randbytes(size)
        digest = sha256(payload)
        kind = (Kind.IMAGE, Kind.CASE, Kind.THUMB)[n % 3]
        image = {Kind.IMAGE: digest, Kind.CASE: "", Kind.THUMB: "ab" * 32}[kind]
        address = Address(CASE.format(n), 1, kind, image, digest)
        made.append(Item(Outgoing(n, Header(address, size, "image/jpeg")), payload))
    return made


class Tower:
    """What is durable on the tower."""

    def __init__(self) -> None:
        self.spool: dict[tuple[str, Address], dict[int, bytes]] = {}
        self.archive: dict[tuple[str, Any], bytes] = {}
        self.inserts: list[tuple[str, Any]] = []
        self.quarantine: dict[tuple[str, Address], bytes] = {}

    def known(self, device: str, header: Header) -> receiver.Known:
        address = header.address
        held = self.archive.get((device, address.key))
        chunks = self.spool.get((device, address))
        return receiver.Known(
            None if held is None else sha256(held),
            (device, address) in self.quarantine,
            Bitmap.of(header.count, chunks) if chunks else None,
        )


def _facts(payload: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload)
    return found


def answer(tower: Tower, device: str, question: Question) -> Answer:
    """What the tower answers in a comparison."""
    mine = {key: payload for (who, key), payload in tower.archive.items() if who == device}
    newest: dict[str, tuple[int, int, bytes]] = {}
    for (case, rev, kind, _), payload in mine.items():
        if kind == Kind.CASE.value and rev > newest.get(case, (0, 0, b""))[0]:
            newest[case] = (rev, int(_facts(payload)["seq"]), payload)
    leaves: dict[int, list[Content]] = {}
    for case, (rev, seq, payload) in newest.items():
        images, thumbs = (
            frozenset(image for c, _, k, image in mine if (c, k) == (case, kind.value))
            for kind in (Kind.IMAGE, Kind.THUMB)
        )
        leaves.setdefault(seq, []).append(Content(case, rev, sha256(payload), images, thumbs))

    def within(wanted: Range) -> list[tuple[int, bytes]]:
        inside = (seq for seq in sorted(leaves) if wanted.first <= seq <= wanted.last)
        return [(seq, leaf(leaves[seq])) for seq in inside]

    if isinstance(question, Compare):
        here = [sum_of(one.range, within(one.range)) for one in question.sums]
        return compare(question.number, question.sums, here)
    missing = [n for n, item in enumerate(question.items) if not _has(mine, item)]
    return Held(question.number, tuple(missing), tuple(within(question.range)))


def _has(mine: dict[Any, bytes], item: Asked) -> bool:
    if item.kind is Kind.CASE:
        held = mine.get((item.case, item.rev, item.kind.value, ""))
        return held is not None and sha256(held) == item.sha256
    return any((c, k, i) == (item.case, item.kind.value, item.sha256) for c, _, k, i in mine)


class Worker:
    """One of the tower's workers; `life` tells its tasks that it has died meanwhile."""

    def __init__(self, world: World, tower: Tower) -> None:
        self.world, self.tower, self.life = world, tower, 0
        self.boot()

    def boot(self) -> None:
        self.transport = MemoryTransport(self.world.broker, [topics.SHARED_UP])
        self.transport.start(self.hear)

    def die(self) -> None:
        self.life += 1
        self.transport.kill()
        self.world.broker.after(2.0, self.boot)

    def later(self, do: Any) -> None:
        life = self.life
        self.world.broker.after(
            self.world.rng.uniform(0.001, 0.05), lambda: do() if life == self.life else None
        )

    def hear(self, event: Event) -> None:
        if isinstance(event, Received):
            self.later(lambda: self.begin(event))

    def begin(self, event: Received) -> None:
        topic = topics.parse_up(event.topic)
        try:
            message = codec.decode_up(topic.case, event.payload)
        except WireError as e:
            self.finish(event, topic.device, receiver.refuse(e, topic.case))
            return
        if self.world.is_bad and self.world.rng.random() < self.world.faults.busy:
            reply = receiver.busy(message.header.address, 1.0)
            self.finish(event, topic.device, reply)
            return
        known = self.tower.known(topic.device, message.header)
        self.go(event, topic.device, message, receiver.take(message, known))

    def go(self, event: Received, device: str, message: Up, step: receiver.Step) -> None:
        """Do the step a moment later: the worker may die before it and between any two."""
        self.later(lambda: self.do(event, device, message, step))

    def do(self, event: Received, device: str, message: Up, step: receiver.Step) -> None:
        place = (device, message.header.address)
        header = message.header
        if isinstance(step, receiver.Keep):
            chunks = self.tower.spool.setdefault(place, {})
            chunks[step.chunk.index] = step.chunk.data
            self.go(event, device, message, receiver.kept(header, Bitmap.of(header.count, chunks)))
        elif isinstance(step, receiver.Assemble):
            chunks = self.tower.spool.get(place, {})
            if len(chunks) < header.count:  # another worker was faster, and has tidied up
                self.go(
                    event, device, message, receiver.take(message, self.tower.known(device, header))
                )
                return
            self.payload = {place: b"".join(chunks[n] for n in range(header.count))}
            digest = sha256(self.payload[place])
            payload, after = self.payload[place], receiver.assembled(header, digest)
            self.later(lambda: self.settle(event, device, message, after, payload))
        elif isinstance(step, receiver.Reply):
            self.finish(event, device, step)
        else:
            raise AssertionError(step)

    def settle(
        self, event: Received, device: str, message: Up, step: receiver.Step, payload: bytes
    ) -> None:
        if isinstance(step, receiver.Store):
            key = (device, message.header.address.key)
            if key not in self.tower.archive:
                self.tower.archive[key] = payload
                self.tower.inserts.append(key)
            after = receiver.stored(message.header, sha256(self.tower.archive[key]))
            self.later(lambda: self.settle(event, device, message, after, payload))
        elif isinstance(step, receiver.Quarantine):
            self.tower.quarantine[(device, message.header.address)] = payload
            self.finish(event, device, step.reply)
        else:
            assert isinstance(step, receiver.Reply)
            self.finish(event, device, step)

    def finish(self, event: Received, device: str, reply: receiver.Reply) -> None:
        if reply.forget:
            self.tower.spool.pop((device, reply.ack.address), None)
        self.transport.publish(topics.ack(device), codec.encode_ack(reply.ack))
        self.transport.done(event.receipt)


class EagerWorker(Worker):
    """Says which chunks have come before anything is done with them, as the tower's does."""

    def begin(self, event: Received) -> None:
        topic = topics.parse_up(event.topic)
        message = codec.decode_up(topic.case, event.payload)
        if isinstance(message, Chunk):
            came = receiver.arrived(message.header, [message.index])
            self.transport.publish(topics.ack(topic.device), codec.encode_downs([came, came]))
        super().begin(event)


class HastyWorker(Worker):
    """A control: it says `stored` before it is."""

    def do(self, event: Received, device: str, message: Up, step: receiver.Step) -> None:
        if isinstance(step, receiver.Assemble):
            stored = receiver.stored(message.header, message.header.address.sha256)
            self.transport.publish(topics.ack(device), codec.encode_ack(stored.ack))
        super().do(event, device, message, step)


class ForgetfulSender(Sender):
    """A control: it doesn't look at bitmaps."""

    def _learn(self, way: Any, ack: Any, now: float) -> None:
        way.asked = None
        self._await_answer(way, now)


@dataclass
class World:
    """Everything together."""

    faults: Faults
    load: list[Item]
    workers: int = 2
    worker_class: type[Worker] = Worker
    sender_class: type[Sender] = Sender
    sent: list[tuple[int, int | None]] = field(default_factory=list)
    dead: dict[int, str] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.faults.seed)
        self.broker = MemoryBroker(self.fate, reconnect_s=0.5)
        self.tower = Tower()
        self.crew = [self.worker_class(self, self.tower) for _ in range(self.workers)]
        self.started: set[int] = set()
        self.wake_at = float("inf")
        self.boot()
        f, after = self.faults, self.broker.after
        for at in f.cuts:
            after(at, lambda: self.broker.cut(self.transport))
        for at in f.device_deaths:
            after(at, self.die)
        for at in f.worker_deaths:
            after(at, lambda: self.rng.choice(self.crew).die())
        for at in f.broker_restarts:
            after(at, self.broker.restart)
        for at in f.outages:
            after(at, self.go_down)

    @property
    def is_bad(self) -> bool:
        return self.broker.now < self.faults.until

    def fate(self) -> list[float]:
        if not self.is_bad:
            return [0.01]
        f, rng = self.faults, self.rng
        copies = 0 if rng.random() < f.loss else 2 if rng.random() < f.double else 1
        return [rng.uniform(0.005, 0.01 + f.delay) for _ in range(copies)]

    def go_down(self) -> None:
        self.broker.up = False
        self.broker.restart()

        def come_up() -> None:
            self.broker.up = True

        self.broker.after(7.0, come_up)

    # The device

    def boot(self) -> None:
        self.sender = self.sender_class(self.rng)
        self.transport = MemoryTransport(self.broker, [topics.ack(DEVICE)])
        for item in self.load:
            p = item.parcel
            if p.id not in self.done and p.id not in self.dead:
                self.sender.add(Outgoing(p.id, p.header, p.id in self.started))
        self.transport.start(self.hear)

    def die(self) -> None:
        self.transport.kill()
        self.broker.after(1.0, self.boot)

    def hear(self, event: Event) -> None:
        now = self.broker.now
        match event:
            case Connected():
                self.sender.connected()
            case Lost():
                self.sender.lost()
            case Delivered():
                self.sender.delivered(event.token, event.accepted, now)
            case Received():
                acks = codec.decode_downs(event.payload)
                outcomes = [o for ack in acks for o in self.sender.heard(ack, now)]  # type: ignore[arg-type]
                for outcome in outcomes:
                    if isinstance(outcome, Done):
                        self.done.add(outcome.parcel)
                    elif isinstance(outcome, Dead):
                        self.dead[outcome.parcel] = outcome.reason
                self.transport.done(event.receipt)
        self.pump()

    def pump(self) -> None:
        now = self.broker.now
        for send in self.sender.due(now, self.transport.free):
            item = self.load[send.parcel.id - 1]
            header = item.parcel.header
            message: Up = Ask(header, send.ask)
            if send.index is not None:
                message = Chunk(header, send.index, cut(item.payload, send.index))
            self.started.add(send.parcel.id)
            topic = topics.up(DEVICE, header.address.case)
            token = self.transport.publish(topic, codec.encode_up(message))
            assert token is not None
            self.sender.handed(send, token)
            self.sent.append((send.parcel.id, send.index))
        wake = self.sender.wake_at(now)
        if wake is not None and (wake < self.wake_at or self.wake_at <= now):
            self.wake_at = wake
            self.broker.after(wake - now, self.pump)

    # The whole

    def run(self, patience_s: float = 3000.0) -> list[str]:
        """Let it happen; what is wrong at the end."""
        while len(self.done) + len(self.dead) < len(self.load) or self.is_bad:
            if self.broker.now > self.faults.until + patience_s or not self.broker.step():
                break
        problems = [f"{n}: {reason}" for n, reason in self.dead.items()]
        for item in self.load:
            parcel = item.parcel
            key = (DEVICE, parcel.header.address.key)
            if parcel.id not in self.done:
                problems.append(f"{parcel.id} is not done")
            if self.tower.archive.get(key) != item.payload:
                problems.append(f"{parcel.id} is missing or different")
            if self.tower.inserts.count(key) > 1:
                problems.append(f"{parcel.id} was stored twice")
        return problems


CHUNKS = CHUNK_BYTES
