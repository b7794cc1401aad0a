"""What waits before a worker: devices take turns, and none has all the places.

A device that keeps the rules has sixteen messages unanswered. Since a worker says early that chunks
have come, it may have more in hand than that, and a quick one nearly all that a worker holds. A
device that doesn't wait for answers is cut off a little below: its further messages are not looked
at, so that those of others behind them come to the front.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from typing import Generic, TypeVar

from sync.topics import ROOT
from sync.transport import INFLIGHT, SLOTS

MENTIONED = INFLIGHT + 4 * SLOTS
"""Messages of one device in hand up to which it hears early that chunks have come."""
MOST = MENTIONED + 2 * SLOTS
"""Of one device in hand: those that it sent before it heard no more are among them."""
TURN = SLOTS
"""Messages that a device gets dealt with before the next one's."""
DEVICES = f"{ROOT}/d/"
T = TypeVar("T")


def whose(topic: str) -> str:
    """The device of a topic; "" where it is none of a device."""
    return topic[len(DEVICES) :].partition("/")[0] if topic.startswith(DEVICES) else ""


class Places:
    """Counts what each device has in hand; several threads may."""

    def __init__(self) -> None:
        """Nobody has anything."""
        self._lock = threading.Lock()
        self._in_hand: Counter[str] = Counter()

    def enter(self, device: str) -> bool:
        """Give a message of a device a place; False where it has too many."""
        with self._lock:
            if self._in_hand[device] >= MOST:
                return False
            self._in_hand[device] += 1
            return True

    def leave(self, device: str) -> None:
        """A message has been dealt with."""
        with self._lock:
            self._in_hand[device] -= 1
            if self._in_hand[device] <= 0:
                del self._in_hand[device]

    def clear(self) -> None:
        """The link was lost, and with it all that was in hand."""
        with self._lock:
            self._in_hand.clear()

    def may_go_on(self, device: str) -> bool:
        """Whether it is to hear early that what it sent has come."""
        with self._lock:
            return self._in_hand[device] <= MENTIONED


class Turns(Generic[T]):
    """A queue from which devices are taken in turn; whoever uses it sees to threads."""

    def __init__(self) -> None:
        """It is empty."""
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()
        self._count = 0
        self._left = TURN

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    def put(self, device: str, thing: T) -> None:
        """Have it wait behind those of its device."""
        self._waiting.setdefault(device, deque()).append(thing)
        self._count += 1

    def pop(self) -> T:
        """The next one; there has to be one."""
        device, things = next(iter(self._waiting.items()))
        thing = things.popleft()
        self._count -= 1
        self._left -= 1
        if not things:
            del self._waiting[device]
            self._left = TURN
        elif not self._left:
            self._waiting.move_to_end(device)
            self._left = TURN
        return thing
