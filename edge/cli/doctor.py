"""`edgecase doctor`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.options import Config, Json
from edge.cli.output import FAILED, note, show_json, show_table

if TYPE_CHECKING:
    from edge.doctor.findings import Finding
    from edge.settings.file import Reading

Bundle = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        metavar="FILE",
        help="Write a .tar.gz for whoever helps: no photo, no form, no token is in it.",
    ),
]


def doctor(json: Json = False, bundle: Bundle = None, config: Config = None) -> None:
    """Look at the machine and everything EdgeCase needs; exit code 1 if anything fails."""
    import asyncio

    from edge.doctor.findings import healthy
    from edge.doctor.round import examine
    from edge.settings.file import read
    from models.jsonable import to_json

    found = read(config, os.environ)
    findings = asyncio.run(examine(found))
    if bundle is not None:
        _write(bundle, findings, found)
    if json:
        show_json({"ok": healthy(findings), "findings": [to_json(f) for f in findings]})
    else:
        show_table(("", "", ""), ((f.level.value, f.name, f.message) for f in findings))
        for finding in findings:
            if finding.mend:
                typer.echo(f"\n{finding.name}: {finding.message}\n  mend: {finding.mend}")
    if not healthy(findings):
        raise typer.Exit(FAILED)


def _write(path: Path, findings: "list[Finding]", found: "Reading") -> None:
    from edge.doctor.bundle import bundle, pack, read_log
    from edge.errors import OperatorError

    packed = pack(bundle(findings, found, _answers(found), read_log()))
    try:
        path.touch(mode=0o600)
        path.write_bytes(packed)
    except OSError as e:
        raise OperatorError(f"{path} can't be written: {e.strerror}", "Name another file.") from e
    note(f"written: {path}, {len(packed) / 1000:.0f} kB. Look into it before you send it on.")


def _answers(found: "Reading") -> dict[str, str]:
    """What the running daemon says of itself; why not, where it says nothing."""
    import json

    from edge.cli.daemon_call import call
    from edge.doctor.bundle import CALLS
    from edge.errors import EdgeError

    said = {}
    for path in CALLS:
        try:
            said[path] = json.dumps(call(found.settings, "GET", path), indent=1)
        except EdgeError as e:
            said[path] = e.message
    return said
