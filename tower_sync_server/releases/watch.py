"""Makes the keeper of this tower's releases from the settings."""

from __future__ import annotations

import logging
import os
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from sync.errors import BadTransportError
from sync.mqtt import MqttTransport
from tower_sync_server.broker.link import broker_of
from tower_sync_server.releases.bell import MqttBell, NoBell
from tower_sync_server.releases.judge import Limits
from tower_sync_server.releases.keeper import Keeper
from tower_sync_server.releases.places import Places
from tower_sync_server.releases.reports import Reports
from tower_sync_server.releases.repository import utc_now

if TYPE_CHECKING:
    import sqlalchemy as sa

    from tower_sync_server.config import Settings
    from tower_sync_server.releases.bell import Bell

log = logging.getLogger(__name__)


def places_of(settings: Settings) -> Places:
    """Where this tower's repository lies."""
    usual = Places.under(settings.store.data_dir)
    keys = settings.releases.keys_dir
    return usual if keys is None else Places(usual.home, keys)


def keeper_of(settings: Settings, engine: sa.Engine) -> Keeper:
    """Make the keeper; nothing is read, and no connection made before there is something to say."""
    said = settings.releases
    reports = Reports(engine, utc_now, timedelta(days=said.heard_days))
    limits = Limits(said.max_failed, said.proved)
    return Keeper(places_of(settings), reports, _bell(settings), utc_now, limits)


def _bell(settings: Settings) -> Bell:
    """Without a broker that can be reached, devices look by themselves."""
    client_id = f"edgecase-releases-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        return MqttBell(MqttTransport(broker_of(settings, client_id)))
    except BadTransportError as e:
        log.error("devices are not told of releases: %s", e)  # noqa: TRY400 - said whole
        return NoBell()
