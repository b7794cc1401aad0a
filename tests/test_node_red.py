"""The flow for Node-RED is one, and asks of a webhook what is in it."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import playwright

from edge.webhooks.words import KEY, body_of, headers_of
from models.case import Case
from models.jsonable import from_json

ROOT = Path(__file__).parents[1]
FLOW = json.loads((ROOT / "docs" / "node-red" / "cases.json").read_text(encoding="utf-8"))
GOLDEN = ROOT / "tests" / "data" / "words" / "case.json"
CASE = from_json(Case, json.loads(GOLDEN.read_text(encoding="utf-8")))
NODE = Path(playwright.__file__).with_name("driver") / "node"
"""The JavaScript engine that comes with playwright."""
STAND_IN = """
const kept = {}, flow = { get: key => kept[key], set: (key, value) => { kept[key] = value } };
const handle = new Function("msg", "flow", %s);
console.log(JSON.stringify(%s.map(msg => handle(msg, flow)[1] !== null)));
"""
"""What Node-RED gives a function node; says which messages went on."""


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


def went_on(*requests: tuple[str, Case]) -> list[bool]:
    """Which of these requests of a device come out of the flow's `each once`."""
    (once,) = (node for node in FLOW if node["id"] == "edgecase-once")
    messages = []
    for event, case in requests:
        body = body_of(event, case)
        said = {k.lower(): v for k, v in headers_of(event, case, body, "").items()}
        messages.append({"req": {"headers": said}, "payload": json.loads(body)})
    script = STAND_IN % (json.dumps(once["func"]), json.dumps(messages))
    done = subprocess.run([NODE, "-e", script], capture_output=True, text=True, check=True)
    answer: list[bool] = json.loads(done.stdout)
    return answer


def test_each_case_goes_on_once_however_often_it_is_told_and_what_happens_later_does_not() -> None:
    written = replace(CASE, rev=CASE.rev + 1)
    other = replace(CASE, id="0b7c6d5e-0000-4000-8000-000000000002", seq=CASE.seq + 1)
    told = [("case", CASE), ("case", written), ("summary", written), ("change", written)]
    assert went_on(*told, ("case", other)) == [True, False, False, False, True]
