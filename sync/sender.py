"""The device's end: what to send next. Decides; touches nothing but its own memory.

A parcel is on its way until the tower says `stored` or `reject`. Nothing is sent a second time on a
guess: where an answer is overdue, or the link was cut, the sender asks (`Ask`), and sends what the
bitmap in the answer says is missing. While the tower doesn't answer at all, one question at a time
goes out, further and further apart.

Times are seconds of any monotonic clock; the randomness is given, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync.backoff import FIRST_S, LONGEST_S, backoff
from sync.messages import Ack, Busy, Have, Reject, Stored
from sync.transport import SLOTS
from sync.way import Outgoing, Way
from sync.ways import Ways

if TYPE_CHECKING:
    import random

    from sync.messages import Address

ACTIVE = 256
"""Parcels that are worked on; those the tower doesn't answer for rest and don't count."""
KNOWN = 1024
"""Parcels in memory at most."""
SOONEST_S = FIRST_S / 2
"""No answer is overdue sooner than this after the question."""
RESTING = 3
"""Overdue answers in a row from which a parcel lets others pass."""


@dataclass(frozen=True, slots=True)
class Send:
    """Publish this, then tell `handed`."""

    parcel: Outgoing
    """Of which parcel."""
    index: int | None
    """The chunk; None: an `Ask`."""
    ask: int = 0
    """The number of the `Ask`."""
    first: bool = False
    """Whether nothing of the parcel was sent before."""


@dataclass(frozen=True, slots=True)
class Done:
    """The tower holds it."""

    parcel: int
    """Its row."""


@dataclass(frozen=True, slots=True)
class Dead:
    """The tower refused it for good."""

    parcel: int
    """Its row."""
    reason: str
    """For people: the code, and the tower's words."""


Outcome = Done | Dead


class Sender:
    """The state machine; see the module."""

    def __init__(self, rng: random.Random, window: int = SLOTS) -> None:
        """Have at most `window` messages unanswered."""
        self._rng = rng
        self._window = window
        self._ways = Ways()
        self._places: dict[Address, list[Way]] = {}
        self._tokens: dict[int, Way] = {}
        self._connected = False
        self._questions = 0
        self._heard_at = -math.inf
        self._silences = 0
        self._probe: int | None = None
        self._quiet_until = -math.inf
        self._expire_at = -math.inf
        self._soonest = math.inf
        """No answer is overdue before; it is looked at again when that time has come."""

    # What is on its way

    @property
    def known(self) -> frozenset[int]:
        """Rows that are on their way."""
        return frozenset(self._ways)

    @property
    def room(self) -> int:
        """How many more parcels to add; others rest meanwhile."""
        return max(0, min(ACTIVE - self._active, KNOWN - len(self._ways)))

    @property
    def _active(self) -> int:
        return sum(way.tries < RESTING for way in self._ways.values())

    @property
    def silent(self) -> bool:
        """Whether the tower has stopped answering."""
        return self._silences > 0

    def add(self, parcel: Outgoing) -> None:
        """Send this too; one that is known already stays as it is."""
        if parcel.id in self._ways:
            return
        way = self._ways.set_out(parcel)
        self._places.setdefault(parcel.header.address, []).append(way)

    def drop(self, parcel: int) -> None:
        """Forget it: overtaken by a newer revision, or settled."""
        way = self._ways.end(parcel)
        if way is not None:
            self._leave(way)
            self._doubt(way)

    def trim(self) -> None:
        """Let go of what is too much and has not begun, the least urgent first."""
        over = max(self._active - ACTIVE, len(self._ways) - KNOWN)
        if over <= 0:
            return
        waiting = [way.parcel.id for way in self._ways.by_rank() if way.first]
        for parcel in waiting[-over:]:
            self.drop(parcel)

    # What happened

    def connected(self) -> None:
        """The link is up."""
        self._connected = True

    def lost(self) -> None:
        """The link is down, and with it what was in the pipe and in the broker's memory."""
        self._connected = False
        self._tokens.clear()
        self._probe = None
        for way in self._ways.moving:
            self._doubt(way)

    def handed(self, send: Send, token: int) -> None:
        """The transport took it."""
        way = self._ways[send.parcel.id]
        way.first = False
        way.handed[token] = send.index
        self._tokens[token] = way
        if send.index is None:
            way.unsure, way.asked = False, send.ask
            self._probe = send.parcel.id if self.silent else None
        else:
            way.todo.remove(send.index)
        self._ways.note(way)

    def delivered(self, token: int, accepted: bool, now: float) -> None:
        """The broker has it, or refused it."""
        way = self._tokens.pop(token, None)
        if way is None:
            return
        index = way.handed.pop(token)
        way.sent_at = now
        if not accepted:
            self._doubt(way)
            if now >= self._quiet_until:  # the others of the same volley don't count
                self._silences += 1
                self._quiet_until = now + backoff(self._silences, self._rng)
            return
        if index is not None and index not in way.had:
            way.afloat.add(index)
        self._ways.note(way)
        self._await_answer(way, now)

    def heard(self, ack: Ack, now: float) -> list[Outcome]:
        """The tower answered; what that settles."""
        self._heard_at, self._silences, self._probe = now, 0, None
        concerned = self._concerned(ack)
        outcomes: list[Outcome] = []
        for way in concerned:
            if isinstance(ack, Stored):
                outcomes.append(Done(way.parcel.id))
            elif isinstance(ack, Reject):
                outcomes.append(Dead(way.parcel.id, f"{ack.code}: {ack.reason}"))
            elif isinstance(ack, Have):
                self._learn(way, ack, now)
        for outcome in outcomes:
            self.drop(outcome.parcel)
        if isinstance(ack, Busy):
            self._rest(concerned, ack, now)
        return outcomes

    # What to do

    def due(self, now: float, slots: int) -> list[Send]:
        """What to publish now, most urgent first, at most `slots`; the same again until handed."""
        if not self._connected or now < self._quiet_until:
            return []
        self._expire(now)
        if self.silent:
            return self._knock() if slots else []
        free = min(slots, self._window - self._ways.in_flight)
        sends: list[Send] = []
        for way in self._ways.eager():
            if len(sends) >= free:
                break
            sends += self._of(way)[: free - len(sends)]
        return sends

    def wake_at(self, now: float) -> float | None:
        """When `due` may have something without anything having happened; None: never."""
        if not self._connected or not self._ways:
            return None
        if now < self._quiet_until:
            return self._quiet_until
        if now >= self._soonest:
            dues = (due for way in self._ways.values() if (due := way.due_at) is not None)
            self._soonest = min(dues, default=math.inf)
        return None if self._soonest == math.inf else max(self._soonest, self._expire_at)

    def _of(self, way: Way) -> list[Send]:
        if way.unsure:
            return [self._question(way)]
        return [
            Send(way.parcel, index, first=way.first) for index in way.todo[: -self._window - 1 : -1]
        ]

    def _knock(self) -> list[Send]:
        """One question at a time while the tower is silent."""
        probe = self._ways.get(-1 if self._probe is None else self._probe)
        if probe is not None and probe.asked is not None:
            return []
        free = [way for way in self._ways.by_rank() if way.asked is None and not way.handed]
        # One that never gets an answer must not keep the others from being tried.
        fewest = min(free, key=lambda way: way.tries, default=None)
        return [] if fewest is None else [self._question(fewest)]

    def _question(self, way: Way) -> Send:
        self._questions += 1
        return Send(way.parcel, None, self._questions, way.first)

    def _expire(self, now: float) -> None:
        if now < self._expire_at:
            return
        self._expire_at = now + SOONEST_S / 4
        for way in self._ways.values():
            if way.due_at is None or now < way.due_at:
                continue
            way.tries += 1
            silence = way.sent_at >= self._heard_at
            if silence and (not self.silent or way.parcel.id == self._probe):
                self._silences += 1
                self._probe = None
            self._doubt(way)

    def _await_answer(self, way: Way, now: float) -> None:
        way.deadline = now + backoff(max(way.tries, self._silences), self._rng)
        self._soonest = min(self._soonest, way.deadline)

    def _learn(self, way: Way, ack: Have, now: float) -> None:
        answered = ack.answers is not None and ack.answers == way.asked
        if way.learn(ack.chunks, ack.answers):
            way.tries = 0
        elif answered:
            way.tries += 1  # it keeps asking for the same: not at once again
        self._ways.note(way)
        self._await_answer(way, now)

    def _rest(self, concerned: list[Way], ack: Busy, now: float) -> None:
        seconds = min(max(ack.seconds, 1.0), LONGEST_S) * self._rng.uniform(1.0, 1.25)
        self._quiet_until = max(self._quiet_until, now + seconds)
        for way in concerned:
            self._doubt(way)

    def _doubt(self, way: Way) -> None:
        for token in way.handed:
            self._tokens.pop(token, None)
        way.doubt()
        self._ways.note(way)

    def _leave(self, way: Way) -> None:
        """It is under its address no more."""
        address = way.parcel.header.address
        left = [other for other in self._places[address] if other is not way]
        if left:
            self._places[address] = left
        else:
            del self._places[address]

    def _concerned(self, ack: Ack) -> list[Way]:
        """What it is about; what was never sent can't be refused."""
        address = ack.address
        if address.kind is None:
            sent = (way for way in self._ways.values() if not way.first)
            return [way for way in sent if address.covers(way.parcel.header.address)]
        ways = self._places.get(address, [])
        if isinstance(ack, Have):
            return [way for way in ways if way.parcel.header.count == ack.chunks.count]
        return list(ways)
