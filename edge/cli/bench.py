"""`edgecase bench`."""

from typing import TYPE_CHECKING, Any

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import FAILED, note, show_json, show_table

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.ports import VisionStatus

HEADINGS = ("model", "role", "profile", "backend", "threads", "median ms", "p95 ms")


def bench(json: Json = False, config: Config = None) -> None:
    """Measure the device's own models on this machine, anew; exit code 1 if there is none."""
    import asyncio

    from edge.doctor.machine import describe_machine
    from models.jsonable import to_json

    machine = describe_machine()
    status = asyncio.run(_measure(settings_of(config)))
    if json:
        refused = dict(status.refused)
        models = [to_json(model) for model in status.models]
        show_json({"machine": machine, "models": models, "refused": refused})
    else:
        typer.echo(", ".join(f"{key} {value}" for key, value in machine.items()) + "\n")
        if status.models:
            show_table(HEADINGS, _rows(status))
        for ref, why in status.refused.items():
            note(f"{ref} is refused: {why}")
    if not status.models:
        note("no model is installed: `edgecase models list`")
        raise typer.Exit(FAILED)


async def _measure(settings: "Settings") -> "VisionStatus":
    from edge.eyes import open_eyes

    async with open_eyes(settings, measured=None) as (_, vision):
        return vision.status()


def _rows(status: "VisionStatus") -> list[tuple[Any, ...]]:
    return [
        (
            model.ref,
            model.role,
            model.profile,
            model.backend,
            str(model.threads),
            f"{model.median_ms:.1f}",
            f"{model.p95_ms:.1f}",
        )
        for model in status.models
    ]
