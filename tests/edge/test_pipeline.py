"""From a photo to a case: the real store, a worker that sees what the test says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from edge.errors import (
    BadFormError,
    BadRequestError,
    NotFoundError,
    RetakeError,
    UnknownProfileError,
)
from edge.events import EventKind
from edge.pipeline import Pipeline, Submission
from edge.store.listing import Filter
from models.case import Author, Outcome, Status
from tests.fakes.device import Device, a_device
from tests.fakes.vision import blurred_picture, picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[Device]:
    async with a_device(tmp_path) as made:
        yield made


def pipeline(device: Device) -> Pipeline:
    assert isinstance(device.parts.pipeline, Pipeline)
    return device.parts.pipeline


async def stored(device: Device) -> int:
    return len((await device.store.list(Filter())).cases)


async def test_a_usable_photo_is_ok_and_no_case_yet(device: Device) -> None:
    verdict = await pipeline(device).check(picture())

    assert (verdict.status, verdict.message) == ("ok", "")
    assert "dent" in verdict.summary
    assert await stored(device) == 0


async def test_a_blurred_photo_never_becomes_a_case(device: Device) -> None:
    verdict = await pipeline(device).check(blurred_picture())
    assert verdict.status == "retake"
    assert verdict.message

    for submission in (Submission(photo=blurred_picture()), Submission(image_id=verdict.image_id)):
        with pytest.raises(RetakeError) as refused:
            await pipeline(device).keep([submission])
        assert refused.value.hint == verdict.message
    assert await stored(device) == 0


async def test_an_unsure_model_sends_the_case_to_a_person_and_says_why(device: Device) -> None:
    device.vision.shares = [("dent", 0.41, (0.3, 0.3, 0.6, 0.6))]

    verdict = await pipeline(device).check(picture())
    case, _ = await pipeline(device).keep([Submission(image_id=verdict.image_id)])

    assert verdict.status == "uncertain"
    assert case.status is Status.NEEDS_REVIEW
    assert case.decision.outcome is Outcome.NEEDS_REVIEW
    assert "'dent'" in case.decision.reasons[0]
    assert "0.41" in case.decision.reasons[0]


async def test_a_checked_photo_becomes_a_case_without_being_looked_at_again(
    device: Device,
) -> None:
    verdict = await pipeline(device).check(picture())
    jobs = device.vision.jobs

    case, created = await pipeline(device).keep([Submission(image_id=verdict.image_id)])

    assert created
    assert device.vision.jobs == jobs
    assert case.predictions == verdict.inspection.predictions


async def test_another_profile_looks_again(device: Device) -> None:
    verdict = await pipeline(device).check(picture())
    jobs = device.vision.jobs

    case, _ = await pipeline(device).keep([Submission(image_id=verdict.image_id)], profile="skin")

    assert device.vision.jobs == jobs + 1
    assert case.profile == "skin"


async def test_a_case_carries_who_made_it_when_and_with_what(device: Device) -> None:
    device.clock.is_trusted = False

    case, _ = await pipeline(device).keep(
        [Submission(photo=picture(), camera={"lux": 120.5})], form={"plate": "B-EC 42"}
    )

    assert (case.device, case.boot, case.monotonic) == ("shed-pi", "boot-1", 1000.0)
    assert case.created == device.clock.moment
    assert not case.clock_ok
    assert case.models == {"detector": "vehicle-damage-detector@1.0.0"}
    assert case.form == {"plate": "B-EC 42"}
    assert case.images[0].camera == {"lux": 120.5}
    assert case.summary.author is Author.TEMPLATE
    assert case.estimate is not None
    assert case.estimate.currency == "EUR"


async def test_fifty_requests_with_one_key_make_one_case(device: Device) -> None:
    kept = await asyncio.gather(
        *(
            pipeline(device).keep([Submission(photo=picture())], idempotency_key="once")
            for _ in range(50)
        )
    )

    assert {case.id for case, _ in kept} == {kept[0][0].id}
    assert sum(created for _, created in kept) == 1
    assert await stored(device) == 1
    assert device.vision.jobs == 1, "the others wait for its answer and not in the queue"


async def test_one_key_with_two_photos_at_once_is_a_case_and_a_conflict(device: Device) -> None:
    said = await asyncio.gather(
        *(
            pipeline(device).keep([Submission(photo=picture(seed=seed))], idempotency_key="k")
            for seed in (1, 2)
        ),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in said) == ["ConflictError", "tuple"]
    assert await stored(device) == 1


async def test_without_a_key_every_request_is_a_case(device: Device) -> None:
    for _ in range(3):
        await pipeline(device).keep([Submission(photo=picture())])

    assert await stored(device) == 3


async def test_whoever_listens_hears_of_a_new_case_once(device: Device) -> None:
    async with device.events.listen() as heard:
        for _ in range(2):
            await pipeline(device).keep([Submission(photo=picture())], idempotency_key="k")
        event = await heard.next(1)
        assert event is not None
        assert event.kind is EventKind.CASE_STORED
        with pytest.raises(TimeoutError):
            await heard.next(0.05)


async def test_several_photos_are_one_case_and_take_the_shots_in_order(device: Device) -> None:
    case, _ = await pipeline(device).keep(
        [Submission(photo=picture(seed=1)), Submission(photo=picture(seed=2))],
        profile="skin",
        form={},
        attended=False,
    )

    assert [image.shot for image in case.images] == ["overview", "close_up"]
    assert not any("missing" in reason for reason in case.decision.reasons)


async def test_a_skin_case_of_one_photo_misses_its_close_up(device: Device) -> None:
    case, _ = await pipeline(device).keep(
        [Submission(photo=picture())], profile="skin", attended=False
    )

    assert any("close_up" in reason for reason in case.decision.reasons)
    assert case.status is Status.NEEDS_REVIEW


@pytest.mark.parametrize(
    ("submissions", "more", "error"),
    [
        ([], {}, BadRequestError),
        ([Submission(photo=b"x", image_id="")], {"profile": "lunar"}, UnknownProfileError),
        ([Submission(image_id="0" * 32)], {}, NotFoundError),
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_is_kept(
    device: Device,
    submissions: list[Submission],
    more: dict[str, str],
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        await pipeline(device).keep(submissions, **more)
    assert await stored(device) == 0


async def test_a_form_the_profile_does_not_ask_is_refused(device: Device) -> None:
    with pytest.raises(BadFormError):
        await pipeline(device).keep([Submission(photo=picture())], form={"plat": "B-EC 42"})
    assert await stored(device) == 0


async def test_looking_keeps_nothing_at_all(device: Device) -> None:
    inspection = await pipeline(device).look(picture())

    assert [p.label for p in inspection.predictions][:1] == ["dent"]
    assert await stored(device) == 0
