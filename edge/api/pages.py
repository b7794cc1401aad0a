"""The pages: what a phone shows. They ask the same parts as the JSON handlers do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from edge.api import views
from edge.api.auth import who
from edge.api.cases import ListQuery, idempotency_key
from edge.api.correction_page import CorrectionPage
from edge.api.operation import HTML, MULTIPART, Operation, Reply, Scope
from edge.api.photo import PROFILE, photo_body
from edge.api.render import is_fragment, page
from edge.api.sync import letters
from edge.api.upload import MAX_IMAGES, read_upload
from edge.api.validate import case_id, checked, texts
from edge.feedback import rejection
from edge.pipeline import Submission
from edge.store.listing import Filter
from edge.updates.status import in_words
from models.case import Case, Feedback, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from edge.api.case_words import CaseWords
    from edge.api.operation import Handler
    from edge.api.parts import Parts
    from edge.api.upload import Upload
    from models.case import FormValue
    from models.profile import Profile

LATEST = 8
"""Cases on the first page."""
FORM = "form."
"""Prefix of the profile's fields in a page's form."""
TEXT = {"type": "string"}


class KeepForm(BaseModel):
    """The buttons under a verdict."""

    model_config = ConfigDict(extra="forbid")

    image_id: str = Field("", max_length=1100, description="Once for each checked photo.")
    profile: str = Field("", max_length=128)
    keep: str = Field("", max_length=16, description="The button that keeps it.")
    reject: str = Field("", max_length=200, description="A button that rejects it, and why.")
    reason: str = Field("", max_length=1000, description="Why, in their own words.")


class WordsForm(BaseModel):
    """The buttons under a case."""

    model_config = ConfigDict(extra="forbid")

    verdict: str = Field(pattern="^(correct|wrong|reject)$")
    reason: str = Field("", max_length=1000)


class Pages:
    """Shows the phone's pages and their parts."""

    def __init__(self, parts: Parts, words: CaseWords, max_bytes: int) -> None:
        """Ask `parts`; what people say goes through `words`."""
        self._parts = parts
        self._words = words
        self._max_bytes = max_bytes
        self._corrections = CorrectionPage(parts, words, self._case)

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        earlier = {"type": "string", "description": "A checked photo of the same case."}
        check = photo_body({"profile": PROFILE, "earlier": earlier})[MULTIPART]
        return (
            _page("GET", "/", self.home, "The page that takes a photo"),
            _page("GET", "/history", self.history, "The cases", query=ListQuery),
            _page("GET", "/history/{id}", self.case, "One case"),
            _page("GET", "/session", self.session, "The page that asks for a token", scope=None),
            _page("POST", "/page/check", self.check, "A verdict", body=check, looks_only=True),
            _page("POST", "/page/keep", self.keep, "Keep or reject a photo", body=KeepForm),
            *self._corrections.operations(),
            _page("GET", "/page/cases/{id}/summary", self.summary, "A case's words"),
            _page(
                "POST",
                "/page/cases/{id}/feedback",
                self.feedback,
                "Say something about a case",
                body=WordsForm,
            ),
            _page(
                "POST",
                "/page/cases/{id}/delete",
                self.delete,
                "Delete a case",
                scope=Scope.ADMIN,
            ),
            _page(
                "POST",
                "/page/cases/{id}/restore",
                self.restore,
                "Restore a case",
                scope=Scope.ADMIN,
            ),
            _page(
                "POST",
                "/page/sync/retry",
                self.retry,
                "Send again what the tower refused",
                scope=Scope.ADMIN,
            ),
        )

    async def home(self, request: web.Request) -> web.Response:
        """The page that takes a photo."""
        latest = await self._parts.store.list(Filter(), None, LATEST)
        default = self._parts.pipeline.profile(None).id
        context = {
            "profiles": _by_title(self._parts.pipeline.profiles),
            "default": default,
            "latest": latest.cases,
            "updating": in_words(self._parts.updates.status()),
        }
        return page("home.html", request, context)

    async def history(self, request: web.Request) -> web.Response:
        """The list, or the next rows of it."""
        given = {name: value for name, value in texts(request).items() if value}
        wanted = checked(ListQuery, given)
        found = await self._parts.store.list(wanted.filter(), wanted.place, wanted.limit)
        today = self._parts.clock.now().astimezone().date()
        context = {
            "periods": [(name, str(today - timedelta(days=n))) for n, name in views.PERIODS],
            "profiles": _by_title(self._parts.pipeline.profiles),
            "cases": found.cases,
            "next": found.next,
            "wanted": wanted,
            "given": given,
            "letters": await letters(self._parts.store),
            "retried": None,
        }
        more = is_fragment(request) and wanted.place
        return page("parts/rows.html" if more else "history.html", request, context)

    async def case(self, request: web.Request) -> web.Response:
        """One case with everything about it."""
        case = await self._parts.store.get(case_id(request))
        return await self._case(request, case)

    async def session(self, request: web.Request) -> web.Response:
        """The page that asks for a token."""
        return page("session.html", request, {"error": None})

    async def check(self, request: web.Request) -> web.Response:
        """The verdict on a photo."""
        upload = await read_upload(request, self._max_bytes)
        profile = self._parts.pipeline.profile(upload.one("profile"))
        verdict = await self._parts.pipeline.check(upload.image(), profile.id)
        earlier = upload.fields.get("earlier", ())[: MAX_IMAGES - 1]
        context = {
            "verdict": verdict,
            "profile": profile,
            "predictions": verdict.inspection.predictions,
            "image_ids": (*earlier, verdict.image_id),
            "shot": views.shot(profile, len(earlier)),
            "next_shot": views.shot(profile, len(earlier) + 1),
            "more": len(earlier) + 1 < MAX_IMAGES,
        }
        return page("parts/verdict.html", request, context)

    async def keep(self, request: web.Request) -> web.Response:
        """Make a case of a checked photo; a rejected one is a case too, for learning.

        A phone's outbox sends the photos themselves (`image`) where nobody has checked them, or the
        checked ones wait here no more. Nobody is there then to fill in what the form lacks.
        """
        upload = await read_upload(request, self._max_bytes)
        ids = upload.fields.get("image_id", ())
        body = checked(KeepForm, {**_texts(upload), "image_id": " ".join(ids)})
        keeps = not body.reject
        checked_here = [Submission(image_id=each) for each in ids]
        case, _ = await self._parts.pipeline.keep(
            [Submission(photo=each) for each in upload.images] or checked_here,
            profile=body.profile or None,
            form=_form(upload),
            idempotency_key=f"page-{ids[-1]}" if ids else idempotency_key(request),
            attended=keeps and not upload.images,
        )
        if not keeps and case.status is not Status.REJECTED:
            reason = body.reason or body.reject
            said = rejection(reason, who(request), self._parts.clock.now())
            case = await self._words.hear(case.id, said)
        return page("parts/kept.html", request, {"case": case})

    async def summary(self, request: web.Request) -> web.Response:
        """A case's words as they are now."""
        case = await self._parts.store.get(case_id(request))
        return page("parts/summary.html", request, {"case": case})

    async def feedback(self, request: web.Request) -> web.Response:
        """Keep what a person says about a case."""
        upload = await read_upload(request, self._max_bytes)
        body = checked(WordsForm, _texts(upload))
        said = Feedback(self._parts.clock.now(), who(request), body.verdict, body.reason)
        return await self._case(request, await self._words.hear(case_id(request), said))

    async def delete(self, request: web.Request) -> web.Response:
        """Delete a case softly."""
        case = await self._words.remove(case_id(request))
        return await self._case(request, case)

    async def restore(self, request: web.Request) -> web.Response:
        """Undo that."""
        case = await self._words.bring_back(case_id(request))
        return await self._case(request, case)

    async def retry(self, request: web.Request) -> web.Response:
        """Send again, once, what the tower refused."""
        revived = await self._parts.store.revive()
        return page("parts/refused.html", request, {"letters": (), "retried": revived})

    async def _case(self, request: web.Request, case: Case) -> web.Response:
        profile = self._parts.pipeline.profiles.get(case.profile)
        context = {
            "case": case,
            "labels": {field.name: field.label for field in profile.form} if profile else {},
            "profile_title": profile.title if profile else case.profile,
            "choices": await self._corrections.labels(case),
        }
        return page("case.html", request, context)


def _page(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *,
    scope: Scope | None = Scope.VIEW,
    query: type[BaseModel] | None = None,
    body: object = None,
    looks_only: bool = False,
) -> Operation:
    if method == "POST" and scope is Scope.VIEW:
        scope = Scope.CAPTURE
    return Operation(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        tag="pages",
        scope=scope,
        query=query,
        body={MULTIPART: body} if body is not None else {},
        replies={200: Reply("A page, or a part of one.", TEXT, HTML)},
        looks_only=looks_only,
    )


def _by_title(profiles: Mapping[str, Profile]) -> list[Profile]:
    return sorted(profiles.values(), key=lambda profile: profile.title)


def _texts(upload: Upload) -> dict[str, str]:
    """The form's own fields, without the profile's."""
    own = (n for n in upload.fields if n != "image_id" and not n.startswith(FORM))
    return {name: upload.one(name) or "" for name in own}


def _form(upload: Upload) -> dict[str, FormValue]:
    """The profile's fields; empty ones were not answered."""
    names = [name for name in upload.fields if name.startswith(FORM)]
    answers = {name.removeprefix(FORM): upload.one(name) for name in names}
    return {name: text for name, text in answers.items() if text is not None}
