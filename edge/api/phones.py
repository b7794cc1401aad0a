"""GET /phones, POST and DELETE /phones/{id}: who has a token, and taking it away."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from edge.api import answers
from edge.api.auth import own_token, who
from edge.api.operation import JSON, Operation, Reply, Scope
from edge.api.pairing import NO_CONTROLS
from edge.api.replies import as_json
from edge.api.validate import checked, json_object

if TYPE_CHECKING:
    from edge.api.parts import Tokens
    from edge.store.tokens import Token

log = logging.getLogger(__name__)

TAG = "pairing"
MAX_ID = 40
"""Characters; no token's id is longer."""


class Rename(BaseModel):
    """What renaming takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=64, pattern=NO_CONTROLS)


class PhonesApi:
    """Lists, names and revokes."""

    def __init__(self, tokens: Tokens) -> None:
        """Ask `tokens`."""
        self._tokens = tokens

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="GET",
                path="/phones",
                handler=self.list,
                summary="Who has a token",
                tag=TAG,
                scope=Scope.ADMIN,
                replies={200: Reply("Everybody, the revoked ones too.", answers.Phones)},
            ),
            Operation(
                method="POST",
                path="/phones/{id}",
                handler=self.rename,
                summary="Give a phone another name",
                tag=TAG,
                scope=Scope.ADMIN,
                body={JSON: Rename},
                replies={204: Reply("It has that name.", media_type="")},
            ),
            Operation(
                method="DELETE",
                path="/phones/{id}",
                handler=self.revoke,
                summary="Revoke a phone's token, at once",
                tag=TAG,
                scope=Scope.ADMIN,
                replies={204: Reply("It opens nothing any more.", media_type="")},
            ),
        )

    async def list(self, request: web.Request) -> web.Response:
        """Who has a token."""
        found = await self._tokens.tokens()
        own = own_token(request)
        return as_json(answers.Phones(tuple(as_phone(token, own) for token in found)))

    async def rename(self, request: web.Request) -> web.Response:
        """Give one another name."""
        body = checked(Rename, await json_object(request))
        await self._tokens.rename_token(request.match_info["id"][:MAX_ID], body.name)
        return web.Response(status=204)

    async def revoke(self, request: web.Request) -> web.Response:
        """Have one open nothing any more."""
        await revoke(self._tokens, request)
        return web.Response(status=204)


async def revoke(tokens: Tokens, request: web.Request) -> None:
    """Have the token that the path names open nothing any more; the log says who wanted that."""
    token_id = request.match_info["id"][:MAX_ID]
    await tokens.revoke_token(token_id)
    log.info("revoked: %s, by %r", token_id, who(request))


def as_phone(token: Token, own: str) -> answers.Phone:
    """A token as it is told: everything but its hash."""
    return answers.Phone(
        id=token.id,
        name=token.name,
        scopes=tuple(token.scopes),
        created=token.created,
        last_used=token.last_used,
        revoked=token.revoked,
        own=token.id == own,
    )
