"""Messages that are wrong in some way, made of a good one: none of them may ever be taken.

Each is wrong by its construction, whatever the code under test thinks of it: a bit of a payload, of
its hash or of its structure is another, a field is missing or of another kind, it is cut off or
goes on. (The one field where any other value is good as well, the media type, is left alone.)
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

import cbor2

from tests.fakes.parcels import SentCase, wire

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

DEVICE = "mallory"
PHOTO = b"\xff\xd8 a photo \xff\xd9"
TYPE = b"application/json"
VALUES: tuple[Any, ...] = (
    None, True, False, -1, -(2**63), 2**31, 2**63, 2**64, 2**70, 0.0, 1.0, math.nan, math.inf,
    [], [1], {}, {"v": 1}, b"\0" * 31, b"\0" * 33, {1: 2}, [[[[[[[[[[]]]]]]]]]],
)  # fmt: skip
"""None of these is good in any field."""
DEVICES = ("", "a/b", "a\0b", "+", "#", "ü", "x" * 65, "-dash", ".dot", "../other", "$SYS")
CASES = ("", "short", "g" * 36, "0" * 37, "../../../../../../../../etc/passwd00", "0" * 35 + "A")


def mutated(chance: random.Random) -> tuple[str, bytes]:
    """Topic and payload of a message that can't be taken; about a case that nobody ever sent."""
    return chance.choice(WAYS)(chance, SentCase(id=_id(chance), photo=PHOTO))


def valid(chance: random.Random) -> tuple[SentCase, str, bytes]:
    """The control: the same message as it should be."""
    case = SentCase(id=_id(chance), photo=PHOTO)
    return case, *_wire(case)


def _id(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _wire(case: SentCase) -> tuple[str, bytes]:
    return wire(next(iter(case.case().chunks())), DEVICE)


def _flip(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """A bit is another."""
    topic, payload = _wire(case)
    begin = payload.index(TYPE)
    place = chance.choice([n for n in range(len(payload)) if not begin <= n < begin + len(TYPE)])
    flipped = bytearray(payload)
    flipped[place] ^= 1 << chance.randrange(8)
    return topic, bytes(flipped)


def _cut(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """It ends too early."""
    topic, payload = _wire(case)
    return topic, payload[: chance.randrange(len(payload))]


def _go_on(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """Something follows it."""
    topic, payload = _wire(case)
    return topic, payload + chance.randbytes(chance.randint(1, 200))


def _noise(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """It is nothing at all."""
    return _wire(case)[0], chance.randbytes(chance.randint(0, 3000))


def _field(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """A field is of another kind, or not there."""
    topic, payload = _wire(case)
    fields, data = cbor2.loads(payload)
    name = chance.choice(sorted(fields))
    if chance.random() < 0.2:
        del fields[name]
    else:
        fields[name] = chance.choice(VALUES)
        if fields[name] is True or fields[name] == 1:
            fields[name] = "one"
    return topic, cbor2.dumps([fields, data])


def _structure(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """CBOR that is more than plain, or made to hurt who reads it."""
    topic, payload = _wire(case)
    fields, data = cbor2.loads(payload)
    hurting: list[bytes] = [
        cbor2.dumps([fields]),
        cbor2.dumps([fields, data, data]),
        cbor2.dumps({"header": fields, "chunk": data}),
        cbor2.dumps([cbor2.CBORTag(258, [1, 2]), data]),
        cbor2.dumps(cbor2.CBORTag(55799, [fields, data])),
        b"\x9f" + cbor2.dumps(fields) + cbor2.dumps(data) + b"\xff",
        b"\x82" + cbor2.dumps(fields) + b"\x5f" + cbor2.dumps(data) + b"\xff",
        b"\x81" * chance.randint(100, 20_000) + b"\x00",
        b"\x5b" + b"\xff" * 8,
        b"\x9b" + b"\xff" * 8,
        b"\xbb\x00\x00\x00\x00\xff\xff\xff\xff",
        b"\xd8\x1c" * 30 + b"\xd8\x1d\x00",
    ]
    return topic, chance.choice(hurting)


def _oversize(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """A chunk larger than any."""
    topic, payload = _wire(case)
    fields, _ = cbor2.loads(payload)
    data = bytes(chance.randint(66_000, 200_000))
    fields |= {"size": len(data), "count": 1, "sha256": hashlib.sha256(data).digest()}
    return topic, cbor2.dumps([fields, data])


def _topic(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """No topic of a case."""
    topic, payload = _wire(case)
    forged = [
        *(topic.replace(DEVICE, name) for name in DEVICES),
        *(topic.replace(case.id, name) for name in CASES),
        f"{topic}/more", topic[1:], topic.replace("v1", "v2"), topic.replace("/up/", "/ack/"),
        topic.replace("/up/", "/UP/"), "", "$SYS/broker", f"{topic}\n", "edgecase/v1/d/state",
    ]  # fmt: skip
    return chance.choice(forged), payload


def _lie(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """The hash is right, and what it is the hash of is no such case."""
    body = case.body()
    lies: list[Callable[[], bytes]] = [
        lambda: json.dumps({**body, "id": _id(chance)}).encode(),
        lambda: json.dumps({**body, "rev": 2}).encode(),
        lambda: json.dumps({**body, "seq": 0}).encode(),
        lambda: json.dumps({**body, "seq": 10**30}).encode(),
        lambda: json.dumps({**body, "created": "yesterday"}).encode(),
        lambda: json.dumps({**body, "status": "\x00"}).encode(),
        lambda: json.dumps({**body, "quality": math.nan}).encode(),
        lambda: json.dumps({**body, "predictions": [{"label": "\ud800"}]}).encode(),
        lambda: json.dumps({**body, "images": [1]}).encode(),
        lambda: json.dumps({**body, "form": None, "deep": _nested(100)}).encode(),
        lambda: b"[" * 30_000 + b"]" * 30_000,
        lambda: json.dumps(body).encode()[:-1],
        lambda: b"\xff\xfe" + json.dumps(body).encode(),
        lambda: b"[]",
        lambda: b"1e999",
    ]
    topic, payload = _wire(case)
    fields, _ = cbor2.loads(payload)
    data = chance.choice(lies)()
    fields |= {"size": len(data), "count": 1, "sha256": hashlib.sha256(data).digest()}
    return topic, cbor2.dumps([fields, data])


def _other_kinds(chance: random.Random, case: SentCase) -> tuple[str, bytes]:
    """A photo that isn't what its name says, a state and a comparison that are none."""
    topic, payload = wire(next(iter(case.original().chunks())), DEVICE)
    fields, data = cbor2.loads(payload)
    wrong = bytearray(data)
    wrong[chance.randrange(len(wrong))] ^= 1 << chance.randrange(8)
    own = topic.partition("/up/")[0]
    return chance.choice(
        [
            (topic, cbor2.dumps([fields, bytes(wrong)])),
            (topic, cbor2.dumps([{**fields, "image": chance.randbytes(32)}, data])),
            (f"{own}/state", cbor2.dumps({"v": 1, "online": chance.choice(VALUES[3:])})),
            (f"{own}/state", chance.randbytes(50)),
            (f"{own}/digest", chance.randbytes(50)),
            (f"{own}/digest", cbor2.dumps({"v": 1, "ask": chance.choice(VALUES)})),
        ]
    )


WAYS = (
    _flip, _flip, _flip, _cut, _go_on, _noise, _field, _field, _structure, _oversize, _topic, _lie,
    _other_kinds,
)  # fmt: skip


def _nested(depth: int) -> Any:
    return {"a": _nested(depth - 1)} if depth else 0
