"""`edgecase-tower worker`: one ingest worker as a process of its own.

Reports on standard output, a line of JSON about every second, for whoever started it. With
`--attached` it ends when its standard input does, so that a tower that is killed leaves nobody
behind.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import secrets
import signal
import sys
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING

from sync.mqtt import MqttTransport
from sync.mqtt_client import Flow
from sync.transport import INFLIGHT, SLOTS
from tower_sync_server.broker.link import broker_of
from tower_sync_server.ingest.two_links import TwoLinks
from tower_sync_server.ingest.worker import FILTERS, Report, Worker
from tower_sync_server.parts import make_ingest, make_quota, open_keep

if TYPE_CHECKING:
    from tower_sync_server.config import Settings

HOLDS = 2 * INFLIGHT
"""Messages in hand at most: what each lane deals with at once, and as many again."""
LOT = SLOTS // 2
"""Chunks that are answered at once; a device that is busy has twice as many unanswered."""

log = logging.getLogger(__name__)


def run_worker(settings: Settings, *, attached: bool) -> None:
    """Take cases in until told to stop.

    Raises:
        OperatorError: the disk or the database is failing.
    """
    keep = open_keep(settings.store)
    client_id = f"edgecase-tower-{os.getpid()}-{secrets.token_hex(4)}"
    links = TwoLinks(
        MqttTransport(broker_of(settings, client_id), FILTERS, flow=Flow(INFLIGHT, HOLDS, LOT)),
        MqttTransport(broker_of(settings, f"{client_id}-answers")),
    )
    quota = make_quota(keep, settings.ingest)
    worker = Worker(links, make_ingest(keep, settings.store, quota), _report, quota)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: worker.stop())
    gc.collect()
    gc.freeze()  # what is here now stays: no need to look through it again and again
    if attached:
        threading.Thread(target=_await_end_of_input, args=(worker,), daemon=True).start()
    try:
        worker.run()
    finally:
        keep.close()


def _await_end_of_input(worker: Worker) -> None:
    sys.stdin.buffer.read()
    worker.stop()


def _report(report: Report) -> None:
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    sys.stdout.flush()
