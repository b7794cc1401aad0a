"""The flow for Node-RED is one, and asks of a webhook what is in it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from edge.webhooks.words import KEY, body_of
from models.case import Case
from models.jsonable import from_json

ROOT = Path(__file__).parents[1]
FLOW = json.loads((ROOT / "docs" / "node-red" / "cases.json").read_text(encoding="utf-8"))
GOLDEN = ROOT / "tests" / "data" / "words" / "case.json"
CASE = from_json(Case, json.loads(GOLDEN.read_text(encoding="utf-8")))


def test_every_wire_leads_to_a_node_of_the_flow() -> None:
    nodes = {node["id"] for node in FLOW}
    assert len(nodes) == len(FLOW)
    wires = [end for node in FLOW for output in node.get("wires", []) for end in output]
    assert wires
    assert set(wires) <= nodes
    assert {node["z"] for node in FLOW if "z" in node} <= nodes


def test_it_asks_for_nothing_that_a_webhook_does_not_bring() -> None:
    brought = json.loads(body_of("case", CASE))
    asked = set(re.findall(r"payload\.(\w+)", json.dumps(FLOW)))
    assert {"status", "summary"} <= asked
    assert asked <= set(brought)
    assert KEY.lower() in json.dumps(FLOW)


def test_it_tells_apart_a_status_that_there_is() -> None:
    (switch,) = (node for node in FLOW if node["type"] == "switch")
    assert switch["rules"][0]["v"] == "needs_review"
