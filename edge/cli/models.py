"""`edgecase models …`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli import pull_models
from edge.cli.options import Config, Json, settings_of
from edge.cli.output import USAGE, note, show_json, show_table

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.library.library import Model
    from models.release import ModelRelease

app = typer.Typer(no_args_is_help=True)

Ident = Annotated[str, typer.Argument(metavar="ID", help="The model.")]
HEADINGS = ("model", "version", "task", "active", "from", "median ms", "description")


@app.callback()
def models() -> None:
    """Look at the models on this device, and choose which ones serve."""


@app.command("list")
def list_models(json: Json = False, config: Config = None) -> None:
    """List every version of every model; the active one serves."""
    from edge.eyes import library_of

    library = library_of(settings_of(config))
    found, broken = library.list(), library.broken()
    if json:
        show_json({"models": [_as_json(model) for model in found], "broken": dict(broken)})
        return
    if found:
        show_table(HEADINGS, map(_row, found))
    else:
        note("no models: `edgecase models install FILE`")
    for folder, why in broken.items():
        note(f"{folder} is no model: {why}")


@app.command("install")
def install(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A model file, or a folder with model.toml.")
    ],
    answer: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="What the file doesn't tell, e.g. labels=cat,dog."),
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Copy a model onto the device; one that is new to it is active at once."""
    from edge.cli.install_model import install_model

    settings = settings_of(config)
    release = install_model(settings, file, answer or [])
    if release is None:
        raise typer.Exit(USAGE)
    _tell(settings, release, "installed", json)
    _tell_if_idle(settings, release)


@app.command("activate")
def activate(
    ident: Ident,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="As `models list` shows it.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Choose which version of a model serves; it is tried first, and refused if it fails."""
    from edge.adapters.trial import trial_with
    from edge.eyes import library_of
    from edge.updates.outcomes import Outcomes
    from models.rollout import Result

    settings = settings_of(config)
    trial = trial_with(settings.vision, settings.writer)
    model = library_of(settings).activate(ident, version, trial)
    outcomes = Outcomes(settings.store.data_dir / "models")
    if outcomes.of(ident, version):  # a released one: a person's word for it, also a second chance
        outcomes.note(ident, version, Result.ACTIVATED)
    _tell(settings, model.release, "active", json)


@app.command("rollback")
def rollback(ident: Ident, json: Json = False, config: Config = None) -> None:
    """Go back to the version that was active before."""
    from edge.eyes import library_of
    from edge.updates.outcomes import Outcomes

    settings = settings_of(config)
    failed = Outcomes(settings.store.data_dir / "models").failed()
    model = library_of(settings).rollback(ident, avoid=failed)
    _tell(settings, model.release, "active", json)


app.command("pull")(pull_models.pull)
app.command("trust")(pull_models.trust)


def _tell(settings: "Settings", release: "ModelRelease", what: str, json: bool) -> None:
    from edge.cli.reload import reload_daemon

    served = reload_daemon(settings)
    if json:
        show_json({"model": release.id, "version": release.version, "daemon": served})
    else:
        typer.echo(f"{release.ref} is {what}")
        note(served)


def _tell_if_idle(settings: "Settings", release: "ModelRelease") -> None:
    """Say so where no profile asks for a model of this name: it would lie there unused."""
    from edge.daemon import load_profiles
    from models.release import Task

    wanted = {m for profile in load_profiles(settings).values() for m in profile.model_ids}
    if release.task is not Task.WRITE and release.id not in wanted:
        note(f"no profile looks with {release.id}; profiles ask for {', '.join(sorted(wanted))}")
        note("  to have one use it: --answer id=NAME, and --answer version=… to go on from another")


def _as_json(model: "Model") -> dict[str, object]:
    from models.jsonable import to_json

    release = model.release
    return {
        "id": release.id,
        "version": release.version,
        "task": release.task.value,
        "active": model.active,
        "shipped": model.shipped,
        "signed": model.signed,
        "folder": str(model.folder),
        "measured": to_json(model.measured),
        "description": release.description,
    }


def _row(model: "Model") -> tuple[str, ...]:
    release, measured = model.release, model.measured
    return (
        release.id,
        release.version,
        release.task.value,
        "yes" if model.active else "",
        "EdgeCase" if model.shipped else "release" if model.signed else "unsigned",
        "" if measured is None else f"{measured.median_ms:.1f}",
        release.description,
    )
