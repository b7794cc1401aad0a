"""How the tower's own processes reach the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync.broker import Broker, Tls
from tower_sync_server.broker.places import fleet_folder

if TYPE_CHECKING:
    from tower_sync_server.config import Settings

PLAIN, SECURE = 1883, 8883


def broker_of(settings: Settings, client_id: str) -> Broker:
    """Where and as whom, as `[mqtt]` says; what it leaves open, the broker on this machine fills.

    Where `edgecase-tower broker` has run, that is its workers' listener with the workers'
    certificate; without it, port 1883 in the clear, which is loopback's.
    """
    mqtt, fleet = settings.mqtt, fleet_folder(settings)
    if mqtt.ca is not None:
        tls, port = Tls(mqtt.ca, mqtt.certificate, mqtt.key), mqtt.port or SECURE
        return Broker(mqtt.host, client_id, port, tls, mqtt.username, mqtt.password)
    own = fleet / "worker.pem"
    if mqtt.port == 0 and own.exists():
        tls = Tls(fleet / "tower-ca.pem", own, own)
        return Broker(mqtt.host, client_id, settings.broker.workers_port, tls)
    port = mqtt.port or PLAIN
    return Broker(mqtt.host, client_id, port, None, mqtt.username, mqtt.password)
