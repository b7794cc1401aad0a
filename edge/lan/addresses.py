"""The addresses that this machine has on the networks around it."""

from __future__ import annotations

import ipaddress
import logging
import socket
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger(__name__)

NOBODYS = ("docker", "br-", "veth", "virbr", "lxc", "podman")
"""How interfaces of containers and virtual machines begin: no phone is there."""


def own_addresses() -> tuple[str, ...]:
    """This machine's addresses, those first that a phone most likely reaches; none on an error."""
    try:
        found = psutil.net_if_addrs()
    except OSError as e:  # a system that doesn't let us look
        log.debug("can't look at the network's interfaces: %s", e)
        return ()
    families = (socket.AF_INET, socket.AF_INET6)
    each = (
        (name, entry.address)
        for name, entries in found.items()
        for entry in entries
        if entry.family in families
    )
    return worth_telling(each)


def worth_telling(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Of (interface, address) those that a phone can open, IPv4 before IPv6, private ones first."""
    good = set()
    for interface, text in found:
        if interface.startswith(NOBODYS):
            continue
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            continue
        if not (address.is_loopback or address.is_link_local or address.is_unspecified):
            good.add(address)
    ordered = sorted(good, key=lambda a: (a.version, not a.is_private, a.packed))
    return tuple(str(address) for address in ordered)
