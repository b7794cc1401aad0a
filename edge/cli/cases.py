"""`edgecase cases …`: reads the store; works while the daemon runs."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  typer reads the annotations
from pathlib import Path  # noqa: TC003
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import note, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.cli.case_reader import CaseReader
    from edge.store.listing import Filter
    from models.case import Case

app = typer.Typer(no_args_is_help=True)

Status = Annotated[
    str | None, typer.Option(help="Only these: accepted, needs_review, rejected or deleted.")
]
Label = Annotated[str | None, typer.Option(help="Only cases where this was seen.")]
Profile = Annotated[str | None, typer.Option(help="Only cases of this profile.")]
Since = Annotated[datetime | None, typer.Option(help="Only cases made then or later, local time.")]
Query = Annotated[str | None, typer.Option("-q", "--query", help="Words of form, summary, labels.")]
SUMMARY_WIDTH = 60
"""Characters of a summary in the list."""


@app.callback()
def cases() -> None:
    """Look at the cases on this device, and take them out."""


@app.command("list")
def list_cases(
    status: Status = None,
    label: Label = None,
    profile: Profile = None,
    since: Since = None,
    query: Query = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
    json: Json = False,
    config: Config = None,
) -> None:
    """List cases, newest first."""
    from models.jsonable import to_json

    which = _filter(status, label, profile, since, query)
    with _reader(config) as store:
        found = _first(store.every(which), limit)
    if json:
        show_json([to_json(case) for case in found])
        return
    if not found:
        note("no cases")
        return
    show_table(("id", "created", "profile", "status", "seen", "summary"), map(_row, found))


@app.command("show")
def show(
    case_id: Annotated[str, typer.Argument(metavar="ID", help="The case, or how its id begins.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Show one case."""
    from models.jsonable import to_json

    with _reader(config) as store:
        case = store.one(case_id)
        photos = [str(path) if path else "not on this device" for path in store.photos(case)]
    if json:
        show_json({**to_json(case), "files": photos})
        return
    typer.echo(f"{case.id}  {case.status.value}  {case.profile}  rev {case.rev}")
    typer.echo(f"created {case.created.isoformat(timespec='seconds')} on {case.device}")
    for reason in case.decision.reasons:
        typer.echo(f"because {reason}")
    typer.echo(f"\n{case.summary.text}\n")
    seen = [p for p in case.predictions if p.shown]
    if seen:
        rows = ((p.label, f"{p.confidence:.2f}", p.source.value, _box(p.box)) for p in seen)
        show_table(("label", "confidence", "source", "box"), rows)
    for key, value in case.form.items():
        typer.echo(f"{key}: {value}")
    for path in photos:
        typer.echo(f"photo: {path}")


@app.command("export")
def export(  # noqa: PLR0913, PLR0917  its options
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Is made where it is missing.")],
    status: Status = None,
    label: Label = None,
    profile: Profile = None,
    since: Since = None,
    query: Query = None,
    deleted: Annotated[
        bool, typer.Option("--deleted", help="The deleted ones too, as a tower keeps them.")
    ] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Copy cases to DIR: to look at, or for a tower to take in; again adds what is new."""
    from dataclasses import replace

    from edge.cli.case_export import export_cases
    from edge.identity import identify
    from edge.uplink.bundle import join

    which = replace(_filter(status, label, profile, since, query), include_deleted=deleted)
    settings = settings_of(config)
    device = join(settings.sync, settings.store.data_dir).settings.device
    device = device or identify(settings.device.name).device
    with _reader(config) as store:
        done = export_cases(store.every(which), store.parcels, folder, device)
    if json:
        show_json({"folder": str(folder), **done.as_json()})
    else:
        typer.echo(done.words(folder))


def _reader(config: Path | None) -> CaseReader:
    from edge.cli.case_reader import CaseReader

    return CaseReader(settings_of(config).store.data_dir)


def _filter(
    status: str | None,
    label: str | None,
    profile: str | None,
    since: datetime | None,
    query: str | None,
) -> Filter:
    from edge.store.listing import Filter
    from models.case import Status as Known

    if status is not None and status not in list(Known):
        names = ", ".join(known.value for known in Known)
        raise typer.BadParameter(f"{status!r} is none of {names}", param_hint="--status")
    return Filter(
        status=None if status is None else Known(status),
        label=label,
        profile=profile,
        since=None if since is None else since.astimezone(),
        q=query,
    )


def _first(found: Iterator[Case], limit: int) -> list[Case]:
    from itertools import islice

    return list(islice(found, limit))


def _row(case: Case) -> tuple[str, ...]:
    seen = ", ".join(dict.fromkeys(p.label for p in case.predictions if p.shown)) or "nothing"
    text = " ".join(case.summary.text.split())
    short = text if len(text) <= SUMMARY_WIDTH else text[: SUMMARY_WIDTH - 1] + "…"
    when = case.created.astimezone().strftime("%Y-%m-%d %H:%M")
    return case.id[:8], when, case.profile, case.status.value, seen, short


def _box(box: tuple[float, float, float, float]) -> str:
    return " ".join(f"{v:.0f}" for v in box)
