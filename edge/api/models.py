"""GET /models and POST /models/reload."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from edge.api.answers import Models
from edge.api.operation import Operation, Reply, Scope
from edge.api.replies import as_json
from edge.events import EventKind
from models.jsonable import to_json

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.parts import Library, Looks
    from edge.events import Events
    from edge.model_library import Model
    from edge.ports import Vision, Writer
    from models.profile import Profile


class ModelsApi:
    """Says what runs, and swaps it."""

    def __init__(
        self, pipeline: Looks, vision: Vision, writer: Writer, library: Library, events: Events
    ) -> None:
        """Ask these; tell `events` about a swap."""
        self._pipeline = pipeline
        self._vision = vision
        self._writer = writer
        self._library = library
        self._events = events

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
        )

    async def show(self, _request: web.Request) -> web.Response:
        """Show the models."""
        return as_json(await self._models())

    async def reload(self, _request: web.Request) -> web.Response:
        """Swap the models."""
        status = await self._vision.reload()
        refs = sorted({model.ref for model in status.models})
        self._events.publish(EventKind.MODEL_SWAPPED, {"models": refs})
        return as_json(await self._models())

    async def _models(self) -> Models:
        status = self._vision.status()
        installed = await asyncio.to_thread(self._library.list)  # it reads their manifests
        return Models(
            serving=status.models,
            refused=status.refused,
            installed=tuple(map(_installed, installed)),
            writer=self._writer.status(),
            profiles=tuple(_profile(each) for each in self._pipeline.profiles.values()),
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
