"""Puts the updater together. Imports what only it needs: python-tuf, urllib3."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from edge.adapters.vision.trial import trial_with
from edge.updates.comparison import Rules
from edge.updates.device import puller_of
from edge.updates.outcomes import Outcomes
from edge.updates.probation import Probation, Terms
from edge.updates.shadow import Make, Shadow
from edge.updates.source import source_of
from edge.updates.updater import Rhythm, Supply, Updater
from models.offer import Ring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.adapters.vision.pool import WorkerVision
    from edge.config import Settings
    from edge.events import Events
    from edge.model_library import ModelLibrary
    from edge.ports import Clock
    from edge.store.store import Store
    from models.case import Case
    from models.profile import Profile


class StoredCases:
    """The store, as `Shadow` reads it."""

    def __init__(self, store: Store) -> None:
        """Read from `store`."""
        self._store = store

    async def get(self, case_id: str) -> Case:
        """The case."""
        return await self._store.get(case_id)

    async def photo(self, case_id: str) -> bytes:
        """Its first photo."""
        file = await self._store.image(case_id)
        return await asyncio.to_thread(file.path.read_bytes)


def wire_updater(
    settings: Settings,
    library: ModelLibrary,
    profiles: Mapping[str, Profile],
    vision: WorkerVision,
    challenger: Make,
    store: Store,
    events: Events,
    clock: Clock,
) -> Updater:
    """The updater of these settings; nothing is looked at yet.

    Args:
        settings: of the device.
        library: its models.
        profiles: its profiles.
        vision: what serves.
        challenger: makes the eyes that a version is tried with.
        store: the cases it is tried on.
        events: tells of them.
        clock: times trials.
    """
    wanted = settings.updates
    rules = Rules(photos=wanted.shadow_photos, seconds=wanted.shadow_hours * 3600)
    terms = Terms(seconds=wanted.probation_hours * 3600)
    return Updater(
        Supply(
            puller_of(settings, library, profiles),
            lambda: source_of(wanted.url),
            trial_with(settings.vision),
        ),
        Shadow(challenger, StoredCases(store), events, vision, clock, rules),
        Probation(vision, clock, terms),
        library,
        Outcomes(settings.store.data_dir / "models"),
        vision,
        events,
        Rhythm(wanted.policy, Ring(wanted.ring), wanted.check_minutes * 60, random.Random()),  # noqa: S311 no secret
    )
