"""What a worker does with the messages of a batch. `sync.receiver` decides each of them.

All that a batch has to make durable is made durable together: the photos' bytes, then their names,
then one transaction. Only then is anything said to be stored.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync import receiver
from sync.errors import BadNameError, WireError
from sync.messages import Ask, Chunk, Kind, State
from tower_sync_server.archive.spool import CrowdedError, GoneError
from tower_sync_server.errors import DiskFullError, TowerError, UnavailableError
from tower_sync_server.ingest.heard import Heard, Question, read
from tower_sync_server.ingest.letters import Answer
from tower_sync_server.ingest.lot import Lot, Numbered
from tower_sync_server.ingest.quota import REST_S, NoQuota

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tower_sync_server.archive.archive import Archive, Arrival
    from tower_sync_server.archive.blobs import Blobs
    from tower_sync_server.archive.spool import Spool
    from tower_sync_server.ingest.digests import Digests
    from tower_sync_server.ingest.quota import Allows

MAX_CASE_BYTES = 1_000_000
"""Of a revision, without photos; it is read as a whole."""
MAX_THUMB_BYTES = 2_000_000
BUSY_S = 15.0
"""How long a device is asked to be quiet."""
BAFFLED_S = 300.0
"""The same after something that nobody thought of."""
ROUNDS = 3
"""How often a payload is begun again because another worker was at it."""

Message = tuple[str, bytes]
"""Topic and payload."""
Whole = tuple[Lot, "Arrival"]
"""A payload that can be stored."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken."""

    image_bytes: int
    """Largest photo."""
    min_free_bytes: int
    """Free space below which nothing more is taken."""

    def of(self, kind: Kind | None) -> int:
        """Largest payload of this kind, bytes."""
        small = {Kind.CASE: MAX_CASE_BYTES, Kind.THUMB: MAX_THUMB_BYTES}
        return self.image_bytes if kind is None else small.get(kind, self.image_bytes)


class Ingest:
    """Takes messages in, a batch at a time. Keeps nothing between two; several threads may."""

    def __init__(
        self,
        archive: Archive,
        blobs: Blobs,
        spool: Spool,
        limits: Limits,
        digests: Digests | None = None,
        quota: Allows | None = None,
    ) -> None:
        """Everything is open.

        Args:
            archive: the rows.
            blobs: where pictures lie.
            spool: chunks.
            limits: what is taken.
            digests: without it, comparisons are left to other workers.
            quota: what one device may take; None: everything.
        """
        self._digests = digests
        self._quota = quota or NoQuota()
        self._archive = archive
        self._blobs = blobs
        self._spool = spool
        self._limits = limits
        self._one_commits = threading.Lock()
        self._counting = threading.Lock()
        self.tally: Counter[str] = Counter()
        """What was answered how often, by the answer's name."""

    def take(self, topic: str, payload: bytes) -> Answer | None:
        """Deal with one message; see `settle`."""
        return self.settle([read(topic, payload)])[0]

    def take_all(self, messages: Sequence[Message]) -> list[Answer | None]:
        """Read messages and deal with them; see `settle`."""
        return self.settle([read(*message) for message in messages])

    def settle(self, messages: Sequence[Heard]) -> list[Answer | None]:
        """Deal with a batch; what it gives is answered once everything it says is durable.

        Raises:
            OperatorError: the disk or the database is failing; nothing was dealt with.
        """
        answers: dict[int, Answer] = {}
        states: dict[str, State] = {}
        questions: dict[str, tuple[int, Question]] = {}
        ups: list[Numbered] = []
        for number, one in enumerate(messages):
            match one.said:
                case Chunk() | Ask():
                    ups.append(Numbered(number, one.device, one.said))
                case State():
                    states[one.device] = one.said
                case Question():  # a device has one question out: earlier ones are settled
                    questions[one.said.topic] = (number, one.said)
                case Answer():
                    answers[number] = one.said
                case None:
                    pass
        self._hear(states)
        for number, question in questions.values():
            self._compare(number, question, answers)
        answers |= self._settle(ups)
        with self._counting:
            self.tally.update(type(a.ack).__name__.lower() for a in answers.values())
        return [answers.get(number) for number in range(len(messages))]

    def has_room(self) -> bool:
        """Whether anything more is taken."""
        return self._blobs.free_bytes() >= self._limits.min_free_bytes

    def _compare(self, number: int, question: Question, answers: dict[int, Answer]) -> None:
        """Answer what a device asks in a comparison; where that is impossible it asks again."""
        if self._digests is None:
            return
        try:
            answers[number] = Answer(*self._digests.take(question.topic, question.payload))
        except UnavailableError as e:
            log.warning("a comparison was not answered: %s", e)
        except (BadNameError, WireError) as e:
            log.warning("dropped: %s", e)

    def _hear(self, states: dict[str, State]) -> None:
        if not states:
            return
        try:
            self._archive.hear(list(states.items()))
        except UnavailableError as e:
            log.warning("how %d devices are was not kept: %s", len(states), e)

    def _settle(self, ups: Sequence[Numbered]) -> dict[int, Answer]:
        """Deal with the up messages; those another worker was at are begun again."""
        answers: dict[int, Answer] = {}
        left: Sequence[Numbered] = ups
        for _ in range(ROUNDS):
            if not left:
                return answers
            answers |= self._settle_once(_lots(left, self._blobs, self._spool))
            left = [one for one in left if one.number not in answers]
        return answers | _busy(left, BUSY_S, "other workers are at the same payload")

    def _settle_once(self, lots: Sequence[Lot]) -> dict[int, Answer]:
        """Deal with them together; one by one where something happens that nobody thought of."""
        try:
            self._settle_together(lots)
        except TowerError:
            raise
        except Exception:  # one device's message must not stop those of all others
            if len(lots) == 1:
                log.exception("not understood: %s of %s", lots[0].address, lots[0].device)
                return _busy(lots[0].messages, BAFFLED_S, "not understood")
            return {
                number: answer
                for lot in lots
                for number, answer in self._settle_once(
                    _lots(lot.messages, self._blobs, self._spool)
                ).items()
            }
        return {
            number: Answer(lot.device, ack, lot.header.many)
            for lot in lots
            for number, ack in lot.answers.items()
        }

    def _settle_together(self, lots: Sequence[Lot]) -> None:
        """Steps that all payloads of a batch take together."""
        try:
            if not self.has_room():
                raise DiskFullError("less room than store.min_free_mb")
            whole = self._gather([lot for lot in lots if self._within_quota(lot)])
            self._blobs.publish([lot.draft for lot, _ in whole if lot.draft is not None])
            if whole:
                self._commit(whole)
        except (DiskFullError, UnavailableError) as e:
            log.warning("busy: %s", e)
            for lot in lots:
                lot.answer_all(receiver.busy(lot.address, BUSY_S).ack)
        finally:
            for lot in lots:
                lot.close()

    def _within_quota(self, lot: Lot) -> bool:
        """Whether a device may still send such a thing; where not, it is asked to be quiet."""
        if self._quota.may_store(lot.device, lot.address.kind):
            return True
        self._send_back(lot)
        return False

    def _send_back(self, lot: Lot) -> None:
        self._quota.note(lot.device, len(lot.messages))
        lot.answer_all(receiver.busy(lot.address, REST_S).ack)

    def _gather(self, lots: Sequence[Lot]) -> list[Whole]:
        """Take all chunks in; gives the payloads that are whole now."""
        known = self._archive.known([(lot.device, lot.address) for lot in lots])
        whole: list[Whole] = []
        for lot, already in zip(lots, known, strict=True):
            try:
                arrival = lot.gather(already, self._limits.of(lot.address.kind))
            except GoneError:
                lot.answers.clear()  # another worker finished it, or is about to
            except CrowdedError:
                self._send_back(lot)
            else:
                whole += [(lot, arrival)] if arrival is not None else []
        return whole

    def _commit(self, whole: Sequence[Whole]) -> None:
        with self._one_commits:  # threads of one process: SQLite would have them poll
            held = self._archive.store([arrival for _, arrival in whole])
        for (lot, _), holds in zip(whole, held, strict=True):
            self._quota.stored(lot.device, lot.address.kind)
            aside = lot.settle(holds)
            if aside is not None:
                self._set_aside(lot)
                lot.reply(aside.reply)

    def _set_aside(self, lot: Lot) -> None:
        if lot.address.kind is Kind.CASE:  # its bytes are in the database, but for this one's
            self._blobs.publish([lot.payload_draft()])
        if self._archive.set_aside(lot.device, lot.header):
            log.error(
                "QUARANTINE: device %s sent other bytes under a key that is taken: %s",
                lot.device,
                lot.address,
            )


def _lots(ups: Iterable[Numbered], blobs: Blobs, spool: Spool) -> list[Lot]:
    """The messages by payload, in the order in which payloads begin."""
    by_payload: dict[object, list[Numbered]] = {}
    for one in ups:
        header = one.message.header
        extra = repr(sorted(header.extra.items())) if header.extra else ""
        what = (one.device, header.address, header.size, header.media_type, extra, header.many)
        by_payload.setdefault(what, []).append(one)
    return [Lot(messages, blobs, spool) for messages in by_payload.values()]


def _busy(left: Sequence[Numbered], seconds: float, reason: str) -> dict[int, Answer]:
    """Ask the devices of these messages to wait."""
    if left:
        log.warning("busy: %s", reason)
    answers: dict[int, Answer] = {}
    for one in left:
        header = one.message.header
        ack = receiver.busy(header.address, seconds).ack
        answers[one.number] = Answer(one.device, ack, header.many)
    return answers
