"""Every error leaves as `{"error": {"code", "message", "hint"}}`, or for a person as a page."""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
from typing import TYPE_CHECKING

from aiohttp import web

from tower_sync_server.api.render import error_page
from tower_sync_server.api.replies import as_error
from tower_sync_server.api.routes import is_page
from tower_sync_server.errors import RateLimitedError, TowerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tower_sync_server.api.routes import Handler

CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
"""aiohttp's own refusals, as words."""
RETRY_AFTER_S = {503: "2", 507: "30"}

log = logging.getLogger(__name__)


class HttpRefusal(TowerError):  # noqa: N818 - it carries aiohttp's refusal, whatever that is
    """One of aiohttp's own refusals in our words."""

    def __init__(self, refusal: web.HTTPException) -> None:
        """Take over status and reason."""
        super().__init__(f"{refusal.reason}.")
        self.status = refusal.status
        self.code = CODES.get(refusal.status, "refused")


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what is raised into an answer."""
    try:
        return await handler(request)
    except TowerError as e:
        return _answer(request, e, _headers_of(e))
    except web.HTTPMethodNotAllowed as e:
        return _answer(request, HttpRefusal(e), {"Allow": ",".join(sorted(e.allowed_methods))})
    except web.HTTPException as e:
        if e.status < 400:
            raise
        return _answer(request, HttpRefusal(e), {})
    except (asyncio.CancelledError, ConnectionError):
        raise  # the client went away: nobody is left to answer
    except Exception as e:  # noqa: BLE001 - the last resort: it must not take the tower down
        if request.path.startswith("/static/") and getattr(e, "errno", 0) == errno.ENAMETOOLONG:
            return _answer(request, HttpRefusal(web.HTTPNotFound()), {})
        incident = secrets.token_hex(4)
        log.exception("incident %s: %s %s", incident, request.method, request.path)
        message = f"Something went wrong on the tower (incident {incident})."
        hint = "The tower's log has the details under that id."
        return _answer(request, TowerError(message, hint), {})


def _answer(request: web.Request, error: TowerError, headers: Mapping[str, str]) -> web.Response:
    answer = error_page(request, error) if is_page(request) else as_error(error)
    answer.headers.update(headers)
    return answer


def _headers_of(error: TowerError) -> Mapping[str, str]:
    if isinstance(error, RateLimitedError):
        return {"Retry-After": str(error.retry_after_s)}
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    wait = RETRY_AFTER_S.get(error.status)
    return {"Retry-After": wait} if wait else {}
