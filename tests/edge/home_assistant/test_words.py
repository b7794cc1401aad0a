"""What Home Assistant is told, held against what its documentation asks for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.home_assistant import words
from edge.home_assistant.words import Place, Standing, node_of
from edge.updates.status import UpdateStatus
from models.jsonable import InvalidWordError

GOLDEN = Path(__file__).parents[2] / "data" / "home_assistant" / "announcement.json"
PLACE = Place("homeassistant", "gate")


def test_the_announcement_is_the_one_that_was_looked_over() -> None:
    said = words.announcement(PLACE, "Gate", "0.1.0")
    assert said == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_every_component_has_a_platform_and_an_id_of_its_own() -> None:
    parts = words.announcement(PLACE, "Gate", "0.1.0")["cmps"]
    assert all(part["p"] and part["name"] for part in parts.values())
    assert len({part["unique_id"] for part in parts.values()}) == len(parts)


def test_every_sensor_reads_what_the_state_holds() -> None:
    parts = words.announcement(PLACE, "Gate", "0.1.0")["cmps"]
    read = {part["value_template"] for part in parts.values() if "value_template" in part}
    assert read == {"{{ value_json." + key + " }}" for key in words.state_of(Standing())}


def test_two_devices_share_no_topic_and_no_id() -> None:
    one, other = (
        json.dumps(words.announcement(Place("homeassistant", node), "x", "0")) for node in "ab"
    )
    assert one.replace("edgecase-a", "edgecase-b").replace("/a/", "/b/") == other


@pytest.mark.parametrize(
    ("name", "node"), [("Gate 7", "Gate-7"), ("tür/#+", "t-r"), ("", "edgecase"), ("-", "edgecase")]
)
def test_any_name_becomes_a_topics_word(name: str, node: str) -> None:
    assert node_of(name) == node
    Place("homeassistant", node_of(name))


def test_a_wildcard_is_no_place() -> None:
    with pytest.raises(InvalidWordError):
        Place("homeassistant/#", "gate")


def test_a_problem_is_on_and_none_is_off() -> None:
    assert words.state_of(Standing(problem="no worker"))["problem"] == "on"
    assert words.state_of(Standing())["problem"] == "off"


def test_what_waits_for_a_word_is_an_update() -> None:
    shown = words.update_of(("m@1.0.0",), UpdateStatus(waiting=("m@1.1.0",)))
    assert (shown["installed_version"], shown["latest_version"]) == ("m@1.0.0", "m@1.1.0")
    assert shown["in_progress"] is False


def test_what_is_being_fetched_is_in_progress() -> None:
    shown = words.update_of(("m@1.0.0",), UpdateStatus("fetching", "m@1.1.0", 25, 100))
    assert (shown["in_progress"], shown["update_percentage"]) == (True, 25)


def test_where_nothing_is_new_both_versions_are_the_same() -> None:
    shown = words.update_of(("m@1.0.0",), UpdateStatus())
    assert shown["installed_version"] == shown["latest_version"] == "m@1.0.0"
