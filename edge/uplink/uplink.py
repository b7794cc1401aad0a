"""Outbox → sync: what the tower doesn't hold yet travels there, piece by piece.

`sync.sender` decides; this reads the outbox and the pieces, hands them to the transport, and notes
the receipts. All that is in memory can be lost at any moment: the outbox knows what is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from edge.errors import EdgeError
from edge.events import EventKind
from edge.ports import UplinkStatus
from edge.store.outbox import Kind
from sync import codec, topics
from sync.chunks import span
from sync.digests import Differ, Held
from sync.errors import WireError
from sync.messages import Address, Ask, Chunk, Header, Hint, Up, Wish
from sync.messages import Kind as Wire
from sync.sender import ACTIVE, Dead, Done, Sender
from sync.transport import SLOTS, Connected, Delivered, Event, Lost, Quiet, Received
from sync.way import Outgoing

if TYPE_CHECKING:
    from edge.events import Events
    from edge.ports import Clock
    from edge.store.outbox import Parcel
    from edge.store.parcels import Content
    from edge.store.store import Store
    from edge.uplink.compare import Comparing
    from edge.uplink.schedule import Schedule
    from edge.uplink.state import Teller
    from sync.sender import Outcome, Send
    from sync.transport import Transport

LOOK_S = 1.0
"""Between two looks into the outbox."""
MANY = ACTIVE // 4
"""Parcels for which there has to be room for an earlier look."""
SPARE = 32
"""Parcels that are looked at beyond: among them may be texts that go before photos in hand."""
TROUBLE_S = 5.0
"""Before trying again what the store couldn't do."""

WIRE = {kind: Wire(kind.value) for kind in Kind}
"""What a parcel is called on the way."""

OnHint = Callable[[Hint], None]
"""Hears, in the event loop, that there is a release to look at; it must not block."""

log = logging.getLogger(__name__)


def ignore_hint(_hint: Hint) -> None:
    """Nobody wants to know."""


class Uplink:
    """Sends what waits, as long as `run` does."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        events: Events,
        clock: Clock,
        teller: Teller,
        comparing: Comparing,
        schedule: Schedule,
        on_hint: OnHint = ignore_hint,
    ) -> None:
        """Keep the parts; nothing is connected before `run`."""
        self._store = store
        self._transport = transport
        self._events = events
        self._clock = clock
        self._teller = teller
        self._device = teller.device
        self._comparing = comparing
        self._window = schedule.window
        self._pace = schedule.pace
        self._on_hint = on_hint
        self._sender = Sender(random.Random())  # noqa: S311  jitter, no secret
        self._contents: dict[int, Content] = {}
        self._done: list[int] = []
        """Rows that the tower holds, which is not noted yet."""
        self._heard: deque[Event] = deque()
        self._urgent = False
        self._wake = asyncio.Event()
        self._look_at = float("-inf")
        self._more = True
        """Whether the last look left something behind."""
        self._connected = False
        self._reason = ""
        self._refused = ""
        self._question: int | None = None
        """Token of the last question of a comparison: a tower of before doesn't listen to these."""

    def status(self) -> UplinkStatus:
        """How the way to the tower is."""
        return UplinkStatus(self._connected, self._sender.silent, self._reason or self._refused)

    def compare(self) -> None:
        """Compare what is here with what the tower holds, as soon as there is a link."""
        self._comparing.soon()
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        loop = asyncio.get_running_loop()

        def hear(event: Event) -> None:
            if not isinstance(event, Quiet):
                self._heard.append(event)
            if self._is_worth_a_round(event):
                with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
                    loop.call_soon_threadsafe(self._wake.set)

        self._transport.start(hear)
        try:
            while True:
                await self._round()
        finally:
            await asyncio.to_thread(self._transport.stop)

    def _is_worth_a_round(self, event: Event) -> bool:
        """Whether to look now; what the broker confirms waits for all of it, or for an answer."""
        if isinstance(event, Delivered) and event.accepted:
            return False
        if isinstance(event, Delivered | Received):  # it becomes quiet in a moment
            self._urgent = True
            return False
        worth = self._urgent or self._transport.free >= SLOTS
        self._urgent = False
        return worth or not isinstance(event, Quiet)

    async def _round(self) -> None:
        try:
            await self._take_in()
            await self._look()
            await self._send()
            await self._settle()
            await self._compare()
            await self._teller.tell(self._transport)
        except EdgeError as e:  # a full disk passes; the outbox still knows what is left
            log.warning("sync waits: %s %s", e.message, e.hint)
            await asyncio.sleep(TROUBLE_S)
        self._transport.check()
        await self._wait()

    async def _wait(self) -> None:
        """Until something is heard, or something is due."""
        if self._wake.is_set():
            await asyncio.sleep(0)
            return
        now = self._clock.monotonic()
        wake_at = self._sender.wake_at(now)
        wait = LOOK_S if wake_at is None else min(LOOK_S, max(0.0, wake_at - now))
        if pause := self._pace.wait_s(now):
            wait = min(LOOK_S, pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._wake.wait()

    async def _take_in(self) -> None:
        """Everything that was heard since the last round, and what it settles."""
        outcomes: list[Outcome] = []
        self._wake.clear()
        while self._heard:
            outcomes += self._hear(self._heard.popleft())
        self._done += [o.parcel for o in outcomes if isinstance(o, Done)]
        for dead in (o for o in outcomes if isinstance(o, Dead)):
            self._refused = f"The tower refused something: {dead.reason}"
            log.warning("the tower refused parcel %d: %s", dead.parcel, dead.reason)
            await self._store.dead_letter(dead.parcel, dead.reason)

    async def _settle(self, setting_out: Sequence[int] = ()) -> None:
        """Note what the tower holds and what goes for the first time, both in one transaction."""
        done, self._done = self._done, []
        if not done and not setting_out:
            return
        noted = await self._store.note_travelled(stored=done, sent=setting_out)
        for case in noted.stored:
            self._events.publish(EventKind.SYNCED, id=case)
        for case in noted.sent:
            self._events.publish(EventKind.SYNC_CHANGED, id=case, state="sent")

    def _hear(self, event: Event) -> list[Outcome]:
        now = self._clock.monotonic()
        if isinstance(event, Received):
            self._transport.done(event.receipt)  # what is lost from here on is asked for again
            self._reason = ""
            try:
                return self._receive(event, now)
            except WireError as e:
                log.warning("a message of the tower can't be read: %s", e.reason)
        elif isinstance(event, Delivered):
            self._sender.delivered(event.token, event.accepted, now)
            if not event.accepted and event.token != self._question:
                self._reason = f"The broker refused a message: {event.reason}"
        elif isinstance(event, Connected):
            self._connected, self._reason = True, ""
            self._teller.soon()
            self._sender.connected()
            self._comparing.connected(now)
        elif isinstance(event, Lost):
            if self._connected:
                log.info("no link to the tower: %s", event.reason)
            self._connected, self._reason = False, event.reason
            self._sender.lost()
            self._comparing.lost(now)
        return []

    def _receive(self, event: Received, now: float) -> list[Outcome]:
        if not event.topic.startswith(topics.device(self._device)):
            self._hint(event)
            return []
        outcomes: list[Outcome] = []
        for message in codec.decode_downs(event.payload):
            if isinstance(message, Differ | Held):
                self._comparing.heard(message)
            elif isinstance(message, Wish):
                self._comparing.wished(message.number)
            else:
                outcomes += self._sender.heard(message, now)
        return outcomes

    def _hint(self, event: Received) -> None:
        """The tower says that there is something to look at; what is there is signed."""
        hint = codec.decode_hint(event.payload)
        log.info("the tower hints at a release")
        self._events.publish(EventKind.HINT, topic=event.topic)
        self._on_hint(hint)

    async def _look(self) -> None:
        """See what waits: forget what was overtaken, set out with what there is room for.

        Once a second, and at once where there is room for many of those that were left.
        """
        now, room = self._clock.monotonic(), self._sender.room
        due = now >= self._look_at
        if not self._connected or not (due or (self._more and room >= MANY)):
            return
        await self._settle()  # or what is settled would seem to wait still
        known = self._sender.known
        room += SPARE if due else 0
        waiting = await self._store.waiting(known, room)
        self._look_at, self._more = now + LOOK_S, len(waiting.more) >= room
        for parcel_id in known - waiting.known:
            self._sender.drop(parcel_id)
        for parcel, content in waiting.more:
            if content is not None:
                self._contents[parcel.id] = content
                header, before = _header(parcel, content), parcel.attempts > 0
                self._sender.add(Outgoing(parcel.id, header, before, parcel.late))
            elif parcel.kind is Kind.THUMB:  # one can be made again of the original
                await self._store.no_thumbnail(parcel)
            elif parcel.kind is Kind.IMAGE:
                await self._store.dead_letter(parcel.id, "lost: the photo is not on the device")
        self._sender.trim()
        for settled in self._contents.keys() - self._sender.known:
            del self._contents[settled]

    async def _send(self) -> None:
        """Hand over what is due, as far as slots, window and pace let it."""
        now = self._clock.monotonic()
        if not self._open() or self._pace.wait_s(now):
            return
        sends = self._sender.due(now, self._transport.free)
        if sends:
            await self._publish(sends, await self._prepare(sends), now)

    async def _prepare(self, sends: list[Send]) -> list[Up | None]:
        """What to publish; noted before it goes, so that in another life it is asked for.

        None where the bytes are gone.
        """
        await self._settle(list(dict.fromkeys(send.parcel.id for send in sends if send.first)))
        contents = [self._contents.get(send.parcel.id) for send in sends]
        if all(content is None or isinstance(content.source, bytes) for content in contents):
            return list(map(_message, sends, contents))
        return await asyncio.to_thread(lambda: list(map(_message, sends, contents)))

    async def _publish(self, sends: list[Send], messages: list[Up | None], now: float) -> None:
        for send, message in zip(sends, messages, strict=True):
            if self._pace.wait_s(now):
                return
            if message is None:
                self._sender.drop(send.parcel.id)
                await self._store.dead_letter(send.parcel.id, "lost: the photo can't be read")
            elif send.parcel.id in self._sender.known and not self._hand_over(send, message, now):
                return

    async def _compare(self) -> None:
        """Ask whether the tower still holds what it said it holds."""
        now = self._clock.monotonic()
        if not self._connected or not self._open() or self._pace.wait_s(now):
            return
        question, again = await self._comparing.step(now)
        for case in again.cases:
            self._events.publish(EventKind.SYNC_CHANGED, id=case, state="queued")
        if question is None:
            return
        token = self._transport.publish(topics.digest(self._device), question)
        if token is not None:
            self._question = token
            self._comparing.sent(now)
            self._pace.spend(len(question), now)

    def _hand_over(self, send: Send, message: Up, now: float) -> bool:
        payload = codec.encode_up(message)
        topic = topics.up(self._device, message.header.address.case)
        token = self._transport.publish(topic, payload)
        if token is None:
            return False
        self._sender.handed(send, token)
        self._pace.spend(len(payload), now)
        return True

    def _open(self) -> bool:
        """Whether it is time to send; a clock that can't be right closes nothing."""
        if self._window.always or not self._clock.trusted():
            return True
        return self._window.holds(self._clock.now())


def _message(send: Send, content: Content | None) -> Up | None:
    """The message to send; None where the bytes are gone."""
    header = send.parcel.header
    if send.index is None:
        return Ask(header, send.ask)
    if content is None:
        return None
    offset, length = span(header.size, send.index)
    try:
        return Chunk(header, send.index, content.read(offset, length))
    except (OSError, ValueError):
        return None


def _header(parcel: Parcel, content: Content) -> Header:
    address = Address(parcel.case_id, parcel.rev, WIRE[parcel.kind], parcel.sha256, content.sha256)
    return Header(address, content.size, content.media_type, many=True)
