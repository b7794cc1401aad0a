"""GET /paired and its parts: an admin sees who is paired, takes it back, pairs another phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field

from edge.api.auth import own_token
from edge.api.operation import HTML, MULTIPART, Operation, Reply, Scope
from edge.api.pairing import NO_CONTROLS, OpenWindow
from edge.api.phones import as_phone, revoke
from edge.api.render import page
from edge.api.upload import read_upload
from edge.api.validate import checked
from edge.pairing.invitation import qr_svg
from edge.store.tokens import Scope as Opens

if TYPE_CHECKING:
    from aiohttp import web

    from edge.api.operation import Handler
    from edge.api.pairing import PairingApi
    from edge.api.parts import Tokens

MAX_BYTES = 10_000
"""Of the form that opens the window."""
MAY = {
    "view": (Opens.VIEW,),
    "capture": (Opens.VIEW, Opens.CAPTURE),
    "admin": (Opens.VIEW, Opens.CAPTURE, Opens.ADMIN),
}
"""What the page's three choices stand for."""


class WindowForm(BaseModel):
    """The form that opens the window."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=64, pattern=NO_CONTROLS)
    may: Literal["view", "capture", "admin"] = "capture"


class PhonePages:
    """Shows who is paired."""

    def __init__(self, tokens: Tokens, pairing: PairingApi) -> None:
        """Ask `tokens`; open the window by `pairing`."""
        self._tokens = tokens
        self._pairing = pairing

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            _page("GET", "/paired", self.phones, "The page of paired phones"),
            _page("POST", "/page/phones/{id}/revoke", self.revoke, "Revoke a phone's token"),
            _page("POST", "/page/phones/window", self.open, "Open the window", WindowForm),
        )

    async def phones(self, request: web.Request) -> web.Response:
        """Everybody who is paired."""
        return page("phones.html", request, await self._context(request))

    async def revoke(self, request: web.Request) -> web.Response:
        """Have one open nothing any more; gives the list as it is then."""
        await revoke(self._tokens, request)
        return page("parts/phones.html", request, await self._context(request))

    async def open(self, request: web.Request) -> web.Response:
        """Open the window and show its QR code."""
        upload = await read_upload(request, MAX_BYTES)
        form = checked(WindowForm, {name: upload.one(name) or "" for name in upload.fields})
        wanted = OpenWindow(name=form.name, scopes=MAY[form.may])
        invitation = await self._pairing.invitation(wanted)
        picture = Markup(qr_svg(invitation.link))  # noqa: S704  made of black and white alone
        context = {"invitation": invitation, "picture": picture}
        return page("parts/window.html", request, context)

    async def _context(self, request: web.Request) -> dict[str, object]:
        own, found = own_token(request), await self._tokens.tokens()
        ordered = sorted(
            found, key=lambda token: (token.revoked is not None, -token.created.timestamp())
        )
        return {"phones": [as_phone(token, own) for token in ordered]}


def _page(
    method: str, path: str, handler: Handler, summary: str, body: type[BaseModel] | None = None
) -> Operation:
    return Operation(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        tag="pages",
        scope=Scope.ADMIN,
        body={MULTIPART: body} if body else {},
        replies={200: Reply("A page, or a part of one.", {"type": "string"}, HTML)},
    )
