"""Which uplink the settings ask for; "off" is one too."""

from __future__ import annotations

import asyncio
from importlib import metadata
from typing import TYPE_CHECKING

from edge.errors import ConfigError
from edge.schedule import Pace, Window
from edge.uplink import Speaker, Uplink, UplinkStatus
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


class NoUplink:
    """Sends nothing."""

    def status(self) -> UplinkStatus:
        """Say that there is no tower."""
        return UplinkStatus(False, False, "No tower is set (sync.host).")

    async def run(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()


def make_uplink(
    settings: SyncSettings, store: Store, events: Events, clock: Clock, identity: Identity
) -> Uplink | NoUplink:
    """The uplink of these settings; nothing is connected.

    Raises:
        ConfigError: the device's name can't be part of a topic, or a certificate can't be used.
    """
    if not settings.host:
        return NoUplink()
    try:
        device = topics.check_name(settings.device or identity.device)
        transport = MqttTransport(
            _broker(settings, device),
            [topics.ack(device)],
            Will(topics.state(device), codec.encode_state(State(online=False))),
        )
    except BadNameError as e:
        raise ConfigError(str(e), "Set sync.device to the name in the certificate.") from e
    except BadTransportError as e:
        raise ConfigError(str(e), "Look at sync.ca, sync.certificate and sync.key.") from e
    speaker = Speaker(device, identity.boot, metadata.version("edgecase"))
    window, pace = Window.parse(settings.window), Pace(settings.kbit_s)
    return Uplink(store, transport, events, clock, speaker, window, pace)


def _broker(settings: SyncSettings, device: str) -> Broker:
    if settings.ca is None:
        return Broker(settings.host, device, settings.port or 1883)
    tls = Tls(settings.ca, settings.certificate, settings.key)
    return Broker(settings.host, device, settings.port or 8883, tls)
