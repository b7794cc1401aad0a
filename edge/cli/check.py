"""`edgecase check IMAGE…`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edge.cli.options import Config, Json, settings_of
from edge.cli.output import FAILED, note, show_json, show_table

if TYPE_CHECKING:
    from edge.config import Settings
    from edge.pipeline import Pipeline

HEADINGS = ("file", "verdict", "blur", "seen", "ms")


def check(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="Photos to judge.")],
    profile: Annotated[
        str | None, typer.Option(metavar="P", help="Whose rules. [default: the device's own]")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Judge photos without a daemon; keeps nothing. Exit code 1 if one can't be judged."""
    import asyncio

    settings = settings_of(config)
    _refuse_unknown(profile, settings, json=json)
    answers = asyncio.run(_check_all(images, profile, settings))
    if json:
        show_json(answers)
    else:
        show_table(HEADINGS, (_row(answer) for answer in answers if "error" not in answer))
        for answer in answers:
            if "error" in answer:
                error = answer["error"]
                told = f"{error['message'].rstrip('.')}. {error['hint']}".rstrip()
                note(f"{answer['file']}: {told}")
            elif answer["message"]:
                typer.echo(f"\n{answer['file']}: {answer['status']}\n  {answer['message']}")
    if any("error" in answer for answer in answers):
        raise typer.Exit(FAILED)


def _refuse_unknown(profile: str | None, settings: "Settings", *, json: bool) -> None:
    from edge.api.replies import error_body
    from edge.daemon import load_profiles

    known = load_profiles(settings)
    if profile is not None and profile not in known:
        words = f"there is no profile {profile!r}; there are {', '.join(sorted(known))}"
        if json:  # for a program too, whose exit code is the same
            show_json(error_body("unknown_profile", f"{words}.", "Give one of these."))
        raise typer.BadParameter(words, param_hint="--profile")


async def _check_all(
    images: list[Path], profile: str | None, settings: "Settings"
) -> list[dict[str, Any]]:
    from edge.eyes import open_eyes

    measured = settings.store.data_dir / "models" / "measured.json"
    max_bytes = int(settings.http.max_body_mb * 1_000_000)
    async with open_eyes(settings, measured) as (pipeline, _):
        return [await _check_one(pipeline, path, profile, max_bytes) for path in images]


async def _check_one(
    pipeline: "Pipeline", path: Path, profile: str | None, max_bytes: int
) -> dict[str, Any]:
    from edge.api.check_image import answer
    from edge.errors import EdgeError
    from models.jsonable import to_json

    try:
        verdict = await pipeline.check(_read(path, max_bytes), profile)
    except EdgeError as e:
        error = {"code": e.code, "message": e.message, "hint": e.hint}
        return {"file": str(path), "error": error}
    told: dict[str, Any] = to_json(answer(verdict))
    del told["image_id"]  # nothing was kept that could be asked for again
    return {"file": str(path), **told}


def _read(path: Path, max_bytes: int) -> bytes:
    from edge.errors import BadImageError, ImageTooLargeError

    try:
        with path.open("rb") as file:
            photo = file.read(max_bytes + 1)
    except OSError as e:
        raise BadImageError(f"The file can't be read: {e.strerror}.") from e
    if len(photo) > max_bytes:
        limit = max_bytes / 1e6
        raise ImageTooLargeError(
            f"The file is larger than {limit:g} MB.", "Raise http.max_body_mb, or scale it."
        )
    return photo


def _row(answer: dict[str, Any]) -> tuple[str, ...]:
    seen = [f"{p['label']} {p['confidence']:.2f}" for p in answer["predictions"] if p["shown"]]
    return (
        answer["file"],
        answer["status"],
        f"{answer['blur_score']:.0f}",
        ", ".join(seen) or "nothing",
        f"{answer['timings'].get('total', 0):.0f}",
    )
