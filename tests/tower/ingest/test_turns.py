from __future__ import annotations

from sync import topics
from sync.transport import SLOTS
from tests.fakes.parcels import SentCase
from tower_sync_server.ingest.turns import MENTIONED, MOST, TURN, Places, Turns, whose


def test_devices_take_turns_and_each_keeps_its_order() -> None:
    turns: Turns[str] = Turns()
    for number in range(3 * TURN):
        turns.put("yard", f"yard {number}")
    turns.put("gate", "gate 0")

    taken = [turns.pop() for _ in range(len(turns))]

    assert taken.index("gate 0") == TURN
    assert [one for one in taken if one != "gate 0"] == [f"yard {n}" for n in range(3 * TURN)]
    assert len(turns) == 0


def test_a_device_has_so_many_in_hand_and_others_have_their_own() -> None:
    places = Places()
    assert [places.enter("yard") for _ in range(MOST + 2)] == [True] * MOST + [False] * 2
    assert places.enter("gate")
    places.leave("yard")
    assert places.enter("yard")
    places.clear()
    assert places.enter("yard")


def test_a_device_that_waits_for_answers_is_never_cut_off() -> None:
    """It hears no more that something came while it has much in hand, and then sends no more."""
    places = Places()
    sent = 0
    while places.may_go_on("gate"):
        for _ in range(SLOTS):
            assert places.enter("gate")
            sent += 1
    assert MENTIONED < sent <= MENTIONED + SLOTS < MOST


def test_whose_a_topic_is() -> None:
    assert whose(topics.up("gate", SentCase().id)) == "gate"
    assert whose(topics.digest("gate")) == "gate"
    assert whose("edgecase/v1/fleet/all/hint") == ""
