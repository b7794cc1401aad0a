"""A device that keeps no rule but the broker's: it sends and sends, and waits for no answer.

    python -m tests.fakes.flooder PORT NAME MESSAGES_A_SECOND WHAT

WHAT is `halves` (photos that are begun and never go on), `revisions` (of one case, each valid) or
`questions` (of comparisons). It ends when its input does.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from sync import topics
from sync.codec import encode_state
from sync.digest_codec import encode_question
from sync.digests import MAX_WIDTH, Compare, Range, sum_of
from sync.messages import State
from tests.fakes.parcels import SentCase, noise, wire

if TYPE_CHECKING:
    from collections.abc import Iterator

PHOTO = noise(64 * 1024 + 1)
"""Of two chunks, of which only one goes."""


@contextmanager
def flooder(port: int, name: str, rate: int, what: str) -> Iterator[None]:
    """One at work."""
    command = [sys.executable, "-m", "tests.fakes.flooder", str(port), name, str(rate), what]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.kill()


def messages(name: str, what: str) -> Iterator[tuple[str, bytes]]:
    """Topic and payload, without end."""
    case = SentCase(photo=PHOTO)
    for number in count(1):
        if what == "halves":
            yield wire(SentCase(photo=PHOTO).original().chunk(0), name)
        elif what == "revisions":
            yield wire(SentCase(case.id, rev=number).case().chunk(0), name)
        else:
            asked = Compare(number, (sum_of(Range(1, MAX_WIDTH), ()),))
            yield topics.digest(name), encode_question(asked)


def main(port: int, name: str, rate: int, what: str) -> None:
    """Send until the input ends."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.publish(topics.state(name), encode_state(State(online=True)), qos=1, retain=True)
    begin = time.monotonic()
    for sent, (topic, payload) in enumerate(messages(name, what)):
        while sent > (time.monotonic() - begin) * rate:
            time.sleep(0.002)
        client.publish(topic, payload, qos=0)
        if ended.is_set():
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
