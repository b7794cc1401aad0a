"""Puts the updater together. Imports what only it needs: python-tuf, urllib3."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.adapters.trial import trial_with
from edge.adapters.vision.pool import WorkerVision
from edge.ports import ChildGroups
from edge.updates.budget import budgets
from edge.updates.comparison import Rules
from edge.updates.device import class_here, puller_of
from edge.updates.outcomes import Outcomes
from edge.updates.probation import Probation, Terms
from edge.updates.shadow import Make, Shadow
from edge.updates.source import source_of
from edge.updates.updater import Rhythm, Supply, Updater
from edge.updates.watches import Watches
from edge.updates.writer_probation import WriterProbation, Writes
from models.offer import Ring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.config import Settings
    from edge.events import Events
    from edge.library.library import ModelLibrary
    from edge.ports import Clock
    from edge.store.store import Store
    from models.case import Case, SecondOpinion
    from models.profile import Profile


@dataclass(frozen=True, slots=True)
class Serving:
    """What looks and writes on this device."""

    vision: WorkerVision
    """Looks."""
    challenger: Make
    """Makes the eyes that a version is tried with."""
    writer: Writes
    """Writes."""
    groups: ChildGroups
    """Hold what tries a version before that."""


class StoredCases:
    """The store, as `Shadow` sees it."""

    def __init__(self, store: Store, *, doubtful: bool = True) -> None:
        """Use `store`; unless `doubtful` nothing is noted in it."""
        self._store = store
        self._doubtful = doubtful

    async def get(self, case_id: str) -> Case:
        """The case."""
        return await self._store.get(case_id)

    async def photo(self, case_id: str) -> bytes:
        """Its first photo."""
        file = await self._store.image(case_id)
        return await asyncio.to_thread(file.path.read_bytes)

    async def doubt(self, case_id: str, opinion: SecondOpinion) -> None:
        """A revision of the case, which travels like every other."""

        if not self._doubtful:
            return

        def heard(case: Case) -> Case:
            return replace(case, second_opinions=(*case.second_opinions, opinion))

        await self._store.revise(case_id, heard)


def wire_updater(
    settings: Settings,
    library: ModelLibrary,
    profiles: Mapping[str, Profile],
    serving: Serving,
    store: Store,
    events: Events,
    clock: Clock,
) -> Updater:
    """The updater of these settings; nothing is looked at yet.

    Args:
        settings: of the device.
        library: its models.
        profiles: its profiles.
        serving: what serves, and what a version is tried with.
        store: the cases it is tried on.
        events: tells of them.
        clock: times trials.
    """
    wanted, vision = settings.updates, serving.vision
    rules = Rules(photos=wanted.shadow_photos, seconds=wanted.shadow_hours * 3600)
    terms = Terms(seconds=wanted.probation_hours * 3600)
    allowed = budgets(profiles.values(), class_here())
    return Updater(
        Supply(
            puller_of(settings, library, profiles),
            lambda: source_of(wanted.url),
            trial_with(settings.vision, settings.writer, allowed, serving.groups),
        ),
        Shadow(serving.challenger, StoredCases(store), events, vision, clock, rules, allowed),
        Watches(
            Probation(vision, clock, terms, allowed),
            WriterProbation(serving.writer, clock, terms),
            Shadow(
                serving.challenger,
                StoredCases(store, doubtful=False),
                events,
                vision,
                clock,
                replace(rules, seconds=terms.seconds, agreement_alone=True),
                {},
            ),
        ),
        library,
        Outcomes(settings.store.data_dir / "models"),
        vision,
        events,
        Rhythm(wanted.policy, Ring(wanted.ring), wanted.check_minutes * 60, random.Random()),  # noqa: S311 no secret
    )
