"""GET /models, POST /models/reload and POST /models/pull."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from edge.api.answers import Looking, Models
from edge.api.operation import Operation, Reply, Scope
from edge.api.replies import as_json
from edge.events import EventKind
from models.jsonable import to_json

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.parts import Library, Looks
    from edge.events import Events
    from edge.library.library import Model
    from edge.ports import Vision, Writer
    from edge.updates.make import Updates
    from models.profile import Profile


class ModelsApi:
    """Says what runs, and swaps it."""

    def __init__(
        self,
        pipeline: Looks,
        vision: Vision,
        writer: Writer,
        library: Library,
        events: Events,
        updates: Updates,
    ) -> None:
        """Ask these; tell `events` about a swap."""
        self._pipeline = pipeline
        self._vision = vision
        self._writer = writer
        self._library = library
        self._events = events
        self._updates = updates

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="GET",
                path="/models",
                handler=self.show,
                summary="What runs, and what could",
                tag="models",
                scope=Scope.VIEW,
                replies={200: Reply("The models.", Models)},
            ),
            Operation(
                method="POST",
                path="/models/reload",
                handler=self.reload,
                summary="Start what is active now, try it, and move the traffic to it",
                tag="models",
                scope=Scope.ADMIN,
                replies={200: Reply("The models, which serve now.", Models)},
            ),
            Operation(
                method="POST",
                path="/models/pull",
                handler=self.pull,
                summary="Look at the release repository now",
                tag="models",
                scope=Scope.ADMIN,
                replies={202: Reply("It will be looked at.", Looking)},
            ),
        )

    async def show(self, _request: web.Request) -> web.Response:
        """Show the models."""
        return as_json(await self._models())

    async def reload(self, _request: web.Request) -> web.Response:
        """Swap the models."""
        status = await self._vision.reload()
        refs = sorted({model.ref for model in status.models})
        self._events.publish(EventKind.MODEL_SWAPPED, {"models": refs})
        self._updates.look_soon()  # a person may have said the word that it waits for
        return as_json(await self._models())

    async def pull(self, _request: web.Request) -> web.Response:
        """Have the updater look."""
        self._updates.look_soon()
        return as_json(Looking(self._updates.status()), status=202)

    async def _models(self) -> Models:
        status = self._vision.status()
        installed = await asyncio.to_thread(self._library.list)  # it reads their manifests
        return Models(
            serving=status.models,
            refused=status.refused,
            installed=tuple(map(_installed, installed)),
            writer=self._writer.status(),
            profiles=tuple(_profile(each) for each in self._pipeline.profiles.values()),
            updates=self._updates.status(),
        )


def _installed(model: Model) -> dict[str, Any]:
    release = model.release
    return {
        "id": release.id,
        "version": release.version,
        "task": release.task.value,
        "format": release.format.value,
        "active": model.active,
        "shipped": model.shipped,
        "signed": model.signed,
        "description": release.description,
        "labels": list(release.labels),
        "figures": to_json(release.figures),
    }


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "id": profile.id,
        "title": profile.title,
        "models": list(profile.model_ids),
        "waits_for": profile.waits_for,
        "form": to_json(profile.form),
        "shots": to_json(profile.shots),
    }
