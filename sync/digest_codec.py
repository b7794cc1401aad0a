"""The messages of a comparison to bytes and back; see `sync.digests` for what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cbor2

from sync.cbor import Fields, guarded, read_map
from sync.digests import Answer, Check, Compare, Differ, Held, Item, Question, Range, Sum
from sync.messages import VERSION, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence


def encode_question(question: Question) -> bytes:
    """The payload of a question; its topic carries the device."""
    fields: dict[str, Any] = {"v": VERSION}
    if isinstance(question, Compare):
        sums = question.sums
        fields |= {"compare": question.number, "ranges": [_sum_fields(one) for one in sums]}
    else:
        within = question.range
        fields |= {"check": question.number, "first": within.first, "last": within.last}
        fields["parcels"] = [_item_fields(item) for item in question.items]
    return cbor2.dumps({**fields, **question.extra})


def decode_question(payload: bytes) -> Question:
    """Read a question of a device.

    Raises:
        WireError: it can't be read.
    """
    fields = read_map(payload)
    return guarded(lambda: _question(fields), None)


def _question(fields: Fields) -> Question:
    number = fields.take("compare", int, None)
    if number is not None:
        ranges = fields.take("ranges", list)
        return Compare(number, tuple(_sum(each) for each in ranges), fields.rest())
    number = fields.take("check", int)
    within = Range(fields.take("first", int), fields.take("last", int))
    items = fields.take("parcels", list)
    return Check(number, within, tuple(_item(each) for each in items), fields.rest())


def encode_answer(answer: Answer) -> bytes:
    """What the device hears."""
    fields: dict[str, Any] = {"v": VERSION}
    if isinstance(answer, Differ):
        fields |= {"compare": answer.number, "differ": [list(pair) for pair in answer.counts]}
    else:
        fields |= {"check": answer.number, "missing": list(answer.missing)}
        fields["leaves"] = [list(pair) for pair in answer.leaves]
    return cbor2.dumps({**fields, **answer.extra})


def is_answer(fields: Fields) -> bool:
    """Whether a message down is about a comparison, and not about a parcel."""
    return "compare" in fields or "check" in fields


def decode_answer(payload: bytes) -> Answer:
    """Read an answer of the tower.

    Raises:
        WireError: it can't be read.
    """
    fields = read_map(payload)
    return guarded(lambda: read_answer(fields), None)


def read_answer(fields: Fields) -> Answer:
    """The answer that these fields are.

    Raises:
        ValueError: they are none.
    """
    number = fields.take("compare", int, None)
    if number is not None:
        pairs = [_row(each, int, int) for each in fields.take("differ", list)]
        return Differ(number, tuple((a, b) for a, b in pairs), fields.rest())
    number = fields.take("check", int)
    missing = fields.take("missing", list)
    if any(type(each) is not int for each in missing):
        raise ValueError("missing: expected numbers")
    leaves = [_row(each, int, bytes) for each in fields.take("leaves", list)]
    return Held(number, tuple(missing), tuple((a, b) for a, b in leaves), fields.rest())


def _sum_fields(one: Sum) -> list[Any]:
    return [one.range.first, one.range.last, one.count, one.digest]


def _sum(row: Any) -> Sum:
    first, last, count, digest = _row(row, int, int, int, bytes)
    return Sum(Range(first, last), count, digest)


def _item_fields(item: Item) -> list[Any]:
    return [item.case, item.rev, item.kind.value, bytes.fromhex(item.sha256)]


def _item(row: Any) -> Item:
    case, rev, kind, sha256 = _row(row, str, int, str, bytes)
    return Item(case, rev, Kind(kind), sha256.hex())


def _row(row: Any, *kinds: type) -> Sequence[Any]:
    """A list of just these kinds."""
    if type(row) is not list or [type(each) for each in row] != list(kinds):
        raise ValueError(f"expected {', '.join(kind.__name__ for kind in kinds)}")
    return row
