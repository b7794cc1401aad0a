"""What a phone does that comes to a network with a device on it: run in a network of its own.

Gets the device's name, its address and the one-time code; prints what it found as JSON.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import sys

from zeroconf import AddressResolver
from zeroconf.asyncio import AsyncZeroconf

PLAIN, SECURE = 8000, 8443


def asked(link, method, path, body=None, **headers):
    """Status, one header and the body of an answer."""
    link.request(method, path, body, headers)
    answer = link.getresponse()
    found = answer.status, answer.getheader("Location"), answer.read()
    link.close()
    return found


async def resolved(name, own):
    """The addresses of a name, by mDNS."""
    asking = AsyncZeroconf(interfaces=[own])
    try:
        found = AddressResolver(f"{name}.")
        await found.async_request(asking.zeroconf, 20_000)
        return found.parsed_addresses()
    finally:
        await asking.async_close()


def main(name, device, own, code):
    """Find the device, trust it, and pair."""
    plain = http.client.HTTPConnection(device, PLAIN, timeout=20)
    authority = asked(plain, "GET", "/ca.pem")[2].decode()
    trusting = ssl.create_default_context(cadata=authority)
    secure = http.client.HTTPSConnection(device, SECURE, timeout=20, context=trusting)
    told = {
        "found": asyncio.run(resolved(name, own)),
        "page": asked(plain, "GET", "/history", None, Accept="text/html")[:2],
        "nobody": asked(plain, "GET", "/cases")[0],
        "rebound": asked(plain, "GET", "/pair", None, Host="evil.example")[0],
    }
    body = json.dumps({"code": code, "name": "far"})
    paired = asked(secure, "POST", "/pair", body, **{"Content-Type": "application/json"})
    bearer = {"Authorization": "Bearer " + json.loads(paired[2])["token"]}
    told["secure"] = asked(secure, "GET", "/cases", None, **bearer)[0]
    told["plain"] = asked(plain, "GET", "/cases", None, **bearer)[0]
    by_name = {**bearer, "Host": f"{name}:{SECURE}"}
    told["by_name"] = asked(secure, "GET", "/cases", None, **by_name)[0]
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
