"""POST /pair, and the window in which it is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from edge.api.answers import Paired
from edge.api.operation import JSON, Operation, Reply, Scope
from edge.api.replies import as_json
from edge.api.session import give_cookie
from edge.api.validate import checked, json_object
from edge.pairing.desk import DeskStatus
from edge.pairing.invitation import Invitation, invite
from edge.pairing.window import FOR_A_PHONE
from edge.store.tokens import Scope as Opens

if TYPE_CHECKING:
    from edge.lan.lan import Lan
    from edge.pairing.desk import Desk

TAG = "pairing"
NO_CONTROLS = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""Names stand in logs and in terminals."""


class PairWith(BaseModel):
    """What pairing takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    code: str = Field(min_length=1, max_length=32, description="As the device shows it.")
    name: str = Field("", description="Whose phone it is.", max_length=64, pattern=NO_CONTROLS)
    cookie: bool = Field(False, description="Put the token into a cookie alone.")


class OpenWindow(BaseModel):
    """What opening the window takes."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", description="Whose phone it will be.", max_length=64, pattern=NO_CONTROLS)
    scopes: tuple[Opens, ...] = Field(
        FOR_A_PHONE, min_length=1, max_length=3, description="What it will be allowed."
    )


class PairingApi:
    """Opens the window and pairs phones."""

    def __init__(self, desk: Desk, lan: Lan) -> None:
        """Ask the `desk`; tell where `lan` says that the device is."""
        self._desk = desk
        self._lan = lan

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="POST",
                path="/pair",
                handler=self.pair,
                summary="Trade a one-time code for a token",
                tag=TAG,
                scope=None,
                body={JSON: PairWith},
                replies={200: Reply("The phone is paired.", Paired)},
            ),
            Operation(
                method="GET",
                path="/pairing/window",
                handler=self.status,
                summary="How the pairing window is",
                tag=TAG,
                scope=Scope.ADMIN,
                replies={200: Reply("Open, closed or locked.", DeskStatus)},
            ),
            Operation(
                method="POST",
                path="/pairing/window",
                handler=self.open,
                summary="Open the pairing window for one phone",
                tag=TAG,
                scope=Scope.ADMIN,
                body={JSON: OpenWindow},
                replies={200: Reply("It is open; this is what to show.", Invitation)},
            ),
            Operation(
                method="DELETE",
                path="/pairing/window",
                handler=self.close,
                summary="Close the pairing window",
                tag=TAG,
                scope=Scope.ADMIN,
                replies={204: Reply("It is closed.", media_type="")},
            ),
        )

    async def pair(self, request: web.Request) -> web.Response:
        """Give whoever knows the code a token: as JSON and as a cookie, or as a cookie alone."""
        body = checked(PairWith, await json_object(request))
        plain, token = await self._desk.pair(body.code, body.name.strip())
        told = "" if body.cookie else plain
        response = as_json(Paired(token.id, token.name, tuple(token.scopes), told))
        give_cookie(response, plain, secure=request.secure)
        return response

    async def status(self, _request: web.Request) -> web.Response:
        """How the window is."""
        return as_json(await self._desk.status())

    async def open(self, request: web.Request) -> web.Response:
        """Open the window."""
        body = checked(OpenWindow, await json_object(request))
        return as_json(await self.invitation(body))

    async def close(self, _request: web.Request) -> web.Response:
        """Close the window."""
        await self._desk.close()
        return web.Response(status=204)

    async def invitation(self, wanted: OpenWindow) -> Invitation:
        """Open the window, and make what is shown of it."""
        opened = await self._desk.open(wanted.scopes, wanted.name.strip())
        place = self._lan.place()
        return invite(place, self._lan.fingerprint, opened.code, opened.seconds)
