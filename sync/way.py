"""One parcel on its way, as the sender remembers it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync.bitmap import Bitmap
from sync.messages import Header, Kind

Rank = tuple[bool, bool, int]
"""What is smaller goes first."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A parcel of the outbox."""

    id: int
    """Of its row; older ones are smaller."""
    header: Header
    """What it is."""
    started: bool = False
    """Whether some of it may have been sent in an earlier life of this program."""
    late: bool = False
    """Whether it is of a rejected case."""

    @property
    def rank(self) -> Rank:
        """Smaller goes first: rejected cases last; of both, texts and thumbnails of everything."""
        return (self.late, self.header.address.kind is Kind.IMAGE, self.id)


@dataclass(slots=True)
class Way:
    """How far a parcel is. Each chunk is one of: had, to do, handed, afloat, or in doubt."""

    parcel: Outgoing
    """Which."""
    had: Bitmap
    """Chunks that the tower said it has."""
    todo: list[int]
    """Chunks to send, the next one last."""
    handed: dict[int, int | None] = field(default_factory=dict)
    """Token → the chunk (None: the question) that the transport has and the broker may not."""
    afloat: set[int] = field(default_factory=set)
    """Chunks that the broker has and the tower hasn't answered for."""
    unsure: bool = False
    """Whether to ask before anything more is sent."""
    asked: int | None = None
    """The number of the question that is out."""
    deadline: float | None = None
    """When an answer is overdue."""
    sent_at: float = 0.0
    """When the broker got the last message about it."""
    tries: int = 0
    """Answers overdue in a row."""
    first: bool = True
    """Whether nothing of it was ever sent."""
    listed: bool = False
    """Whether `sync.ways` has it among those with something to send."""

    @classmethod
    def of(cls, parcel: Outgoing) -> Way:
        """The way of a parcel that sets out; it asks first where it may have before."""
        count = parcel.header.count
        todo = list(reversed(range(count)))
        return cls(parcel, Bitmap(count), todo, unsure=parcel.started, first=not parcel.started)

    @property
    def in_flight(self) -> int:
        """Messages that nobody has answered."""
        asking = self.asked is not None and None not in self.handed.values()
        return len(self.handed) + len(self.afloat) + asking

    @property
    def eager(self) -> bool:
        """Whether there is something to send of it."""
        return self.asked is None and (self.unsure or bool(self.todo))

    @property
    def due_at(self) -> float | None:
        """When to doubt; None while something else has to happen first."""
        working = self.handed or (self.todo and not self.in_flight)
        return None if working else self.deadline

    def doubt(self) -> None:
        """Nothing that was sent is certain any more: ask before anything else."""
        self.unsure = True
        self.handed.clear()
        self.afloat.clear()
        self.asked = self.deadline = None

    def learn(self, chunks: Bitmap, answers: int | None) -> bool:
        """The tower has these; gives whether that is more than was known.

        Only the answer to a question says what is missing: any other bitmap may be older than
        what has been sent since.
        """
        grew = bool(chunks.bits & ~self.had.bits)
        self.had |= chunks
        self.afloat -= {index for index in self.afloat if index in self.had}
        if answers is not None and answers == self.asked:
            self.asked, self.had = None, chunks
            coming = self.afloat | {i for i in self.handed.values() if i is not None}
            self.todo = [i for i in chunks.missing() if i not in coming][::-1]
        else:
            self.todo = [index for index in self.todo if index not in self.had]
        return grew
