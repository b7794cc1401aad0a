"""GET /trust, the certificate that it explains, and GET /pair, for a phone that comes new."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from aiohttp import web

from edge.api.hosts import host_name
from edge.api.operation import HTML, Operation, Reply
from edge.api.plain import is_from_here
from edge.api.render import page
from edge.errors import NotFoundError
from edge.lan.place import url
from edge.pairing.invitation import in_hex

if TYPE_CHECKING:
    from edge.api.operation import Handler
    from edge.lan.lan import Lan

TAG = "pairing"
CERTIFICATE = "application/x-x509-ca-cert"
"""What makes iOS offer to install it, and Android to save it."""
PEM = "application/x-pem-file"
MAY_BE_SAVED = {"Cache-Control": "no-cache"}
"""Some browsers save nothing to a file that must not be stored."""
TEXT = {"type": "string"}


class Trust:
    """Shows how the device is trusted, and pairs phones that come with a code."""

    def __init__(self, lan: Lan, plain: str) -> None:
        """Tell of the `lan`'s authority; `plain` is `http.plain`."""
        self._lan = lan
        self._plain = plain

    def operations(self) -> tuple[Operation, ...]:
        """The routes."""
        return (
            _open("/pair", self.pair, "The page that pairs a phone", Reply("A page.", TEXT, HTML)),
            _open("/trust", self.trust, "How to trust the device", Reply("A page.", TEXT, HTML)),
            _open(
                "/ca.crt",
                self.der,
                "The certificate of the device's authority, for phones (DER)",
                Reply("To be installed.", media_type=CERTIFICATE),
            ),
            _open(
                "/ca.pem",
                self.pem,
                "The certificate of the device's authority, for programs (PEM)",
                Reply("For curl --cacert.", media_type=PEM),
            ),
        )

    async def pair(self, request: web.Request) -> web.Response:
        """The page that pairs a phone."""
        return page("pair.html", request, self._context(request, "pair"))

    async def trust(self, request: web.Request) -> web.Response:
        """The page that says how to trust the device."""
        return page("trust.html", request, self._context(request, ""))

    async def der(self, _request: web.Request) -> web.Response:
        """The authority's certificate as phones take it."""
        body = self._certificate()
        return web.Response(body=body, content_type=CERTIFICATE, headers=MAY_BE_SAVED)

    async def pem(self, _request: web.Request) -> web.Response:
        """The authority's certificate as programs take it."""
        text = ssl.DER_cert_to_PEM_cert(self._certificate())
        return web.Response(text=text, content_type=PEM, headers=MAY_BE_SAVED)

    def _certificate(self) -> bytes:
        if not self._lan.tls.authority:
            raise NotFoundError("This device has no HTTPS.", "http.tls_port switches it on.")
        return self._lan.tls.authority

    def _context(self, request: web.Request, path: str) -> dict[str, object]:
        port = self._lan.tls.port
        plain = bool(port) and not request.secure
        local = is_from_here(request)
        target = url("https", host_name(request.headers["Host"]), port) if port else ""
        return {
            "fingerprint": in_hex(self._lan.fingerprint),
            "authority": self._lan.names[0].removesuffix(".local") if self._lan.names else "",
            "secure": target + path if plain else "",
            "pairs_here": not plain or local or self._plain in ("capture", "all"),
        }


def _open(path: str, handler: Handler, summary: str, reply: Reply) -> Operation:
    return Operation(
        method="GET",
        path=path,
        handler=handler,
        summary=summary,
        tag=TAG,
        scope=None,
        replies={200: reply},
    )
