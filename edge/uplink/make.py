"""Which uplink the settings ask for; "off" is one too."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from edge.ports import UplinkStatus
from edge.uplink.compare import Comparing, Rhythm
from edge.uplink.schedule import Pace, Schedule, Window
from edge.uplink.state import Report, Speaker, Teller
from edge.uplink.uplink import OnHint, Uplink, ignore_hint
from edge.vitals import NoVitals, Vitals
from sync import codec, topics
from sync.broker import Broker, Tls
from sync.errors import BadNameError, BadTransportError
from sync.messages import State
from sync.mqtt import MqttTransport
from sync.transport import Will

if TYPE_CHECKING:
    from edge.config import SyncSettings
    from edge.events import Events
    from edge.identity import Identity
    from edge.ports import Clock
    from edge.store.store import Store


log = logging.getLogger(__name__)


class NoUplink:
    """Sends nothing."""

    def __init__(self, fault: str = "") -> None:
        """Keep why the tower that is set can't be reached; "" where none is set."""
        self._fault = fault

    def status(self) -> UplinkStatus:
        """Say why nothing is sent."""
        return UplinkStatus(
            connected=False,
            silent=False,
            reason=self._fault or "No tower is set (sync.host).",
            wanted=bool(self._fault),
        )

    def compare(self) -> None:
        """There is nobody to compare with."""

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class ReleaseTalk:
    """What is said and heard about releases."""

    ring: str = "all"
    """Whose hints are heard."""
    on_hint: OnHint = ignore_hint
    """Called with each."""
    report: Report = dict
    """What goes along with the device's state."""


def make_uplink(
    settings: SyncSettings,
    store: Store,
    events: Events,
    clock: Clock,
    identity: Identity,
    vitals: Vitals | None = None,
    releases: ReleaseTalk | None = None,
) -> Uplink | NoUplink:
    """The uplink of these settings; nothing is connected.

    A name that fits no topic or a certificate that can't be used stops the uplink alone: the
    device works without a tower, and its status says why nothing travels.
    """
    if not settings.host:
        return NoUplink()
    talk = releases or ReleaseTalk()
    try:
        device = topics.check_name(settings.device or identity.device)
        transport = MqttTransport(
            _broker(settings, device, clock),
            [topics.ack(device), topics.hint(talk.ring)],
            Will(topics.state(device), codec.encode_state(State(online=False))),
            spread_s=settings.spread_s,
        )
    except BadNameError as e:
        return _none(f"{e} Set sync.device to the name in the certificate.")
    except BadTransportError as e:
        return _none(f"{e} Look at sync.ca, sync.certificate and sync.key.")
    speaker = Speaker(device, identity.boot, metadata.version("edgecase"))
    teller = Teller(store, clock, speaker, vitals or NoVitals(), talk.report)
    jitter = random.Random()  # noqa: S311  no secret
    comparing = Comparing(store.receipts, clock, _rhythm(settings.compare_hours), jitter)
    schedule = Schedule(Window.parse(settings.window), Pace(settings.kbit_s))
    return Uplink(store, transport, events, clock, teller, comparing, schedule, talk.on_hint)


def _rhythm(hours: float) -> Rhythm:
    """A comparison every so many hours, and whatever goes with it no more rarely."""
    usual, every_s = Rhythm(), hours * 3600
    return Rhythm(
        every_s,
        min(usual.again_s, every_s),
        min(usual.silence_s, every_s),
        min(usual.spread_s, every_s),
    )


def _none(reason: str) -> NoUplink:
    log.error("nothing is sent to the tower: %s", reason)
    return NoUplink(reason)


def _broker(settings: SyncSettings, device: str, clock: Clock) -> Broker:
    if settings.ca is None:
        return Broker(settings.host, device, settings.broker_port)
    tls = Tls(settings.ca, settings.certificate, settings.key, clock.passed)
    return Broker(settings.host, device, settings.broker_port, tls)
