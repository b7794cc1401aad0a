"""POST /llm: facts to verified words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.api.operation import JSON, Operation, Reply, Scope
from edge.api.replies import as_json
from edge.api.validate import json_object
from edge.errors import BadFieldError
from models.case import Summary
from models.facts import Facts
from models.jsonable import InvalidWordError, from_json

if TYPE_CHECKING:
    from aiohttp import web

    from edge.ports import Writer


class Llm:
    """Writes up facts that anyone sends."""

    def __init__(self, writer: Writer) -> None:
        """Write with `writer`."""
        self._writer = writer

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            Operation(
                method="POST",
                path="/llm",
                handler=self.write,
                summary="Write up facts; every fact in the text was among them",
                tag="words",
                scope=Scope.CAPTURE,
                body={JSON: Facts},
                replies={200: Reply("The words.", Summary)},
                looks_only=True,
            ),
        )

    async def write(self, request: web.Request) -> web.Response:
        """Write up the facts in the body."""
        data = await json_object(request)
        try:
            facts = from_json(Facts, data)
        except InvalidWordError as e:
            raise BadFieldError(str(e)[:500], "The fields are those of Facts, see /docs.") from e
        return as_json(await self._writer.write(facts))
