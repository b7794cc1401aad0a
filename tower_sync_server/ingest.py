"""What a worker does with one message. `sync.receiver` decides; here it is carried out."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sync import receiver, topics
from sync.bitmap import Bitmap
from sync.codec import decode_state, decode_up
from sync.digests import Answer as DigestAnswer
from sync.errors import BadNameError, WireError
from sync.messages import Ack, Chunk, Header, Kind, Reject, RejectCode, Up
from tower_sync_server.archive.facts import Facts, read_facts
from tower_sync_server.archive.spool import GoneError, TornError
from tower_sync_server.errors import DiskFullError, TowerError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tower_sync_server.archive.archive import Archive
    from tower_sync_server.archive.blobs import Blobs
    from tower_sync_server.archive.files import Draft
    from tower_sync_server.archive.spool import Spool
    from tower_sync_server.digests import Digests

MAX_CASE_BYTES = 1_000_000
"""Of a revision, without photos; it is read as a whole."""
MAX_THUMB_BYTES = 2_000_000
MAX_REV = (1 << 31) - 1
"""What every database can hold."""
BUSY_S = 15.0
"""How long a device is asked to be quiet."""
BAFFLED_S = 300.0
"""The same after something that nobody thought of."""
ROUNDS = 3
"""How often a message is begun again because another worker was at the same payload."""

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


@dataclass(frozen=True, slots=True)
class Answer:
    """What to tell whom."""

    device: str
    """The device of the topic."""
    ack: Ack | DigestAnswer
    """What."""


class Ingest:
    """Takes messages in, one at a time. Keeps nothing between two of them."""

    def __init__(
        self,
        archive: Archive,
        blobs: Blobs,
        spool: Spool,
        limits: Limits,
        digests: Digests | None = None,
    ) -> None:
        """Everything is open; without `digests`, comparisons are left to other workers."""
        self._digests = digests
        self._archive = archive
        self._blobs = blobs
        self._spool = spool
        self._limits = limits
        self.tally: Counter[str] = Counter()
        """What was answered how often, by the answer's name."""

    def take(self, topic: str, payload: bytes) -> Answer | None:
        """Deal with a message; what it gives is answered once everything it says is durable.

        Raises:
            OperatorError: the disk or the database is failing; the message was not dealt with.
        """
        try:
            if topic.endswith("/digest"):
                return self._compared(topic, payload)
            if not topic.endswith("/state"):
                return self._counted(self._up(topics.parse_up(topic), payload))
            self._archive.hear(topics.parse_state(topic), decode_state(payload))
        except (BadNameError, WireError) as e:  # of an up message, only the topic can be bad here
            log.warning("dropped: %s", e)
        except UnavailableError as e:
            log.warning("a state was not kept, or a comparison not answered: %s", e)
        return None

    def _compared(self, topic: str, payload: bytes) -> Answer | None:
        if self._digests is None:
            return None
        return self._counted(Answer(*self._digests.take(topic, payload)))

    def _counted(self, answer: Answer) -> Answer:
        self.tally[type(answer.ack).__name__.lower()] += 1
        return answer

    def _up(self, where: topics.UpTopic, payload: bytes) -> Answer:
        try:
            message = decode_up(where.case, payload)
        except WireError as e:
            return Answer(where.device, receiver.refuse(e, where.case).ack)
        address = message.header.address
        if address.rev > MAX_REV:
            return Answer(where.device, Reject(address, RejectCode.MALFORMED, "rev: too large"))
        try:
            if self._blobs.free_bytes() < self._limits.min_free_bytes:
                raise DiskFullError("less room than store.min_free_mb")
            return Answer(where.device, self._settle(where.device, message))
        except (DiskFullError, UnavailableError) as e:
            log.warning("busy: %s", e)
            return Answer(where.device, receiver.busy(address, BUSY_S).ack)
        except TowerError:
            raise
        except Exception:  # one device's message must not stop those of all others
            log.exception("not understood: %s of %s", address, where.device)
            return Answer(where.device, receiver.busy(address, BAFFLED_S).ack)

    def _settle(self, device: str, message: Up) -> Ack:
        for _ in range(ROUNDS):
            parcel = Parcel(device, message, self._archive, self._blobs, self._spool)
            try:
                return parcel.settle(self._limits.of(message.header.address.kind))
            except GoneError:
                continue  # another worker finished it, or is about to
            finally:
                parcel.close()
        raise UnavailableError("other workers are at the same payload")


class Parcel:
    """One message on its way through the steps."""

    def __init__(
        self, device: str, message: Up, archive: Archive, blobs: Blobs, spool: Spool
    ) -> None:
        """Nothing is done yet."""
        self._device = device
        self._message = message
        self._archive = archive
        self._blobs = blobs
        self._spool = spool
        self._whole: bytes | None = None
        self._draft: Draft | None = None
        self._facts: Facts | None = None

    def settle(self, max_bytes: int) -> Ack:
        """Go from step to step until there is an answer."""
        header = self._message.header
        known = self._archive.known(self._device, header.address)
        known = replace(known, have=self._spool.have(self._device, header))
        step = receiver.take(self._message, known, max_bytes)
        while not isinstance(step, receiver.Reply):
            step = self._do(step)
        if step.forget and header.count > 1:
            self._spool.forget(self._device, header)
        return step.ack

    def close(self) -> None:
        """Drop what was not published."""
        if self._draft is not None:
            self._draft.discard()

    def _do(self, step: receiver.Step) -> receiver.Step:
        match step:
            case receiver.Keep(chunk):
                return self._keep(chunk)
            case receiver.Assemble(header):
                return self._assemble(header)
            case receiver.Store(header):
                return self._store(header)
            case receiver.Quarantine(header, reply):
                self._set_aside(header)
                return reply
            case receiver.Reply():
                return step

    def _keep(self, chunk: Chunk) -> receiver.Step:
        header = chunk.header
        if header.count == 1:  # the whole payload: no need to write it down twice
            self._whole = chunk.data
            return receiver.kept(header, Bitmap.of(1, (0,)))
        self._spool.keep(self._device, chunk)
        return receiver.kept(header, self._have(header))

    def _have(self, header: Header) -> Bitmap:
        return self._spool.have(self._device, header) or Bitmap(header.count)

    def _assemble(self, header: Header) -> receiver.Step:
        self._draft = self._blobs.draft()
        try:
            for data in self._chunks(header):
                self._draft.write(data)
        except TornError:
            return receiver.kept(header, self._have(header))
        step = receiver.assembled(header, self._draft.sha256)
        if isinstance(step, receiver.Store) and header.address.kind is Kind.CASE:
            return self._read(header, step)
        return step

    def _chunks(self, header: Header) -> Iterator[bytes]:
        if self._whole is not None:
            return iter((self._whole,))
        return self._spool.read(self._device, header)

    def _read(self, header: Header, step: receiver.Store) -> receiver.Step:
        """Look into a case; one that isn't what its address says can't be taken."""
        if self._whole is None:
            self._whole = b"".join(self._spool.read(self._device, header))
        address = header.address
        try:
            self._facts = read_facts(self._whole)
            if (self._facts.id, self._facts.rev) != (address.case, address.rev):
                raise ValueError("another case than its address says")
        except ValueError as e:
            reject = Reject(address, RejectCode.MALFORMED, str(e)[:200])
            return receiver.Reply(reject, forget=True)
        return step

    def _store(self, header: Header) -> receiver.Step:
        if self._facts is not None and self._whole is not None:
            facts, body = self._facts, self._whole
            return receiver.stored(
                header, self._archive.store_case(self._device, header, facts, body)
            )
        self._publish()
        return receiver.stored(header, self._archive.store_photo(self._device, header))

    def _set_aside(self, header: Header) -> None:
        self._publish()
        if self._archive.set_aside(self._device, header):
            log.error(
                "QUARANTINE: device %s sent other bytes under a key that is taken: %s",
                self._device,
                header.address,
            )

    def _publish(self) -> None:
        """Make the blob durable, unless it is."""
        if self._draft is not None:
            self._blobs.publish(self._draft)
            self._draft = None
