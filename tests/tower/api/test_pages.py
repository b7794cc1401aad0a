from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.parcels import SentCase

if TYPE_CHECKING:
    from tests.fakes.keeps import Bench, Client, Intake


async def page(client: Client, path: str = "/") -> str:
    async with client.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        return await answer.text()


async def test_an_empty_tower_says_so(client: Client) -> None:
    text = await page(client)

    assert "No device has been heard yet" in text
    assert "Nothing here" in text


async def test_a_case_is_shown_with_its_picture(client: Client, bench: Bench) -> None:
    case = SentCase()
    bench.send(case)

    text = await page(client)

    assert f"/cases/{case.id}/image?variant=thumb&amp;n=0&amp;device=gate" in text
    assert "needs a look" in text
    assert "dent" in text


async def test_what_a_device_writes_is_never_markup(client: Client, bench: Bench) -> None:
    summary = {"text": "<script>alert(1)</script>", "author": "template", "verified": True}
    bench.say(SentCase(more={"summary": summary, "status": "<b>"}).case().chunk(0))

    text = await page(client)

    assert "<script" not in text
    assert "<b>&lt;b&gt;" not in text
    assert "&lt;script&gt;" in text


async def test_a_case_of_a_later_device_is_shown_as_far_as_it_goes(
    client: Client,
    bench: Bench,
) -> None:
    bench.say(SentCase(more={"summary": 7, "images": [], "predictions": []}).case().chunk(0))

    assert "nothing seen" in await page(client)


async def test_older_cases_are_one_link_away(client: Client, bench: Bench) -> None:
    for number in range(3):
        bench.say(SentCase(seq=number + 1).case().chunk(0))

    text = await page(client, "/?limit=2&status=needs_review")
    link = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")

    assert "status=needs_review" in link
    assert (await page(client, link)).count("<li>") == 1


async def test_trouble_is_on_the_page(client: Client, intake: Intake) -> None:
    intake.reason = "no broker"

    assert "no broker" in await page(client)


@pytest.mark.parametrize("path", ["/static/tower.css", "/static/favicon.svg"])
async def test_it_has_its_own_style_and_nothing_from_elsewhere(
    client: Client,
    path: str,
) -> None:
    assert "//" not in (await page(client)).replace("<!doctype html>", "")
    async with client.get(path) as answer:
        assert answer.status == 200
