"""`edgecase-tower release …`: models on their way to the devices."""

from pathlib import Path
from typing import Annotated

import typer

from models.offer import DeviceClass, Ring
from tower_sync_server.cli import release_keys
from tower_sync_server.cli.options import Config, Json, settings_of
from tower_sync_server.cli.release_parts import (
    KeyFiles,
    Model,
    PassphraseFile,
    Reason,
    Version,
    finish,
    note,
    open_releases,
    passphrase,
    places_of,
    private_key,
    refuse_other_user,
    say_changes,
    say_missing,
)

app = typer.Typer(no_args_is_help=True)
app.add_typer(release_keys.app, name="keys")

PublicKeys = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE.pub", help="Somebody's public key; may be repeated."),
]
TRUST = "On each device, with {root} on a road you trust: edgecase models trust 1.root.json"
STARTER = (
    "Starter mode: the keys of root and targets lie on this tower, so whoever takes it can ship\n"
    'models. Good for a single shop; for more, see docs/releases.md, "Two people".'
)


@app.callback()
def release() -> None:
    """Sign models and let them go to devices, ring after ring."""


@app.command("init")
def init(
    root: PublicKeys = None,
    targets: PublicKeys = None,
    root_threshold: Annotated[int | None, typer.Option(help="How many of --root sign.")] = None,
    targets_threshold: Annotated[
        int | None, typer.Option(help="How many of --targets sign. [default: 2]")
    ] = None,
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Begin a repository: in starter mode, or with people's keys (--root, --targets)."""
    from tower_sync_server.releases.begin import begin

    settings = settings_of(config)
    places = places_of(settings)
    refuse_other_user(settings.store.data_dir)
    people = {"root": tuple(root or ()), "targets": tuple(targets or ())}
    thresholds = {"root": root_threshold, "targets": targets_threshold}
    phrase = passphrase(passphrase_file)
    starter = begin(places, people, thresholds, phrase)
    done = open_releases(settings, key, passphrase_file).repository.sign()[0]
    if starter:
        note(STARTER)
    first = places.metadata / "1.root.json"
    said = f"The repository is in {places.metadata.parent}.\n{TRUST.format(root=first)}"
    finish(done, said, as_json=json, root=str(first), starter=starter)


@app.command("add")
def add(  # noqa: PLR0913, PLR0917 - each is an option of the command
    folders: Annotated[list[Path], typer.Argument(metavar="MODEL_DIR…", help="With model.toml.")],
    ring: Annotated[
        Ring | None,
        typer.Option(help="The widest that is allowed. [default: canary; all in starter mode]"),
    ] = None,
    start: Annotated[
        Ring | None,
        typer.Option(help="Where it begins; the tower opens ring after ring up to --ring."),
    ] = None,
    notes: Annotated[str, typer.Option(help="What is new, for people.")] = "",
    profile: Annotated[
        list[str] | None, typer.Option(help="Only for this profile; may be repeated.")
    ] = None,
    device_class: Annotated[
        list[DeviceClass] | None, typer.Option(help="Only for these machines; may be repeated.")
    ] = None,
    memory_mb: Annotated[int, typer.Option(help="Memory that it needs, megabytes.")] = 0,
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Offer models: each folder is checked, its golden images are run, then it is signed."""
    from models.jsonable import to_json
    from tower_sync_server.releases.work import Wish

    releases = open_releases(settings_of(config), key, passphrase_file)
    classes = tuple(device_class or DeviceClass)
    wish = Wish(ring, start, notes, tuple(profile or ()), classes, memory_mb)
    added = [releases.add(folder, wish) for folder in folders]
    for one in added:
        if not one.tried and not json:
            note(f"{one.offer.ref}: golden images not run here; each device runs its own.")
    said = "\n".join(
        f"{one.offer.ref} {'was there already' if one.again else 'is offered'},"
        f" up to ring {one.offer.ring.value}, {one.offer.size / 1e6:.1f} MB"
        for one in added
    )
    value = [{"offer": to_json(a.offer), "tried": a.tried, "again": a.again} for a in added]
    finish(added[-1].done, said, as_json=json, added=value)


@app.command("sign")
def sign(
    keyfile: Annotated[Path, typer.Argument(metavar="KEYFILE", help="Your private key.")],
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Sign this copy of a change, away from the tower."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Sign what waits; it is published once enough people have."""
    if file is not None:
        from tower_sync_server.releases.changes import read_change, sign_change

        say_changes([(read_change(file), None)])
        fresh = sign_change(file, private_key(keyfile, passphrase(passphrase_file)))
        told = "is signed" if fresh else "was signed with this key already"
        typer.echo(f"{file} {told}. On the tower: edgecase-tower release take {file.name}")
        return
    releases = open_releases(settings_of(config), [keyfile], passphrase_file)
    say_changes(releases.repository.waiting())
    done, count = releases.repository.sign()
    signed = "Signed." if done.missing else "Signed and published."
    said = signed if count else "There was nothing to sign with this key."
    finish(done, said, as_json=json, signatures=count)


@app.command("take")
def take(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Signed elsewhere.")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Take over signatures that were given on another machine."""
    done, count = open_releases(settings_of(config)).repository.take(file)
    said = f"{count} signature(s) taken over."
    finish(done, said, as_json=json, signatures=count)


@app.command("promote")
def promote(
    model: Model,
    version: Version = None,
    *,
    ring: Annotated[Ring, typer.Option(help="The widest that is allowed.")],
    step: Annotated[
        bool, typer.Option("--step", help="Open ring after ring, as each proves it.")
    ] = False,
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Let a version go to a wider ring (or only to a narrower one)."""
    releases = open_releases(settings_of(config), key, passphrase_file)
    done = releases.promote(model, version, ring, step=step)
    finish(done, f"{model} may go up to ring {ring.value}.", as_json=json)


@app.command("pause")
def pause(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="[default: all]")] = None,
    version: Version = None,
    reason: Reason = "paused by hand",
    json: Json = False,
    config: Config = None,
) -> None:
    """Let nobody begin with a version, or with anything; who has it keeps it."""
    done = open_releases(settings_of(config)).pause(model, version, reason)
    finish(done, f"{model or 'Everything'} is paused.", as_json=json)


@app.command("resume")
def resume(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="[default: all]")] = None,
    version: Version = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Undo `pause`; failures that were known when the tower paused it don't count again."""
    done = open_releases(settings_of(config)).resume(model, version)
    finish(done, f"{model or 'Everything'} goes on.", as_json=json)


@app.command("rollback")
def rollback(
    model: Model,
    to: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Take back everything after this one.")
    ] = None,
    reason: Reason = "rolled back by hand",
    json: Json = False,
    config: Config = None,
) -> None:
    """Take the newest version back: devices that run it go back to the one before."""
    done, gone = open_releases(settings_of(config)).rollback(model, to, reason)
    refs = [offer.ref for offer in gone]
    finish(done, f"Taken back: {', '.join(refs)}", as_json=json, taken_back=refs)


@app.command("blacklist")
def blacklist(
    model: Model,
    version: Annotated[str, typer.Argument(metavar="VERSION")],
    reason: Reason = "blacklisted by hand",
    undo: Annotated[bool, typer.Option("--undo", help="Allow it again.")] = False,
    json: Json = False,
    config: Config = None,
) -> None:
    """Have nobody take a version, and who runs it go back."""
    done = open_releases(settings_of(config)).blacklist(model, version, reason, undo=undo)
    told = "is allowed again" if undo else "is blacklisted"
    finish(done, f"{model}@{version} {told}.", as_json=json)


@app.command("remove")
def remove(
    model: Model,
    version: Annotated[str, typer.Argument(metavar="VERSION")],
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Take a version out of what is signed, and its files off the tower."""
    done = open_releases(settings_of(config), key, passphrase_file).remove(model, version)
    finish(done, f"{model}@{version} is offered no more.", as_json=json)


@app.command("wheels")
def wheels(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With .whl files.")],
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Sign Python packages for devices; `usb export` puts them on the stick."""
    from tower_sync_server.releases.wheels import offer_wheels

    repository = open_releases(settings_of(config), key, passphrase_file).repository
    done, found = offer_wheels(repository, folder)
    finish(done, f"{len(found)} packages are signed.", as_json=json, wheels=found)


@app.command("renew")
def renew(
    key: KeyFiles = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Sign root and targets for another year."""
    repository = open_releases(settings_of(config), key, passphrase_file).repository
    repository.change_offers(lambda _targets: None)
    done = repository.change_keys(lambda _root, _targets: None)
    finish(done, "Root and targets hold for another year.", as_json=json)


@app.command("abandon")
def abandon(json: Json = False, config: Config = None) -> None:
    """Forget the change that waits for signatures."""
    repository = open_releases(settings_of(config)).repository
    count = repository.abandon()
    finish(repository.refresh(), f"{count} document(s) forgotten.", as_json=json, forgotten=count)


@app.command("status")
def status(json: Json = False, config: Config = None) -> None:
    """Show what is offered, how far it may go, what waits, and when signatures end."""
    from tower_sync_server.cli.release_status import as_value, show
    from tower_sync_server.releases.begin import holds_all

    settings = settings_of(config)
    repository = open_releases(settings).repository
    done = repository.refresh()
    if not json and holds_all(places_of(settings)):
        note(STARTER)
    if json:
        import json as json_module

        typer.echo(json_module.dumps(as_value(repository, done), indent=2, ensure_ascii=False))
    else:
        show(repository, done)
        say_changes(repository.waiting())
        say_missing(done)
