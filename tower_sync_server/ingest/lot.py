"""The messages of one payload that came in one batch, on their way through the steps.

`sync.receiver` decides each of them; here it is carried out, as far as one payload goes. What all
payloads of a batch need together (durable blobs, one commit) is `ingest.ingest`'s.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync import receiver
from sync.bitmap import Bitmap
from sync.messages import Chunk, Kind, Reject, RejectCode, Up
from sync.receiver import Known
from tower_sync_server.archive.archive import Arrival
from tower_sync_server.archive.facts import Facts, read_facts
from tower_sync_server.archive.spool import TornError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync.messages import Ack, Address, Header
    from tower_sync_server.archive.blobs import Blobs
    from tower_sync_server.archive.files import Draft
    from tower_sync_server.archive.spool import Spool


@dataclass(frozen=True, slots=True)
class Numbered:
    """An up message of a batch."""

    number: int
    """Which of the batch."""
    device: str
    """The device of its topic."""
    message: Up
    """What it says."""


class Lot:
    """Everything that one batch says about one payload."""

    def __init__(self, messages: list[Numbered], blobs: Blobs, spool: Spool) -> None:
        """All of these messages have the same device and the same header."""
        self.device = messages[0].device
        self.header: Header = messages[0].message.header
        self.messages = messages
        self.answers: dict[int, Ack] = {}
        """Number of a message → what to answer it."""
        self.draft: Draft | None = None
        """The payload, on its way to the blobs."""
        self._blobs = blobs
        self._spool = spool
        self._known_have: Bitmap | None = None
        self._held: dict[int, bytes] = {}
        self._waiting: list[int] = []
        self._facts: Facts | None = None
        self._body = b""
        self._forget = False
        self._spooled = False

    @property
    def address(self) -> Address:
        """Which payload."""
        return self.header.address

    def gather(self, known: Known, max_bytes: int) -> Arrival | None:
        """Take the chunks in; gives the payload where it is whole and can be stored.

        Its draft is not durable yet. Where there is no payload to store every message has its
        answer already.

        Raises:
            GoneError: another worker is at the same payload.
        """
        if self.header.count > 1:
            self._known_have = self._spool.have(self.device, self.header)
            self._spooled = self._known_have is not None
            known = Known(known.stored, known.quarantined, self._known_have)
        for one in self.messages:
            known = self._take(one, known, max_bytes)
        if self._held and not self._waiting:
            self._keep_for_later()
        return self._assemble() if self._waiting else None

    def settle(self, holds: str) -> receiver.Quarantine | None:
        """Answer, now that the tower holds this SHA-256 under the key, durably."""
        step = receiver.stored(self.header, holds)
        if isinstance(step, receiver.Quarantine):
            return step
        assert isinstance(step, receiver.Reply)  # noqa: S101 - there is nothing else
        self.reply(step)
        return None

    def reply(self, step: receiver.Reply) -> None:
        """Answer every message that waits for what becomes of the payload."""
        self._forget |= step.forget
        for number in self._waiting:
            self.answers[number] = step.ack

    def answer_all(self, ack: Ack) -> None:
        """Answer all messages with this, whatever was to be said before."""
        self.answers = {one.number: ack for one in self.messages}

    def payload_draft(self) -> Draft:
        """The payload as a draft; a case has none unless it is asked for."""
        if self.draft is None:
            self.draft = self._blobs.draft()
            self.draft.write(self._body)
        return self.draft

    def close(self) -> None:
        """Drop what was not published, and the chunks of what is settled."""
        if self.draft is not None:
            self.draft.discard()
        if self._forget and self._spooled:
            self._spool.forget(self.device, self.header)

    def _take(self, one: Numbered, known: Known, max_bytes: int) -> Known:
        """Decide one message; gives what is known after it."""
        step = receiver.take(one.message, known, max_bytes)
        if isinstance(step, receiver.Keep):
            known = self._hold(step.chunk, known)
            step = receiver.kept(self.header, known.have or Bitmap(self.header.count))
        if isinstance(step, receiver.Reply):
            self.answers[one.number] = step.ack
            self._forget |= step.forget
        else:
            self._waiting.append(one.number)
        return known

    def _hold(self, chunk: Chunk, known: Known) -> Known:
        self._held[chunk.index] = chunk.data
        have = known.have or Bitmap(self.header.count)
        return Known(known.stored, known.quarantined, have.plus(chunk.index))

    def _keep_for_later(self) -> None:
        """Write the chunks down; another worker may have written the others meanwhile."""
        self._spooled = True
        for index, data in self._held.items():
            self._spool.keep(self.device, Chunk(self.header, index, data))
        have = self._spool.have(self.device, self.header)
        if have is not None and have.full:
            self._waiting = [self.messages[-1].number]

    def _assemble(self) -> Arrival | None:
        try:
            step = self._read_case() if self.address.kind is Kind.CASE else self._write_draft()
        except TornError:
            self._torn()
            return None
        if isinstance(step, receiver.Reply):
            self.reply(step)
            return None
        return Arrival(self.device, self.header, self._facts, self._body)

    def _chunks(self) -> Iterator[bytes]:
        if len(self._held) == self.header.count:
            return (self._held[index] for index in range(self.header.count))
        return self._spool.read(self.device, self.header, self._held)

    def _write_draft(self) -> receiver.Step:
        self.draft = self._blobs.draft()
        for data in self._chunks():
            self.draft.write(data)
        return receiver.assembled(self.header, self.draft.sha256)

    def _read_case(self) -> receiver.Step:
        """Look into a case; one that isn't what its address says can't be taken."""
        self._body = b"".join(self._chunks())
        step = receiver.assembled(self.header, hashlib.sha256(self._body).hexdigest())
        if not isinstance(step, receiver.Store):
            return step
        try:
            self._facts = read_facts(self._body)
            if (self._facts.id, self._facts.rev) != (self.address.case, self.address.rev):
                raise ValueError("another case than its address says")
        except ValueError as e:
            reject = Reject(self.address, RejectCode.MALFORMED, str(e)[:200])
            return receiver.Reply(reject, forget=True)
        return step

    def _torn(self) -> None:
        """Some chunks were damaged: say which ones are there, now that those are gone."""
        self._spooled = True
        for index, data in self._held.items():
            self._spool.keep(self.device, Chunk(self.header, index, data))
        have = self._spool.have(self.device, self.header) or Bitmap(self.header.count)
        step = receiver.kept(self.header, have)
        if isinstance(step, receiver.Reply):
            self.reply(step)
        else:  # another worker has put them back: the device asks, and it is looked at again
            self.answer_all(receiver.busy(self.address, 1.0).ack)
