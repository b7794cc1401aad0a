from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.parcels import GOLDEN
from tower_sync_server.api import device_views, views
from tower_sync_server.archive.listing import DeviceRow

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = (
    "images",
    "predictions",
    "decision",
    "summary",
    "form",
    "models",
    "estimate",
    "created",
    "second_opinions",
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_can_be_shown(body: dict[str, Any]) -> None:
    views.headline(body)
    views.summary(body)
    views.reasons(body)
    views.doubts(body)
    views.findings(body)
    views.overlay(body)
    views.estimate(body)
    views.table(body.get("form"))
    views.moment(body.get("created"))


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["label", "box", "confidence", "refines"]), JSON)))
def test_any_prediction_can_be_shown(predictions: list[dict[str, Any]]) -> None:
    views.findings({"predictions": predictions})
    views.overlay({"predictions": predictions, "images": [{"width": 10, "height": 10}]})


def test_a_second_opinion_in_words() -> None:
    opinion = {"model": "m@1.1.0", "missed": ["dent"], "added": ["broken_lamp", "rust"]}
    less = {**opinion, "added": []}

    assert views.doubts({"second_opinions": [opinion, less]}) == [
        "m@1.1.0 saw broken lamp, rust here, and not dent.",
        "m@1.1.0 saw less here, and not dent.",
    ]


def test_a_case_in_a_few_words() -> None:
    assert views.headline(GOLDEN) == "Dent"
    assert views.headline({}) == "Nothing found"
    (dent,) = views.findings(GOLDEN)
    assert (dent.label, dent.percent, dent.grade) == ("Dent", 91, "severe")
    assert views.reasons({"decision": {"reasons": ["'oil_leak' is unsure"]}}) == [
        "“oil leak” is unsure"
    ]
    assert views.estimate(GOLDEN) == [
        ("1 × dent", "480.00"),
        ("Tax", "91.20"),
        ("Total", "571.20 EUR"),
    ]


def test_boxes_are_where_the_device_saw_them() -> None:
    found = views.overlay(GOLDEN)

    assert found is not None
    (box,) = found.boxes
    assert (box.x, box.y, box.width, box.height) == (812.0, 604.5, 818.0, 685.5)
    assert 0 < box.text_y < box.y


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (None, "unknown"),
        (0, "none"),
        (0b1101, "voltage too low, slowed down, too warm"),
        (0x50000, "not now, but since it started"),
    ],
)
def test_throttling_in_words(bits: int | None, text: str) -> None:
    assert device_views.throttling(bits) == text


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["cases", "size", "dead", "clock_ok", "temperature", "throttled", "disk_free", "models"]
        ),
        st.none() | st.booleans() | st.integers(0, 1 << 53),
    )
)
def test_any_state_of_a_device_can_be_shown(state: dict[str, Any]) -> None:
    row = DeviceRow("gate", True, NOW, NOW, 1, 1, 0, 0, state)

    assert all(isinstance(value, str) for _, value, _ in device_views.device(row))


@pytest.mark.parametrize(
    ("count", "text"), [(0, "1 kB"), (2_400, "2 kB"), (12_400_000, "12.4 MB"), (3e9, "3.0 GB")]
)
def test_bytes_for_people(count: int, text: str) -> None:
    assert views.size(count) == text
