"""GET, POST and DELETE /session: a browser trades a token for a cookie it can't read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from edge.api.answers import Session
from edge.api.auth import COOKIE, MAX_TOKEN, SECURE_COOKIE
from edge.api.operation import JSON, Operation, Reply, Scope
from edge.api.replies import as_json
from edge.api.validate import checked, json_object
from edge.errors import NotAllowedError

if TYPE_CHECKING:
    from edge.api.parts import Tokens

EVERYTHING = tuple(scope.value for scope in Scope)
YEAR_S = 365 * 24 * 3600


class SignIn(BaseModel):
    """What signing in takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    token: str = Field(min_length=1, max_length=MAX_TOKEN)


class SessionApi:
    """Signs browsers in and out."""

    def __init__(self, mode: str, tokens: Tokens) -> None:
        """In `open` mode everybody is signed in."""
        self._open = mode == "open"
        self._tokens = tokens

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="POST",
                path="/session",
                handler=self.sign_in,
                summary="Sign a browser in: the token goes into a cookie",
                tag="session",
                scope=None,
                body={JSON: SignIn},
                replies={200: Reply("Who is signed in now.", Session)},
            ),
            Operation(
                method="DELETE",
                path="/session",
                handler=self.sign_out,
                summary="Sign the browser out",
                tag="session",
                scope=None,
                replies={204: Reply("Nobody is signed in.", media_type="")},
            ),
        )

    async def sign_in(self, request: web.Request) -> web.Response:
        """Check the token and set the cookie."""
        body = checked(SignIn, await json_object(request))
        if self._open:
            return as_json(Session("", EVERYTHING))
        holder = await self._tokens.verify_token(body.token)
        if holder is None:
            raise NotAllowedError("This token is not known here.", "Ask whoever runs the device.")
        response = as_json(Session(holder.name, tuple(sorted(holder.scopes))))
        give_cookie(response, body.token, secure=request.secure)
        return response

    async def sign_out(self, _request: web.Request) -> web.Response:
        """Take the cookies away."""
        response = web.Response(status=204)
        response.del_cookie(COOKIE, httponly=True, samesite="Strict")
        response.del_cookie(SECURE_COOKIE, httponly=True, samesite="Strict", secure=True)
        return response


def give_cookie(response: web.Response, token: str, *, secure: bool) -> None:
    """Put a token where no script reads it and no other site sends it from."""
    name = SECURE_COOKIE if secure else COOKIE
    response.set_cookie(
        name, token, max_age=YEAR_S, httponly=True, samesite="Strict", secure=secure
    )
