"""What the repository says of a version."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.jsonable import InvalidWordError, to_json
from models.offer import (
    SCHEMA,
    DeviceClass,
    NewerSchemaError,
    Offer,
    Ring,
    from_custom,
    is_offer,
    least_met,
    offer_of,
    to_custom,
)
from models.release import File, Format, Task, read_manifest

WEIGHTS = File("model.onnx", "a" * 64, 1000)
OFFER = Offer(
    id="fake-detector",
    version="1.2.0",
    task=Task.DETECT,
    format=Format.ONNX,
    files=(WEIGHTS, File("golden/one.jpg", "b" * 64, 10, "golden")),
    size=1100,
    ring=Ring.CANARY,
    released=datetime(2026, 11, 20, tzinfo=UTC),
    requires={"onnxruntime": "1.22"},
    notes="Sees rust earlier.",
)
ZOO = Path(__file__).parents[2] / "models" / "zoo"


def test_an_offer_survives_the_signed_json() -> None:
    custom = json.loads(json.dumps(to_custom(OFFER)))
    assert from_custom(OFFER.manifest, custom) == OFFER


def test_an_offer_holds_no_fraction_since_signed_json_knows_none() -> None:
    def numbers(value: object) -> list[object]:
        if isinstance(value, dict):
            return [n for v in value.values() for n in numbers(v)]
        if isinstance(value, list):
            return [n for v in value for n in numbers(v)]
        return [value]

    assert not [n for n in numbers(to_json(OFFER)) if isinstance(n, float)]


@pytest.mark.parametrize("folder", sorted(ZOO.glob("*/*")), ids=lambda f: f.parent.name)
def test_every_shipped_model_can_be_offered(folder: Path) -> None:
    release = read_manifest(folder)
    manifest = (folder / "model.toml").stat().st_size
    offer = offer_of(release, manifest, Ring.ALL, datetime.now(UTC))
    assert offer.size == sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def test_a_field_of_a_later_program_is_passed_over() -> None:
    custom = to_custom(OFFER)
    custom["edgecase"]["flavour"] = "vanilla"
    assert from_custom(OFFER.manifest, custom) == OFFER


def test_an_offer_for_a_later_program_says_so_before_anything_else() -> None:
    custom = {"edgecase": {"minimum_schema": SCHEMA + 1, "task": "sing"}}
    with pytest.raises(NewerSchemaError, match="needs a program of schema 2"):
        from_custom(OFFER.manifest, custom)


@pytest.mark.parametrize("path", ["fake-detector/1.2.1/model.toml", "other/1.2.0/model.toml"])
def test_the_offer_of_another_version_is_refused(path: str) -> None:
    with pytest.raises(InvalidWordError, match="the offer of fake-detector/1.2.0"):
        from_custom(path, to_custom(OFFER))


@pytest.mark.parametrize("custom", [None, {}, {"edgecase": 3}, {"edgecase": {}}, [], "x"])
def test_a_target_without_an_offer_is_refused(custom: object) -> None:
    with pytest.raises(InvalidWordError):
        from_custom(OFFER.manifest, custom)


@pytest.mark.parametrize(
    "path",
    [
        "../model.onnx", "/etc/passwd", "a//b", "a/./b", "a/../b", ".hidden", "a\\b", "a b",
        "model.toml", "Model.TOML", "x\n", "-rf", "a/b/c/d/e/f/g/h/i", "é", "a" * 129, "C:x",
    ],
)  # fmt: skip
def test_a_file_whose_name_is_not_safe_everywhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidWordError):
        replace(OFFER, files=(WEIGHTS, File(path, "b" * 64, 10)))


@pytest.mark.parametrize("other", ["MODEL.onnx", "model.onnx", "model.onnx/inner"])
def test_two_files_that_would_be_one_on_a_stick_are_refused(other: str) -> None:
    with pytest.raises(InvalidWordError):
        replace(OFFER, files=(WEIGHTS, File(other, "b" * 64, 10)))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../x"}, {"id": "Upper"}, {"version": "1.0"}, {"version": "1.0.0+7"},
        {"version": "1.0.0/.."}, {"files": ()}, {"size": 1010}, {"released": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"profiles": ("a", "a")}, {"profiles": ("a/b",)}, {"classes": ()},
        {"classes": (DeviceClass.PI4, DeviceClass.PI4)}, {"replaces": "older"},
        {"minimum_schema": 0}, {"notes": "x" * 2001}, {"notes": "\x1b[31mred"}, {"memory_mb": -1},
    ],
    ids=str,
)  # fmt: skip
def test_what_could_not_be_meant_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(InvalidWordError):
        replace(OFFER, **change)  # type: ignore[arg-type]


def test_only_manifests_carry_offers() -> None:
    assert is_offer("m/1.0.0/model.toml")
    assert not is_offer("m/1.0.0/golden/model.toml")
    assert not is_offer("rollout.json")


@pytest.mark.parametrize(
    ("have", "least", "enough"),
    [
        ("1.31.1", "1.22", True), ("1.22.0", "1.22", True), ("1.22", "1.22.0", True),
        ("1.9", "1.22", False), ("b4100", "b4000", True), ("b3999", "b4000", False),
        ("2.0+cpu99", "2.1", False), ("0.1", "", True),
    ],
)  # fmt: skip
def test_versions_of_runtimes_are_compared_by_their_numbers(
    have: str, least: str, enough: bool
) -> None:
    assert least_met(have, least) is enough


def test_rings_open_one_after_the_other() -> None:
    assert [r.wider for r in Ring] == [Ring.EARLY, Ring.ALL, Ring.ALL]
    assert Ring.EARLY.reaches(Ring.CANARY)
    assert not Ring.EARLY.reaches(Ring.ALL)
    assert Ring.ALL.narrower_of(Ring.EARLY) is Ring.EARLY
