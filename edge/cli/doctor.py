"""`edgecase doctor`."""

import os

import typer

from edge.cli.options import Config, Json
from edge.cli.output import FAILED, show_json, show_table


def doctor(json: Json = False, config: Config = None) -> None:
    """Look at the machine and everything EdgeCase needs; exit code 1 if anything fails."""
    import asyncio

    from edge.doctor.findings import healthy
    from edge.doctor.round import examine
    from edge.settings.file import read
    from models.jsonable import to_json

    findings = asyncio.run(examine(read(config, os.environ)))
    if json:
        show_json({"ok": healthy(findings), "findings": [to_json(f) for f in findings]})
    else:
        show_table(("", "", ""), ((f.level.value, f.name, f.message) for f in findings))
        for finding in findings:
            if finding.mend:
                typer.echo(f"\n{finding.name}: {finding.message}\n  mend: {finding.mend}")
    if not healthy(findings):
        raise typer.Exit(FAILED)
