"""`edgecase-tower release keys …`: who may sign."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tower_sync_server.cli.options import Config, Json, settings_of
from tower_sync_server.cli.release_parts import (
    KeyFiles,
    PassphraseFile,
    ask,
    finish,
    note,
    open_releases,
    passphrase,
    places_of,
    show_rows,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tower_sync_server.releases.tuf_words import Key, Root, Targets

app = typer.Typer(no_args_is_help=True)

Role = Annotated[
    str, typer.Argument(metavar="ROLE", help="root, targets, snapshot, timestamp or rollout.")
]


@app.callback()
def keys() -> None:
    """Look at who may sign, and change it."""


@app.command("list")
def list_keys(json: Json = False, config: Config = None) -> None:
    """Show every role, its threshold and its keys."""
    import json as json_module

    from tower_sync_server.releases.key_table import key_table

    settings = settings_of(config)
    rows = key_table(open_releases(settings).repository, places_of(settings))
    if json:
        typer.echo(json_module.dumps(rows, indent=2, ensure_ascii=False))
        return
    show_rows([("role", "signs", "key", "name", "here")] + [
        (r["role"], f"{r['threshold']} of {r['keys']}", r["keyid"][:8], r["name"], r["here"])
        for r in rows
    ])  # fmt: skip


@app.command("new")
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Of the private key.")],
    name: Annotated[str, typer.Option(help="Whose it is.")] = "",
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Make a key pair, on any machine: FILE stays with its owner, FILE.pub is handed over."""
    import json as json_module

    from tower_sync_server.releases.keys import make_key, public_path

    phrase = passphrase(passphrase_file) or ask("Passphrase (Enter: none)", twice=True)
    if phrase is None:
        note("The key is not encrypted; --passphrase-file FILE encrypts it.")
    public = make_key(file, name, phrase)
    said = {"keyid": public.keyid, "private": str(file), "public": str(public_path(file))}
    if json:
        typer.echo(json_module.dumps(said, indent=2))
    else:
        typer.echo(f"Key {public.keyid[:8]}: keep {file}, hand over {said['public']}")


@app.command("add")
def add(
    role: Role,
    public: Annotated[list[Path], typer.Argument(metavar="FILE.pub…", help="Public keys.")],
    threshold: Annotated[int | None, typer.Option(help="How many have to sign from now.")] = None,
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Let somebody else sign for a role too."""
    from tower_sync_server.releases.keys import read_public

    fresh = [read_public(path) for path in public]
    _change(role, lambda there: [*there, *fresh], threshold, (key, passphrase_file, json, config))


@app.command("remove")
def remove(
    role: Role,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its name, or how its id begins.")],
    threshold: Annotated[int | None, typer.Option(help="How many have to sign from now.")] = None,
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Trust a key no more: it was lost, or its owner left."""
    from tower_sync_server.errors import BadRequestError
    from tower_sync_server.releases.keys import find_key

    def left(there: "list[Key]") -> "list[Key]":
        gone = find_key({k.keyid: k for k in there}, key_id)
        kept = [k for k in there if k.keyid != gone]
        if not kept:
            hint = f"edgecase-tower release keys rotate {role} --to FILE.pub"
            raise BadRequestError(f"It is the only key of {role}.", hint)
        return kept

    _change(role, left, threshold, (key, passphrase_file, json, config))


@app.command("rotate")
def rotate(
    role: Role,
    to: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.pub", help="The keys that count from now; may be repeated."),
    ] = None,
    threshold: Annotated[int | None, typer.Option(help="How many have to sign from now.")] = None,
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Replace every key of a role; without --to by a new one on this tower."""
    from tower_sync_server.releases.begin import fresh_key
    from tower_sync_server.releases.keys import read_public

    places = places_of(settings_of(config))
    fresh: list[Key] = [read_public(path) for path in to or ()]
    if not fresh:
        fresh = [fresh_key(places.keys, role, passphrase(passphrase_file))]
    _change(role, lambda _there: fresh, threshold, (key, passphrase_file, json, config))


@app.command("threshold")
def threshold(
    role: Role,
    count: Annotated[int, typer.Argument(metavar="COUNT", help="How many have to sign.")],
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Say how many people have to sign."""
    _change(role, lambda there: there, count, (key, passphrase_file, json, config))


def _change(
    role: str,
    edit: "Callable[[list[Key]], list[Key]]",
    count: int | None,
    common: tuple[list[Path] | None, Path | None, bool, Path | None],
) -> None:
    from tower_sync_server.releases import edits
    from tower_sync_server.releases.roles import ROLLOUT

    key, phrase_file, json, config = common

    def change(root: "Root", targets: "Targets") -> None:
        there = list(edits.keys_of(root, targets, role).values())
        edits.set_keys(root, targets, role, edit(there))
        if count is not None and role != ROLLOUT:
            edits.set_threshold(root, role, count)

    done = open_releases(settings_of(config), key, phrase_file).repository.change_keys(change)
    finish(done, f"The keys of {role} are changed.", as_json=json)
