"""All parcels that are on their way: in their order, with what has something to send at hand.

There may be hundreds, of which a few have something to send or something unanswered; whoever asks
for those at every turn must not look through all.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from sync.way import Way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sync.way import Outgoing, Rank


class Ways(dict[int, Way]):
    """Row → the way of its parcel. Whoever changes a way says so with `note`."""

    def __init__(self) -> None:
        """Begin with none."""
        super().__init__()
        self._order: list[Rank] = []
        self._eager: list[Rank] = []
        self._moving: dict[int, Way] = {}

    def set_out(self, parcel: Outgoing) -> Way:
        """Begin a way."""
        way = self[parcel.id] = Way.of(parcel)
        insort(self._order, parcel.rank)
        self.note(way)
        return way

    def end(self, parcel: int) -> Way | None:
        """Forget one, if it is there."""
        way = self.pop(parcel, None)
        if way is not None:
            _remove(self._order, way.parcel.rank)
            if way.listed:
                _remove(self._eager, way.parcel.rank)
                way.listed = False
            self._moving.pop(parcel, None)
        return way

    def note(self, way: Way) -> None:
        """See what a way that has changed has to send by now, and what is unanswered of it."""
        parcel = way.parcel
        if parcel.id not in self:
            return
        if way.in_flight:
            self._moving[parcel.id] = way
        else:
            self._moving.pop(parcel.id, None)
        if way.eager is not way.listed:
            way.listed = way.eager
            (insort if way.listed else _remove)(self._eager, parcel.rank)

    @property
    def in_flight(self) -> int:
        """Messages of all of them that nobody has answered."""
        return sum(way.in_flight for way in self._moving.values())

    @property
    def moving(self) -> list[Way]:
        """Those of which something is unanswered."""
        return list(self._moving.values())

    def eager(self) -> Iterator[Way]:
        """Those that have something to send, the most urgent first."""
        return (self[parcel] for *_, parcel in self._eager)

    def by_rank(self) -> list[Way]:
        """All of them, the most urgent first."""
        return [self[parcel] for *_, parcel in self._order]


def _remove(ranks: list[Rank], rank: Rank) -> None:
    del ranks[bisect_left(ranks, rank)]
