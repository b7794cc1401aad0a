"""What the release commands share: opening the repository with its keys, and saying how it went.

Exit codes: 0 done, 3 done as far as it goes and waiting for signatures, besides the usual ones.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tower_sync_server.errors import BadRequestError, OperatorError

if TYPE_CHECKING:
    from tower_sync_server.config import Settings
    from tower_sync_server.releases.places import Places
    from tower_sync_server.releases.repository import Done
    from tower_sync_server.releases.tuf_words import CryptoSigner, Metadata, Root, Targets
    from tower_sync_server.releases.work import Releases

WAITING = 3
"""Exit code: it waits for somebody's signature."""
PASSPHRASE = "EDGECASE_TOWER_PASSPHRASE"  # noqa: S105 - the name of a variable

KeyFiles = Annotated[
    list[Path] | None,
    typer.Option("--key", metavar="KEYFILE", help="A private key to sign with; may be repeated."),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help=f"Holds the passphrase of encrypted keys; or set {PASSPHRASE}."
    ),
]
Model = Annotated[str, typer.Argument(metavar="MODEL", help="Id of the model.")]
Version = Annotated[
    str | None, typer.Argument(metavar="[VERSION]", help="Which one. [default: the newest]")
]
Reason = Annotated[str, typer.Option(help="Why, for those who see it on their device.")]


def places_of(settings: "Settings") -> "Places":
    """Where this tower's repository lies."""
    from tower_sync_server.releases.watch import places_of as found

    return found(settings)


def open_releases(
    settings: "Settings", keys: Sequence[Path] | None = None, phrase_file: Path | None = None
) -> "Releases":
    """Open the repository with the tower's keys and these.

    Raises:
        BadRequestError: a key can't be read.
    """
    from tower_sync_server.releases.keys import has_locked, read_ring, ring_of
    from tower_sync_server.releases.repository import Repository, utc_now
    from tower_sync_server.releases.shelf import Shelf
    from tower_sync_server.releases.work import Releases

    places = places_of(settings)
    refuse_other_user(settings.store.data_dir)
    phrase = passphrase(phrase_file)
    if phrase is None and has_locked(places.keys):
        phrase = ask(f"Passphrase of the keys in {places.keys} (Enter: leave them shut)")
    ring = read_ring(places.keys, phrase)
    ring |= ring_of(private_key(path, phrase) for path in keys or ())
    return Releases(Repository(Shelf(places), ring, utc_now), utc_now)


def refuse_other_user(data_dir: Path) -> None:
    """Refuse to write as root into another user's folder: the tower could not read it any more.

    Raises:
        OperatorError: it is another user's.
    """
    owner = data_dir.stat().st_uid if data_dir.exists() else os.geteuid()
    if owner != os.geteuid():
        message = f"{data_dir} belongs to user {owner}, and this is user {os.geteuid()}."
        raise OperatorError(message, f"sudo -u '#{owner}' edgecase-tower …")


def private_key(path: Path, phrase: bytes | None) -> "CryptoSigner":
    """Read a private key; where somebody can be asked for its passphrase, they are."""
    from tower_sync_server.releases.keys import LockedKeyError, read_private

    try:
        return read_private(path, phrase)
    except LockedKeyError:
        told = ask(f"Passphrase of {path}")
        if told is None:
            raise
        return read_private(path, told)


def passphrase(file: Path | None) -> bytes | None:
    """The passphrase that was given in a file or in the environment; None: none was.

    Raises:
        BadRequestError: the file can't be read, or is empty.
    """
    if file is None:
        return os.environ.get(PASSPHRASE, "").encode() or None
    try:
        found = file.read_bytes().strip()
    except OSError as e:
        raise BadRequestError(f"{file} can't be read: {e}") from e
    if not found:
        raise BadRequestError(f"{file} is empty.", "Write the passphrase into it.")
    return found


def ask(what: str, *, twice: bool = False) -> bytes | None:
    """Ask for a passphrase; None where nobody is there, or where they gave none."""
    if not sys.stdin.isatty():
        return None
    told: str = typer.prompt(
        what, hide_input=True, default="", show_default=False, confirmation_prompt=twice, err=True
    )
    return told.encode() or None


def note(text: str) -> None:
    """Say something on standard error."""
    typer.echo(text, err=True)


def finish(done: "Done", what: str, *, as_json: bool, **more: Any) -> None:
    """Say how it went; leaves with 3 where it waits for signatures.

    Args:
        done: how it went.
        what: the same in words, where nothing waits.
        as_json: for programs.
        more: for programs too.
    """
    if as_json:
        typer.echo(json.dumps({**more, **as_value(done)}, indent=2, ensure_ascii=False))
    else:
        typer.echo(what)
        say_missing(done)
    if done.missing:
        raise typer.Exit(WAITING)


def say_changes(changes: "Sequence[tuple[Metadata[Any], Root | Targets | None]]") -> None:
    """Say what waits, so that people see what they sign: each with what it follows."""
    from tower_sync_server.releases.summary import lines_of

    for change, before in changes:
        for line in lines_of(change, before):
            note(line)


def say_missing(done: "Done") -> None:
    """Say who has to sign what."""
    if done.voided:
        note("The change replaces one that waited; signatures given to that one are gone.")
    for one in done.missing:
        names = ", ".join(one.signers)
        note(f"Not published yet: {one.role} needs {one.count} more signature(s), from {names}.")
    for path in done.files:
        note(f"  waits in {path}")
    if done.missing:
        note("  hint: edgecase-tower release sign KEYFILE")


def as_value(done: "Done") -> dict[str, Any]:
    """How it went, for programs."""
    from models.jsonable import to_json

    return {
        "published": not done.missing,
        "waiting": to_json(done.missing),
        "files": [str(path) for path in done.files],
    }


def show_rows(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))] if rows else []
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
