"""`edgecase models pull` and `edgecase models trust`: released models, from a tower or a stick."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import note, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.config import Settings
    from edge.library.library import Trial
    from edge.updates.pull import Found, Puller
    from edge.updates.source import Source
    from models.offer import Offer
    from models.release import ModelRelease

HEADINGS = ("model", "from", "to", "MB", "notes")
MEGABYTE = 1e6


def pull(
    where: Annotated[
        str,
        typer.Argument(
            metavar="[FOLDER|URL]",
            help="A stick, a folder, or http(s)://TOWER:9000/releases. [default: updates.url]",
            show_default=False,
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Install beside what serves; activate nothing.")
    ] = False,
    look: Annotated[
        bool, typer.Option("--look", help="Show what is offered, and no more.")
    ] = False,
    daemon: Annotated[
        bool, typer.Option("--daemon", help="Have the daemon look, by updates.policy.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Look at the release repository; fetch, try and activate what is newer and fits this device.

    Exit codes: 0 all that fits serves, 1 a version was refused or could not be fetched.
    """
    settings = settings_of(config)
    if daemon:
        _have_daemon_look(settings, json=json)
        return
    source, puller = _source(settings, where), _puller(settings)
    found = puller.look(source)
    if not json:
        _show(found, source, puller.active())
    if look:
        if json:
            show_json({"offered": [o.ref for o in found.choice.take], **_left(found)})
        return
    _take(settings, puller, found, source, yes=yes, keep=keep, json=json)


def trust(
    root: Annotated[
        Path, typer.Argument(metavar="ROOT.json", help="The tower's metadata/1.root.json.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Instead of the one that is trusted now.")
    ] = False,
    config: Config = None,
) -> None:
    """Say whose releases this device believes; never take this file from a stranger's stick."""
    from edge.cli.in_store import refuse_other_user
    from edge.errors import BadRequestError, RefusedReleaseError
    from edge.updates.look import trust as begin
    from edge.updates.trusted import ROOT, TrustedMetadata

    settings = settings_of(config)
    refuse_other_user(settings.store.data_dir)
    if not root.is_file():
        raise BadRequestError(f"There is no {root}.")
    seen = TrustedMetadata(settings.store.data_dir)
    try:
        known = seen.read()
    except RefusedReleaseError:
        known = {}  # damaged: this is what mends it
    if ROOT in known and not replace:
        raise BadRequestError("This device trusts a repository already.", "Add --replace.")
    settings.store.data_dir.mkdir(parents=True, exist_ok=True)
    version = begin(seen, root.read_bytes())
    typer.echo(f"trusted: root {version} of {root}")


def _take(
    settings: "Settings",
    puller: "Puller",
    found: "Found",
    source: "Source",
    *,
    yes: bool,
    keep: bool,
    json: bool,
) -> None:
    if found.choice.take and not _agreed(yes=yes or json):
        raise typer.Exit(1)
    done, failed = _install_all(settings, puller, found, source, keep=keep, quiet=json)
    if done and not keep:
        _serve(settings, quiet=json)
    if json:
        show_json(_as_json(found, done, failed))
    if failed:
        raise typer.Exit(1)


def _source(settings: "Settings", where: str) -> "Source":
    from edge.cli.in_store import refuse_other_user
    from edge.errors import OperatorError
    from edge.updates.source import source_of

    refuse_other_user(settings.store.data_dir)
    place = where or settings.updates.url
    if not place:
        raise OperatorError(
            "No release repository is configured on this device.",
            "Set updates.url, or name a folder: edgecase models pull /media/stick",
        )
    return source_of(place)


def _have_daemon_look(settings: "Settings", *, json: bool) -> None:
    """For a timer: nothing happens here that the daemon's shadow and probation would not see."""
    from edge.cli.daemon_call import call

    if not settings.updates.url:
        note("updates.url is not set: there is nothing to look at")
        return
    told = call(settings, "POST", "/models/pull")["updates"]
    if json:
        show_json(told)
    else:
        note(f"the daemon looks at {settings.updates.url}; before that it was {told['phase']}")
        if told["problem"]:
            note(f"  {told['problem']}")


def _puller(settings: "Settings") -> "Puller":
    from edge.daemon import load_profiles
    from edge.eyes import library_of
    from edge.updates.device import puller_of

    return puller_of(settings, library_of(settings), load_profiles(settings))


def _budgets(settings: "Settings") -> "Mapping[str, float]":
    from edge.daemon import load_profiles
    from edge.updates.budget import budgets
    from edge.updates.device import class_here

    return budgets(load_profiles(settings).values(), class_here())


def _agreed(*, yes: bool) -> bool:
    return yes or not sys.stdin.isatty() or typer.confirm("Install these?", default=True)


def _show(found: "Found", source: "Source", active: "Mapping[str, str]") -> None:
    rows = [
        (o.id, active.get(o.id, ""), o.version, f"{o.size / MEGABYTE:.1f}", o.notes)
        for o in found.choice.take
    ]
    if rows:
        show_table(HEADINGS, rows)
    else:
        note(f"{source.name}: nothing newer for this device")
    for ref, why in found.choice.leave.items():
        note(f"  not {ref}: {why}")
    for why in found.catalogue.beyond:
        note(f"  {why}")


def _install_all(
    settings: "Settings",
    puller: "Puller",
    found: "Found",
    source: "Source",
    *,
    keep: bool,
    quiet: bool,
) -> "tuple[list[ModelRelease], dict[str, str]]":
    from edge.adapters.trial import trial_with
    from edge.cli.output import show_error
    from edge.errors import EdgeError

    done, failed, trial = [], {}, trial_with(settings.vision, settings.writer, _budgets(settings))
    for offer in found.choice.take:
        try:
            release = _install(puller, found, offer, source, trial, quiet)
            if not keep:
                puller.activate(release)
            done.append(release)
        except EdgeError as e:
            failed[offer.ref] = e.message
            if not quiet:
                show_error(e)
    return done, failed


def _install(
    puller: "Puller",
    found: "Found",
    offer: "Offer",
    source: "Source",
    trial: "Trial",
    quiet: bool,
) -> "ModelRelease":
    from rich.progress import Progress

    with Progress(disable=quiet or not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(offer.ref, total=offer.size)
        return puller.install(
            found, offer, source, trial, lambda _, p: bar.update(task, completed=p.done)
        )


def _serve(settings: "Settings", *, quiet: bool) -> None:
    from edge.cli.reload import reload_daemon

    said = reload_daemon(settings)
    if not quiet:
        note(said)


def _as_json(
    found: "Found", done: "list[ModelRelease]", failed: "Mapping[str, str]"
) -> dict[str, object]:
    return {
        "installed": [release.ref for release in done],
        "failed": dict(failed),
        **_left(found),
    }


def _left(found: "Found") -> dict[str, object]:
    return {
        "left": dict(found.choice.leave),
        "not_understood": list(found.catalogue.beyond),
        "banned": list(found.choice.banned),
    }
