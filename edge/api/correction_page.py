"""The part of a case's page where a person says what is really on the photo, mark by mark."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from edge.api.auth import who
from edge.api.case_words import MAX_CORRECTIONS
from edge.api.operation import HTML, MULTIPART, Operation, Reply, Scope
from edge.api.upload import read_upload
from edge.api.validate import case_id
from edge.api.views import marks
from edge.errors import BadFieldError
from models.case import Case, Feedback
from models.detection import Prediction, Source
from models.jsonable import InvalidWordError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from aiohttp import web

    from edge.api.case_words import CaseWords
    from edge.api.parts import Parts

    ShowCase = Callable[[web.Request, Case], Awaitable[web.Response]]

LABEL = "label."
"""Prefix of a field: what the prediction of that place is; empty where nothing is there."""
MARK = "mark"
"""A field that comes once for each mark that a person drew: x1 y1 x2 y2 label."""
DRAWN = re.compile(r"(\d+(?:\.\d+)?) (\d+(?:\.\d+)?) (\d+(?:\.\d+)?) (\d+(?:\.\d+)?) (\S.{0,199})")
MAX_BYTES = 100_000
"""Of the form."""
SCHEMA = {
    "type": "object",
    "properties": {MARK: {"type": "array", "items": {"type": "string", "maxLength": 300}}},
    "patternProperties": {r"^label\.\d+$": {"type": "string", "maxLength": 200}},
    "additionalProperties": False,
}


class CorrectionPage:
    """Takes a person's marks."""

    def __init__(self, parts: Parts, words: CaseWords, show: ShowCase) -> None:
        """What people say goes through `words`; `show` gives the case's page afterwards."""
        self._parts = parts
        self._words = words
        self._show = show

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="POST",
                path="/page/cases/{id}/corrections",
                handler=self.correct,
                summary="Say what is really on a photo",
                tag="pages",
                scope=Scope.CAPTURE,
                body={MULTIPART: SCHEMA},
                replies={200: Reply("The case's page.", {"type": "string"}, HTML)},
            ),
        )

    async def correct(self, request: web.Request) -> web.Response:
        """Keep what is on the photo, in a person's word."""
        upload = await read_upload(request, MAX_BYTES)
        case = await self._parts.store.get(case_id(request))
        seen = corrected(case.predictions, upload.fields)
        said = Feedback(self._parts.clock.now(), who(request), "wrong", "", seen)
        return await self._show(request, await self._words.hear(case.id, said))

    async def labels(self, case: Case) -> tuple[str, ...]:
        """What a mark can be called: as the profile's models call things, and what is seen here."""
        profile = self._parts.pipeline.profiles.get(case.profile)
        detects = profile.detector or profile.classifier if profile else None
        installed = await asyncio.to_thread(self._parts.library.list)
        known = [
            label
            for model in installed
            if detects and model.active and model.release.id == detects.model
            for label in model.release.labels
        ]
        return tuple(dict.fromkeys([*known, *(p.label for _, p in marks(case.predictions))]))


def corrected(
    predictions: Sequence[Prediction], fields: Mapping[str, Sequence[str]]
) -> tuple[Prediction, ...]:
    """What is on the photo, once a person's word is put in the place of the model's.

    Args:
        predictions: the case's.
        fields: `label.N` for the prediction at place N, empty where nothing is there; a `mark` for
            each thing that no model saw.

    Raises:
        BadFieldError: a field that is neither, a place that is none, or nothing that was changed.
    """
    places = dict(marks(predictions))
    chosen = {name: values[-1] for name, values in fields.items() if name != MARK}
    named = dict(_named(name, label, places) for name, label in chosen.items())
    kept = [
        Prediction(label, 1.0, p.box, p.source)
        for i, p in places.items()
        if (label := named.get(i, p.label))
    ]
    drawn = [_drawn(text) for text in fields.get(MARK, ())]
    if len(kept) + len(drawn) > MAX_CORRECTIONS:
        raise BadFieldError(f"mark: more than {MAX_CORRECTIONS} of them")
    if not drawn and [p.label for p in kept] == [p.label for p in places.values()]:
        raise BadFieldError("Nothing was changed.", "Choose another name, or mark what was missed.")
    return (*kept, *drawn)


def _named(name: str, label: str, places: Mapping[int, Prediction]) -> tuple[int, str]:
    place = name.removeprefix(LABEL)
    if not name.startswith(LABEL) or not place.isdecimal() or int(place) not in places:
        raise BadFieldError(f"{name[:64]}: no such field", "Known: label.N and mark.")
    if len(label) > 200:
        raise BadFieldError(f"{name[:64]}: longer than 200 characters")
    return int(place), label.strip()


def _drawn(text: str) -> Prediction:
    found = DRAWN.fullmatch(text)
    if not found:
        raise BadFieldError("mark: expected x1 y1 x2 y2 and a label", "Draw it once more.")
    x1, y1, x2, y2 = (float(found[n]) for n in range(1, 5))
    try:
        return Prediction(found[5].strip(), 1.0, (x1, y1, x2, y2), Source.DETECTOR)
    except InvalidWordError as e:
        raise BadFieldError(f"mark: {e}", "Draw it once more.") from e
