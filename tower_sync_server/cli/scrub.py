"""`edgecase-tower scrub`."""

from typing import TYPE_CHECKING, Annotated

import typer

from tower_sync_server.cli.options import Config, Json, refuse_other_user, settings_of

if TYPE_CHECKING:
    from tower_sync_server.archive.scrub import Found
    from tower_sync_server.config import Settings

Rate = Annotated[float, typer.Option(min=0.1, help="Read at most so much, megabytes a second.")]
Hours = Annotated[
    float, typer.Option(min=0, help="Stop after so long; the next call goes on there. 0: never.")
]
Days = Annotated[
    float, typer.Option(min=0, help="Do nothing where the last look began less than so long ago.")
]
Believe = Annotated[
    bool, typer.Option("--believe", help="Believe it also where nearly all pictures are gone.")
]


def scrub(
    mb_s: Rate = 20,
    hours: Hours = 0,
    days: Days = 0,
    believe: Believe = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Look whether every picture is still there, byte for byte; ask devices for those that aren't.

    Exits with 1 where a picture was found that isn't.
    """
    from datetime import timedelta
    from time import monotonic

    from tower_sync_server.archive.scrub import Pace, Scrub
    from tower_sync_server.migrations.upgrade import migrate
    from tower_sync_server.parts import MEGABYTE, now, open_keep

    settings = settings_of(config)
    refuse_other_user(settings.store.data_dir, "scrub")
    end = monotonic() + (hours * 3600 or float("inf"))
    keep = open_keep(settings.store)
    try:
        migrate(keep.engine)
        look = Scrub(keep.engine, keep.blobs, now, Pace(mb_s * MEGABYTE))
        next_at = look.next_at(timedelta(days=days))
        if next_at is not None and next_at > now():
            typer.echo(f"Nothing to do before {next_at:%Y-%m-%d}.", err=True)
            return
        found = look.run(lambda: monotonic() < end, believe=believe)
    finally:
        keep.close()
    if json:
        _show_json(found)
    else:
        _show(found)
    if found.bad:
        _ask(settings, sorted(found.devices))
        raise typer.Exit(1)


def _show(found: "Found") -> None:
    till = "all of them" if found.finished else "the next call goes on"
    typer.echo(f"{found.looked} pictures looked at: {till}.", err=True)
    if found.whole_again:
        typer.echo(f"{found.whole_again} are whole again.")
    for what, count in sorted(found.bad.items()):
        typer.echo(f"{count} {what}, of {', '.join(sorted(found.devices))}.")


def _show_json(found: "Found") -> None:
    from json import dumps

    bad, devices = dict(found.bad), sorted(found.devices)
    told = {"looked": found.looked, "finished": found.finished, "bad": bad, "devices": devices}
    typer.echo(dumps({**told, "whole_again": found.whole_again}))


def _ask(settings: "Settings", devices: list[str]) -> None:
    """Have these devices compare what they hold: it is there that pictures are asked for."""
    from tower_sync_server.cli.devices import wish
    from tower_sync_server.errors import TowerError

    try:
        wish(settings, devices)
    except TowerError as e:
        typer.echo(f"They compare within a day, and not at once: {e.message}", err=True)
    else:
        typer.echo("They were asked to compare, and send what they still have.", err=True)
