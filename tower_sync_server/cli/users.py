"""`edgecase-tower users`: who may sign in. Asks nothing unless it is at a terminal."""

from __future__ import annotations

import getpass
import json as json_text
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tower_sync_server.cli.options import Config, Json, settings_of
from tower_sync_server.errors import BadFieldError
from tower_sync_server.people.words import By, Kind, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tower_sync_server.people.people import People
    from tower_sync_server.people.sessions import Sessions

app = typer.Typer(help="Let people sign in, and say what they may do.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The user's name: letters, digits, . _ @ + -")]
As = Annotated[Role, typer.Option("--role", help="What they may do; each more than the last.")]
Given = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        help="The password is its first line. [default: asked for at a terminal; else the first "
        "line of standard input; where that is empty one is made and printed]",
    ),
]


@app.command("add")
def add(
    name: Name, role: As = Role.VIEWER, password_file: Given = None, config: Config = None
) -> None:
    """Let somebody sign in."""
    password, made = wanted_password(password_file)
    with opened(config) as (people, _):
        user = people.add(name.lower(), role, password, whoever())
    typer.echo(f"{user.name} may sign in, as {user.role.value}.")
    say_made(made)


@app.command("list")
def list_users(config: Config = None, json: Json = False) -> None:
    """Show everybody who may sign in."""
    with opened(config) as (people, _):
        everybody = people.all()
    if json:
        rows = [{"user": u.name, "role": u.role.value, "created": u.created} for u in everybody]
        typer.echo(json_text.dumps(rows, default=str))
        return
    for user in everybody:
        typer.echo(f"{user.name:<24} {user.role.value:<9} since {user.created:%Y-%m-%d}")
    if not everybody:
        typer.echo("Nobody yet: edgecase-tower users add NAME --role admin")


@app.command("role")
def role(
    name: Name,
    to: Annotated[Role, typer.Argument(help="What they may do from now on.")],
    config: Config = None,
) -> None:
    """Change what somebody may do; signs them out everywhere."""
    with opened(config) as (people, _):
        people.set_role(name.lower(), to, whoever())
    typer.echo(f"{name.lower()} is {to.value} now.")


@app.command("password")
def password(name: Name, password_file: Given = None, config: Config = None) -> None:
    """Give somebody another password; signs them out everywhere, programs too."""
    new, made = wanted_password(password_file)
    with opened(config) as (people, _):
        people.set_password(name.lower(), new, whoever())
    typer.echo(f"{name.lower()} has another password.")
    say_made(made)


@app.command("remove")
def remove(name: Name, config: Config = None) -> None:
    """Let somebody in no more, at once."""
    with opened(config) as (people, _):
        people.remove(name.lower(), whoever())
    typer.echo(f"{name.lower()} is removed.")


@app.command("token")
def token(
    name: Name,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[float, typer.Option(help="How long it is good.", min=0.01, max=3650)] = 365,
    config: Config = None,
) -> None:
    """Print a token for a program that acts for somebody: Authorization: Bearer …"""
    with opened(config) as (_, sessions):
        typer.echo(sessions.add_token(name.lower(), label[:64], days, whoever()))


@app.command("tokens")
def tokens(name: Name, config: Config = None) -> None:
    """Show somebody's tokens; what a token is can't be shown again."""
    with opened(config) as (_, sessions):
        for one in sessions.of(name.lower(), Kind.TOKEN):
            typer.echo(f"{one.id}  until {one.ends:%Y-%m-%d}  {one.label}")


@app.command("revoke")
def revoke(
    name: Name,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `tokens` shows it.")],
    config: Config = None,
) -> None:
    """Take a program's token back, at once."""
    with opened(config) as (_, sessions):
        sessions.revoke(name.lower(), token_id, whoever())
    typer.echo("It is good no more.")


@contextmanager
def opened(config: Path | None) -> Iterator[tuple[People, Sessions]]:
    """The people of the tower that these settings are of; its tables are made if need be."""
    from tower_sync_server.migrations.upgrade import migrate
    from tower_sync_server.parts import now, open_keep
    from tower_sync_server.people.passwords import Passwords
    from tower_sync_server.people.people import People
    from tower_sync_server.people.sessions import Sessions

    settings = settings_of(config)
    keep = open_keep(settings.store)
    try:
        migrate(keep.engine)
        people = People(keep.engine, now, Passwords())
        yield people, Sessions(keep.engine, now, settings.http.lifetimes)
    finally:
        keep.close()


def wanted_password(file: Path | None) -> tuple[str, str]:
    """The password to set, and the same where it was made here and nobody knows it yet.

    Raises:
        BadFieldError: the file can't be read, or two entries are not the same.
    """
    from tower_sync_server.people.passwords import generated

    if file is not None:
        try:
            return _first_line(file.read_text(encoding="utf-8")), ""
        except (OSError, UnicodeDecodeError) as e:
            raise BadFieldError(f"--password-file: {e}", "Give a readable file.") from e
    if sys.stdin.isatty():
        once, again = getpass.getpass("Password: "), getpass.getpass("The same again: ")
        if once != again:
            raise BadFieldError("The two are not the same.", "Nothing was changed.")
        return once, ""
    given = _first_line(sys.stdin.readline())
    if given:
        return given, ""
    made = generated()
    return made, made


def say_made(password: str) -> None:
    """Print a password that was made here, once."""
    if password:
        typer.echo(f"The password is {password}  (it is not shown again)")


def whoever() -> By:
    """Who runs the command, for the audit."""
    try:
        return By(f"shell:{getpass.getuser()}", "")
    except (KeyError, OSError):  # a user without a name, in a container
        return By("shell", "")


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0].removesuffix("\r")
