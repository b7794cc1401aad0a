"""Two ends that compare what the tower holds, over the lossy transport and in a time of its own.

The device is as plain as it can be: what it holds never changes, and what has to go again arrives.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from sync import codec, topics
from sync.comparison import Agreed, Checked, Comparison, Finding, Items, Nothing
from sync.digest_codec import decode_question, encode_question
from sync.digests import (
    Answer,
    Check,
    Compare,
    Content,
    Differ,
    Held,
    Item,
    Question,
    Range,
    Sum,
    compare,
    leaf,
    sum_of,
    wide_ranges,
)
from sync.memory import MemoryBroker, MemoryTransport
from sync.messages import Kind
from sync.transport import Connected, Event, Lost, Received

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICE = "garage"
CASE = "6a1c3a52-0000-4000-8000-{:012d}"


def content(seq: int, rev: int = 1, photos: int = 1) -> Content:
    """A case with its photos; each has a thumbnail."""
    images = frozenset(f"{seq:032x}{n:032x}" for n in range(photos))
    return Content(CASE.format(seq), rev, f"{rev:064x}", images, images)


def items_of(one: Content) -> list[Item]:
    """Everything of a case that can be sent."""
    found = [Item(one.case, one.rev, Kind.CASE, one.sha256)]
    for image in sorted(one.images):
        found += [Item(one.case, one.rev, kind, image) for kind in (Kind.THUMB, Kind.IMAGE)]
    return found


def without(one: Content, kind: Kind) -> Content | None:
    """What is left of a case of which something was lost."""
    if kind is Kind.CASE:
        return None if one.rev == 1 else Content(one.case, 1, f"{1:064x}", one.images, one.thumbs)
    images = frozenset() if kind is Kind.IMAGE else one.images
    thumbs = frozenset() if kind is Kind.THUMB else one.thumbs
    return Content(one.case, one.rev, one.sha256, images, thumbs)


@cache
def leaf_of(one: Content) -> bytes:
    return leaf([one])


@dataclass
class Ends:
    """What each end holds: number → content."""

    device: dict[int, Content]
    tower: dict[int, Content]

    def leaves(self, held: Mapping[int, Content], within: Range) -> list[tuple[int, bytes]]:
        inside = range(within.first, within.last + 1)
        return [(seq, leaf_of(held[seq])) for seq in inside if seq in held]

    def sums(self, held: Mapping[int, Content], *ranges: Range) -> tuple[Sum, ...]:
        return tuple(sum_of(within, self.leaves(held, within)) for within in ranges)

    def answer(self, question: Question) -> Answer:
        """The tower's."""
        if isinstance(question, Compare):
            ranges = [one.range for one in question.sums]
            return compare(question.number, question.sums, self.sums(self.tower, *ranges))
        missing = tuple(n for n, item in enumerate(question.items) if not self._holds(item))
        return Held(question.number, missing, tuple(self.leaves(self.tower, question.range)))

    def _holds(self, item: Item) -> bool:
        one = self.tower.get(int(item.case[-12:]))
        return one is not None and _has(one, item)

    def ask(self, wish: object, number: int) -> Question:
        """The device's."""
        if isinstance(wish, Items):
            within = wish.range
            inside = range(within.first, within.last + 1)
            held = [self.device[seq] for seq in inside if seq in self.device]
            return Check(number, within, tuple(item for one in held for item in items_of(one)))
        return Compare(number, self.sums(self.device, *wish.ranges))  # type: ignore[attr-defined]

    def settle(self, finding: Finding) -> None:
        """What has to go again arrives."""
        match finding:
            case Agreed():
                pass
            case Nothing(asked):
                for seq in range(asked.range.first, asked.range.last + 1):
                    self._send(seq)
            case Checked(_, missing, _):
                for seq in {int(item.case[-12:]) for item in missing}:
                    self._send(seq)

    def _send(self, seq: int) -> None:
        if seq in self.device:
            self.tower[seq] = self.device[seq]

    def missing(self) -> list[int]:
        """Numbers of which the tower does not hold everything."""
        return [seq for seq, one in self.device.items() if self.tower.get(seq) != one]


def _has(one: Content, item: Item) -> bool:
    if item.kind is Kind.CASE:
        return (item.rev, item.sha256) == (one.rev, one.sha256)
    return item.sha256 in (one.images if item.kind is Kind.IMAGE else one.thumbs)


def blind(question: Question, ends: Ends) -> Answer:
    """A control: a tower that counts and does not look at what it counts."""
    answer = ends.answer(question)
    if isinstance(answer, Differ) and isinstance(question, Compare):
        same = {n for n, count in answer.counts if question.sums[n].count == count}
        return Differ(answer.number, tuple(pair for pair in answer.counts if pair[0] not in same))
    return answer


@dataclass
class World:
    """A device, a broker, and workers that share the questions."""

    ends: Ends
    seed: int = 0
    loss: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    cuts: tuple[float, ...] = ()
    until: float = 60.0
    workers: int = 2
    answers: Callable[[Question, Ends], Answer] = lambda question, ends: ends.answer(question)
    asked: list[Question] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.broker = MemoryBroker(self.fate, reconnect_s=0.5)
        top = max([0, *self.ends.device])
        self.round = Comparison(wide_ranges(range(-(-top // 1024))), self.rng)
        self.device = MemoryTransport(self.broker, [topics.ack(DEVICE)])
        self.device.start(self.hear)
        for _ in range(self.workers):
            self._work()
        for at in self.cuts:
            self.broker.after(at, lambda: self.broker.cut(self.device))

    def fate(self) -> list[float]:
        if self.broker.now >= self.until:
            return [0.01]
        rng = self.rng
        copies = 0 if rng.random() < self.loss else 2 if rng.random() < self.double else 1
        return [rng.uniform(0.005, 0.01 + self.delay) for _ in range(copies)]

    def _work(self) -> None:
        worker = MemoryTransport(self.broker, [topics.SHARED_DIGEST])

        def take(event: Event) -> None:
            if isinstance(event, Received):
                answer = self.answers(decode_question(event.payload), self.ends)
                worker.publish(topics.ack(DEVICE), codec.encode_down(answer))
                worker.done(event.receipt)

        worker.start(take)

    def hear(self, event: Event) -> None:
        if isinstance(event, Lost):
            self.round.lost()
        if isinstance(event, Received):
            for finding in self.round.heard(codec.decode_down(event.payload)):  # type: ignore[arg-type]
                self.ends.settle(finding)
            self.device.done(event.receipt)
        if isinstance(event, Connected | Received):
            self.pump()

    def pump(self) -> None:
        now = self.broker.now
        wish = self.round.next(now) if self.device.connected else None
        if wish is None:
            return
        question = self.ends.ask(wish, self.round.number)
        if self.device.publish(topics.digest(DEVICE), encode_question(question)) is not None:
            self.asked.append(question)
            self.round.asked(question, now)
        wake = self.round.wake_at()
        self.broker.after(0.1 if wake is None else wake - now, self.pump)

    def run(self, patience_s: float = 40_000.0) -> bool:
        """Let it happen; whether the round came to its end."""
        while not self.round.done and self.broker.now < patience_s:
            if not self.broker.step():
                break
        return self.round.done
