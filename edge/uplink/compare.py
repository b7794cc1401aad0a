"""Compares both ends now and then: what the tower has lost is queued again.

`sync.comparison` decides what to ask; this reads and writes the receipts. A whole comparison is due
once a day and after a long silence; where the tower said `stored` since, those ranges alone are
compared every hour, since nothing of a case may leave the device before.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.store.refill import Refill
from sync.comparison import Agreed, Checked, Comparison, Items, Nothing
from sync.digest_codec import encode_question
from sync.digests import Answer, Check, Compare

if TYPE_CHECKING:
    import random

    from edge.ports import Clock
    from edge.store.receipt_book import ReceiptBook
    from edge.store.receipts import Own
    from sync.comparison import Finding
    from sync.digests import Question

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When to compare."""

    every_s: float = 24 * 3600.0
    """Between two comparisons of everything."""
    again_s: float = 3600.0
    """Between two of what has not been confirmed yet, at most `every_s`."""
    silence_s: float = 3600.0
    """Without a link, or without this program, after which everything is compared."""
    spread_s: float = 60.0
    """Then within this time at random: a fleet doesn't ask all at once."""


class Comparing:
    """Asks, hears, and has the store do what follows."""

    def __init__(self, book: ReceiptBook, clock: Clock, rhythm: Rhythm, rng: random.Random) -> None:
        """Compare what is in `book`; nothing is read yet."""
        self._book = book
        self._clock = clock
        self._rhythm = rhythm
        self._rng = rng
        self._round: Comparison | None = None
        self._whole = False
        self._own: Own | None = None
        self._question: Question | None = None
        self._answers: deque[Answer] = deque()
        self._whole_at: float | None = None
        self._part_at = 0.0
        self._lost_at: float | None = None
        self._found = Refill()
        self._wish = 0
        self._followed = 0
        """The wish that the next comparison of everything fulfils."""

    @property
    def found(self) -> Refill:
        """What all comparisons since the start of the program have come to."""
        return self._found

    def soon(self) -> None:
        """Compare everything as soon as there is a link."""
        self._whole_at = float("-inf")

    def wished(self, number: int) -> None:
        """The tower wishes that everything is compared; whether that is news, `step` looks up."""
        self._wish = number

    def connected(self, now: float) -> None:
        """The link is up."""
        silence = 0.0 if self._lost_at is None else now - self._lost_at
        self._lost_at = None
        if silence >= self._rhythm.silence_s and self._whole_at is not None:
            self._whole_at = min(self._whole_at, now + self._rng.uniform(0, self._rhythm.spread_s))

    def lost(self, now: float) -> None:
        """The link is down."""
        if self._lost_at is None:
            self._lost_at = now
        self._answers.clear()
        if self._round is not None:
            self._round.lost()

    def heard(self, answer: Answer) -> None:
        """The tower answered; `step` deals with it."""
        self._answers.append(answer)

    async def step(self, now: float) -> tuple[bytes | None, Refill]:
        """Deal with what was heard; gives the question to send now, and what has to go again."""
        done = Refill()
        while self._answers:
            done += await self._take(self._answers.popleft())
        await self._begin(now)
        if self._round is None:
            return None, done
        if self._round.done:
            await self._end()
            return None, done
        self._question = await self._ask(self._round, now)
        return (None if self._question is None else encode_question(self._question)), done

    def sent(self, now: float) -> None:
        """The transport took the question that `step` gave."""
        if self._round is not None and self._question is not None:
            self._round.asked(self._question, now)
            self._question = None

    async def _begin(self, now: float) -> None:
        """Begin a round where one is due."""
        if self._whole_at is None:
            self._whole_at = now + await self._left()
            self._part_at = now + self._again_s
        if self._round is not None:
            return
        if self._wish != self._followed and await self._book.wish() < self._wish:
            soon = now + self._rng.uniform(0, self._rhythm.spread_s)
            self._whole_at = min(self._whole_at, soon)
        self._followed = self._wish
        if now >= self._whole_at:
            self._start(Comparison(await self._book.ranges(unconfirmed=False), self._rng), now)
            self._whole, self._whole_at = True, now + self._rhythm.every_s
        elif now >= self._part_at:
            ranges = await self._book.ranges(unconfirmed=True)
            self._part_at = now + self._again_s
            if ranges:
                self._start(Comparison(ranges, self._rng), now)

    @property
    def _again_s(self) -> float:
        return min(self._rhythm.again_s, self._rhythm.every_s)

    def _start(self, fresh: Comparison, now: float) -> None:
        self._round, self._whole = fresh, False
        self._part_at = now + self._again_s

    async def _left(self) -> float:
        """Seconds until everything has to be compared, after a start of the program."""
        at = (await self._book.compared()).at
        if at is None or not self._clock.trusted():
            return 0.0
        passed = (self._clock.now() - at).total_seconds()
        if 0 <= passed < self._rhythm.silence_s:
            return self._rhythm.every_s - passed
        return self._rng.uniform(0, self._rhythm.spread_s)

    async def _end(self) -> None:
        if self._whole:
            await self._book.finish(self._followed)
        self._round = None

    async def _ask(self, round_: Comparison, now: float) -> Question | None:
        wish = round_.next(now)
        if wish is None:
            return None
        if isinstance(wish, Items):
            self._own = await self._book.own(wish.range)
            return Check(round_.number, self._own.range, self._own.items)
        return Compare(round_.number, await self._book.sums(wish.ranges))

    async def _take(self, answer: Answer) -> Refill:
        done = Refill()
        for finding in [] if self._round is None else self._round.heard(answer):
            done += await self._settle(finding)
        self._found += done
        if done.parcels:
            log.warning("the tower has lost %d things; they go again", done.parcels)
        if done.lost:
            log.error("%d cases or photos are neither here nor on the tower", done.lost)
        return done

    async def _settle(self, finding: Finding) -> Refill:
        match finding:
            case Agreed(asked):
                await self._book.agree(asked)
                return Refill()
            case Nothing(asked):
                return await self._book.refill_all(asked.range)
            case Checked():
                if self._own is None or self._own.range != finding.range:
                    return Refill()
                return await self._book.settle(self._own, finding)
