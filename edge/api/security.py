"""The headers that every answer carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.api.operation import ETAG, ORIGIN

if TYPE_CHECKING:
    from aiohttp import web

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Nothing but our own files; a photo that was just taken is a blob, Pico's icons are data."""

DOCS_CSP = CSP.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
"""Swagger UI writes style attributes; scripts stay ours alone."""

HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

SERVER = "EdgeCase"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Before an answer leaves: add what its handler did not set itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = SERVER  # aiohttp has put its own and its version there
    if request.get(ORIGIN):
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    etag = request.get(ETAG)
    if etag and response.status in (200, 206):
        response.headers["ETag"] = f'"{etag}"'  # ours names the content, aiohttp's the file
