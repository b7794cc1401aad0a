"""The configuration of mosquitto (2.0.11 or later), made of a few values.

`write` is the whole of it: read it like a file. Why it is generated: docs/adr/016.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sync.cbor import MAX_BYTES
from sync.topics import ROOT
from sync.transport import INFLIGHT, SLOTS

WORKER = "tower"
"""Whose name stands in the workers' certificate."""
AROUND = 1024
"""Bytes of a packet around its payload: topic, properties."""
MEGABYTE = 1024 * 1024

DEVICES_ACL = f"""\
# What a device may do: %u is the name in its certificate. Everything else is forbidden.
pattern write {ROOT}/d/%u/up/+
pattern write {ROOT}/d/%u/state
pattern write {ROOT}/d/%u/digest
pattern read {ROOT}/d/%u/ack
pattern read {ROOT}/fleet/+/hint
"""

WORKERS_ACL = f"""\
# What the tower's workers may do; "$share/ingest/..." is read as what stands behind it.
user {WORKER}
topic read {ROOT}/d/+/up/+
topic read {ROOT}/d/+/state
topic read {ROOT}/d/+/digest
topic write {ROOT}/d/+/ack
topic readwrite {ROOT}/fleet/+/hint
"""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the broker listens."""

    host: str
    """Address; "" is every one."""
    port: int
    """Port."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much it is made for."""

    devices: int
    """Devices of the fleet."""
    workers: int
    """Workers that share their messages; at least 1."""
    memory_mb: int
    """Memory that it may use, MiB."""

    @property
    def messages(self) -> int:
        """That may wait for one worker: everything that the fleet has on its way, if need be."""
        return max(10_000, 2 * SLOTS * self.devices)

    @property
    def queue_bytes(self) -> int:
        """The same in bytes: half of the memory, over all workers."""
        return self.memory_mb * MEGABYTE // 2 // max(1, self.workers)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the configuration is made of."""

    folder: Path
    """Where the other files lie: server.pem, the authorities, the list, both ACLs."""
    devices: Listener
    """For devices: everywhere they are."""
    workers: Listener
    """For the tower's workers: loopback, unless they run on other machines."""
    size: Size
    """How much it is made for."""
    plain_port: int = 0
    """Where everybody on this machine is let in, in the clear; 0: nowhere."""
    user: str = ""
    """Who mosquitto becomes when it is started as root; "": Debian's `mosquitto`."""


def write(plan: Plan) -> str:
    """The configuration file."""
    folder, size = plan.folder, plan.size
    user = f"user {plan.user}\n" if plan.user else ""
    return f"""\
# Written by `edgecase-tower broker` at every start: change the settings in [broker], not this file.
per_listener_settings true
{user}
# Nothing on the disk. What a restart loses is asked for again, end to end: a file would only cost
# writes, and bring old messages back.
persistence false
retain_available true

# Queues. A message that finds its queue full is dropped, and confirmed all the same; mosquitto's
# own limit is 1,000. Made for {size.devices} devices with {SLOTS} messages on their way each.
max_queued_messages {size.messages}
max_queued_bytes {size.queue_bytes}
max_inflight_messages {INFLIGHT}
memory_limit {size.memory_mb * MEGABYTE}
# A chunk and its header; around them the topic.
message_size_limit {MAX_BYTES}
max_packet_size {MAX_BYTES + AROUND}
# Who holds a session open without a word, or leaves one behind.
max_keepalive 300
persistent_client_expiration 1h
set_tcp_nodelay true

# Standard error is the journal's, or the terminal's.
log_dest stderr
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S
connection_messages true

# Devices: a certificate of the devices' authority, and its name is name, client id and topic.
listener {_place(plan.devices)}
allow_anonymous false
tls_version tlsv1.3
certfile {folder}/server.pem
keyfile {folder}/server.pem
cafile {folder}/devices-ca.pem
crlfile {folder}/revoked.pem
require_certificate true
use_identity_as_username true
# Without this a device could use another's client id, which ends the other's connection.
use_username_as_clientid true
acl_file {folder}/devices.acl
max_qos 1

# Workers: one certificate of another authority, and client ids of their own.
listener {_place(plan.workers)}
allow_anonymous false
tls_version tlsv1.3
certfile {folder}/server.pem
keyfile {folder}/server.pem
cafile {folder}/tower-ca.pem
require_certificate true
use_identity_as_username true
acl_file {folder}/workers.acl
{_plain(plan.plain_port)}"""


def _place(listener: Listener) -> str:
    return f"{listener.port} {listener.host}".strip()


def _plain(port: int) -> str:
    if not port:
        return ""
    return f"""
# Everybody on this machine, without TLS and without rules (broker.plain_port).
listener {port} 127.0.0.1
allow_anonymous true
"""
