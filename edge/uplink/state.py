"""How the device is, said to the tower: on every connection and once a minute, retained.

All of it is state and nothing is history: only the newest word counts, so it needs no outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sync import codec, topics
from sync.messages import State

if TYPE_CHECKING:
    from edge.ports import Clock
    from edge.store.store import Store
    from edge.vitals import Vitals
    from sync.transport import Transport

Report = Callable[[], Mapping[str, object]]
TELL_S = 60.0
"""Between two times that the device says how it is."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """In whose name the uplink speaks."""

    device: str
    """As it stands in the topics."""
    boot: str
    """Id of this boot."""
    software: str
    """Version of the program."""


class Teller:
    """Says how the device is."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        speaker: Speaker,
        vitals: Vitals,
        report: Report = dict,
    ) -> None:
        """Ask these; `report` gives what else there is to tell, by its name in `State.extra`."""
        self._report = report
        self._store = store
        self._clock = clock
        self._speaker = speaker
        self._vitals = vitals
        self._at = float("-inf")

    @property
    def device(self) -> str:
        """As it stands in the topics."""
        return self._speaker.device

    def soon(self) -> None:
        """Say it as soon as possible."""
        self._at = float("-inf")

    async def tell(self, transport: Transport) -> None:
        """Say it, where it is time and the transport has a free slot."""
        now = self._clock.monotonic()
        if now < self._at or not transport.free:
            return
        topic, payload = topics.state(self.device), codec.encode_state(await self.state())
        if transport.publish(topic, payload, retain=True) is not None:
            self._at = now + TELL_S

    async def state(self) -> State:
        """How the device is now."""
        backlog = await self._store.backlog()
        compared = await self._store.receipts.compared()
        vitals = await self._vitals.read()
        return State(
            online=True,
            at=self._clock.now().timestamp(),
            clock_ok=self._clock.trusted(),
            boot=self._speaker.boot,
            software=self._speaker.software,
            cases=backlog.cases,
            parcels=backlog.parcels,
            size=backlog.size,
            dead=backlog.dead,
            last_seq=await self._store.last_seq(),
            lost=compared.lost,
            compared=0.0 if compared.at is None else compared.at.timestamp(),
            disk_free=self._store.status().free_bytes,
            temperature=vitals.temperature,
            throttled=vitals.throttled,
            models=vitals.models,
            extra=dict(self._report()),
        )
