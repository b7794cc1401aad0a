"""What the broker and the fleet are made of, read off the settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tower_sync_server.broker.configuration import Listener, Plan, Size
from tower_sync_server.broker.own_certificates import broker_names

if TYPE_CHECKING:
    from pathlib import Path

    from tower_sync_server.config import Settings


def fleet_folder(settings: Settings) -> Path:
    """Where the fleet's keys and certificates lie."""
    return settings.store.data_dir / "fleet"


def broker_folder(settings: Settings) -> Path:
    """Where mosquitto's files lie."""
    return settings.store.data_dir / "broker"


def names_of_broker(settings: Settings) -> list[str]:
    """What devices may call it."""
    broker = settings.broker
    names = broker_names(broker.names, broker.host)
    # The workers come to it by this one; devices are told the first.
    return list(dict.fromkeys([*names, *broker_names((), broker.workers_host)]))


def plan_of(settings: Settings) -> Plan:
    """The broker of these settings."""
    broker = settings.broker
    return Plan(
        folder=broker_folder(settings),
        devices=Listener(broker.host, broker.port),
        workers=Listener(broker.workers_host, broker.workers_port),
        size=Size(broker.devices, max(1, settings.ingest.workers), broker.memory_mb),
        plain_port=broker.plain_port,
        # Started by root it would become another user, who can't read a folder of root's.
        user="root" if os.geteuid() == 0 else "",
    )
