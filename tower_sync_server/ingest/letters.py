"""Which answers travel together: several for one device in one message, where it reads that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sync.codec import MANY, encode_down, encode_downs
from sync.digests import Answer as DigestAnswer
from sync.messages import Ack  # noqa: TC001  a field of a dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Answer:
    """What to tell whom."""

    device: str
    """The device of the topic."""
    ack: Ack | DigestAnswer
    """What."""
    many: bool = False
    """Whether it may travel with others."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to a device."""

    device: str
    """Which."""
    payload: bytes
    """What."""
    numbers: tuple[int, ...]
    """Of the messages of the batch that it answers."""


@dataclass(slots=True)
class Pile:
    """Answers that travel together, the same one once."""

    acks: list[Ack] = field(default_factory=list)
    """In their order."""
    numbers: list[int] = field(default_factory=list)
    """What they answer."""


def letters(answers: Sequence[Answer | None]) -> Iterator[Letter]:
    """The messages that carry these answers, one for each of a batch."""
    piles: dict[str, Pile] = {}
    for number, answer in enumerate(answers):
        if answer is None:
            continue
        ack = answer.ack
        if not answer.many or isinstance(ack, DigestAnswer):
            yield Letter(answer.device, encode_down(ack), (number,))
            continue
        pile = piles.setdefault(answer.device, Pile())
        if not pile.acks or pile.acks[-1] != ack:  # chunks of a payload stand side by side
            pile.acks.append(ack)
        pile.numbers.append(number)
        if len(pile.acks) == MANY:
            yield _of(answer.device, piles.pop(answer.device))
    for device, pile in piles.items():
        yield _of(device, pile)


def _of(device: str, pile: Pile) -> Letter:
    return Letter(device, encode_downs(pile.acks), tuple(pile.numbers))
