"""Two paho clients, a process each, and what a broker alone carries between them.

python -m scripts.benchmarks.paho_pair PORT CASES prints cases a second. A case is the messages that
a device sends of one: its text, its thumbnail and a photo of 100 kB in chunks of 64 KiB.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from sync import payload
from sync.chunks import cut
from sync.codec import encode_up
from sync.messages import Address, Chunk, Header, Kind
from tests.fakes.drafts import draft, photo

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

SIZE = 100_000
TOPIC = "edgecase/v1/d/gate/up/6f1f2a3e-5b0c-4a53-9a5e-0f6f6c1d2e3f"
AHEAD = 64
"""Messages that are handed to paho before an earlier one is confirmed."""


def messages() -> list[bytes]:
    """Those of one case."""
    one = photo(1, SIZE)
    case = draft([one], 1).numbered(TOPIC.rpartition("/")[2], 1)
    made = []
    for kind, data, media_type in (
        (Kind.CASE, payload.case_payload(case), payload.CASE_TYPE),
        (Kind.THUMB, one.thumbnail, "image/jpeg"),
        (Kind.IMAGE, one.data, "image/jpeg"),
    ):
        image = "" if kind is Kind.CASE else one.sha256
        address = Address(case.id, 1, kind, image, payload.sha256(data))
        header = Header(address, len(data), media_type)
        made += [encode_up(Chunk(header, n, cut(data, n))) for n in range(header.count)]
    return made


def listen(port: int, count: int, ready: Event, done: Event) -> None:
    """Take so many messages."""
    left = [count]

    def take(*_: Any) -> None:
        left[0] -= 1
        if not left[0]:
            done.set()

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_message = take
    client.on_connect = lambda own, *_: own.subscribe(TOPIC, 1)
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    done.wait()
    client.loop_stop()


def main() -> None:
    """Send, and print how fast it went."""
    port, cases = int(sys.argv[1]), int(sys.argv[2])
    one = messages()
    ready, done = multiprocessing.Event(), multiprocessing.Event()
    taking = multiprocessing.Process(target=listen, args=(port, cases * len(one), ready, done))
    taking.start()
    ready.wait()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    while not client.is_connected():
        time.sleep(0.01)
    begun = time.monotonic()
    sent = []
    for _ in range(cases):
        sent += [client.publish(TOPIC, message, 1) for message in one]
        if len(sent) > AHEAD:
            sent[-AHEAD].wait_for_publish()
    done.wait()
    print(cases / (time.monotonic() - begun))
    client.loop_stop()
    taking.join()


if __name__ == "__main__":
    main()
