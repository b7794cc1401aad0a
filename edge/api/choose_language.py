"""POST /language: a person chooses what the pages speak to this browser."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from edge.api.language import COOKIE
from edge.api.operation import MULTIPART, Operation, Reply
from edge.api.render import LANGUAGES
from edge.api.session import YEAR_S
from edge.api.upload import read_upload
from edge.api.validate import checked
from edge.errors import NotFoundError

MAX_BYTES = 10_000
"""Of the form."""


class LanguageForm(BaseModel):
    """The buttons at a page's foot."""

    model_config = ConfigDict(extra="forbid")

    language: str = Field(min_length=2, max_length=8, description="As in `lang`: en, de.")
    back: str = Field(
        "/",
        max_length=2000,
        pattern=r"^/([!-.0-\[\]-~][!-~]*)?$",
        description="The page to go back to.",
    )


class ChooseLanguage:
    """Remembers the choice in the browser; the device keeps nothing."""

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="POST",
                path="/language",
                handler=self.choose,
                summary="Choose the language of the pages",
                tag="pages",
                scope=None,
                body={MULTIPART: LanguageForm},
                replies={303: Reply("Back to the page.", media_type="")},
                looks_only=True,
            ),
        )

    async def choose(self, request: web.Request) -> web.Response:
        """Set the cookie and go back."""
        upload = await read_upload(request, MAX_BYTES)
        form = checked(LanguageForm, {name: upload.one(name) or "" for name in upload.fields})
        if not request.app[LANGUAGES].known(form.language):
            known = ", ".join(each.code for each in request.app[LANGUAGES].all)
            raise NotFoundError("The pages don't speak this language.", f"Known are: {known}.")
        response = web.Response(status=303, headers={"Location": form.back})
        response.set_cookie(COOKIE, form.language, max_age=YEAR_S, samesite="Lax", httponly=True)
        return response
