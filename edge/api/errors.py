"""Every error leaves as `{"error": {"code", "message", "hint"}}`, or as a page for a browser."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.replies import as_error, wants_html
from edge.errors import BadRequestError, EdgeError, RateLimitedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Middleware

    from edge.api.operation import Handler

log = logging.getLogger(__name__)

CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "body_too_slow",
    413: "body_too_large",
    415: "media_type",
    417: "expectation_failed",
}
"""aiohttp's own refusals, as words."""
HINTS = {
    404: "/docs lists every address.",
    405: "/docs lists every address and its methods.",
}
RETRY_AFTER_S = {503: "2", 507: "30"}
"""When a client may try again, where it isn't known better."""


class HttpRefusal(EdgeError):  # noqa: N818 - it carries aiohttp's refusal, whatever that is
    """One of aiohttp's own refusals in our words."""

    def __init__(self, refusal: web.HTTPException) -> None:
        """Take over status and reason."""
        super().__init__(f"{refusal.reason}.", HINTS.get(refusal.status, ""))
        self.status = refusal.status
        self.code = CODES.get(refusal.status, "refused")


class InternalError(EdgeError):
    """Something we did not expect; the log has it under the id."""

    def __init__(self, incident: str) -> None:
        """Name the incident, and nothing of what happened."""
        super().__init__(
            f"Something went wrong on the device (incident {incident}).",
            "The device's log has the details under that id.",
        )


def errors(as_page: Callable[[web.Request, EdgeError], web.Response]) -> Middleware:
    """Make the middleware; `as_page` renders an error for a browser."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except EdgeError as e:
            forget(e)
            return _answer(request, e, as_page, _headers(e))
        except web.HTTPException as e:
            if e.status < 400:
                raise
            return _answer(request, HttpRefusal(e), as_page, _allow(e))
        except web.RequestPayloadError:
            return _answer(request, _unreadable(), as_page, {})
        except (asyncio.CancelledError, ConnectionError):
            raise  # the client went away: nobody is left to answer
        except Exception:  # noqa: BLE001 - the last resort: it must not take the daemon down
            incident = secrets.token_hex(4)
            log.exception("incident %s: %s %s", incident, request.method, request.path)
            return _answer(request, InternalError(incident), as_page, {})

    return middleware


def forget(error: BaseException) -> None:
    """Let go of the frames that an error came through, and of the photos in them.

    A frame that holds its own error is a cycle, and waits for the collector of garbage, which
    counts objects and not megabytes: after 48 refused photos the daemon had 600 MB.
    """
    later: BaseException | None = error
    while later is not None:
        later.__traceback__ = None
        later = later.__cause__ or later.__context__


def _unreadable() -> BadRequestError:
    return BadRequestError(
        "The body is not what its Content-Encoding or Transfer-Encoding says.",
        "Send it again, whole and unpacked.",
    )


def _answer(
    request: web.Request,
    error: EdgeError,
    as_page: Callable[[web.Request, EdgeError], web.Response],
    headers: dict[str, str],
) -> web.Response:
    response = as_page(request, error) if wants_html(request) else as_error(error)
    response.headers.update(headers)
    return response


def _headers(error: EdgeError) -> dict[str, str]:
    if isinstance(error, RateLimitedError):
        return {"Retry-After": "1"}
    if error.status == 401:
        return {"WWW-Authenticate": "Bearer"}
    wait = RETRY_AFTER_S.get(error.status)
    return {"Retry-After": wait} if wait else {}


def _allow(refusal: web.HTTPException) -> dict[str, str]:
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        return {"Allow": ",".join(sorted(refusal.allowed_methods))}
    return {}
