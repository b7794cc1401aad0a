from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from sync.codec import encode_state
from sync.messages import State
from sync.topics import state
from tests.fakes.parcels import SentCase
from tests.fakes.towers_people import SHELL
from tower_sync_server.api.headers import HEADERS

if TYPE_CHECKING:
    from tests.fakes.keeps import Bench, Client, Intake
    from tests.fakes.towers_people import House


async def page(client: Client, path: str = "/") -> str:
    async with client.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        return await answer.text()


def link_of(case: SentCase, device: str = "gate") -> str:
    return f"/page/cases/{case.id}?{urlencode({'device': device})}"


async def test_an_empty_tower_says_so(client: Client) -> None:
    assert "No case has come yet" in await page(client)
    assert "No device has been heard yet" in await page(client, "/page/devices")
    assert "Nothing yet" in await page(client, "/page/audit")


async def test_a_case_is_listed_with_its_picture(client: Client, bench: Bench) -> None:
    case = SentCase()
    bench.send(case)

    text = await page(client)

    assert f"/cases/{case.id}/image?variant=thumb&amp;n=0&amp;device=gate" in text
    assert link_of(case) in text
    assert "Needs a look" in text
    assert "Dent" in text


async def test_what_a_device_writes_is_never_markup(client: Client, bench: Bench) -> None:
    evil = "<script>alert(1)</script>"
    more = {
        "summary": {"text": evil, "author": "template", "verified": True},
        "status": "<b>",
        "form": {evil: evil},
        "models": {evil: evil},
        "decision": {"outcome": "needs_review", "reasons": [evil]},
        "predictions": [
            {"label": evil, "confidence": 0.5, "box": [1, 2, 30, 40], "source": "detector"}
        ],
    }
    case = SentCase(more=more)
    bench.send(case)
    bench.send(SentCase(id=case.id, rev=2, more=more))

    for path in ("/", link_of(case)):
        text = await page(client, path)
        assert "<script" not in text
        assert "<b>&lt;b&gt;" not in text
        assert "&lt;script&gt;" in text.lower()


async def test_one_case_shows_its_photo_with_boxes_its_words_and_its_history(
    client: Client, bench: Bench
) -> None:
    case = SentCase()
    bench.send(case)
    bench.say(SentCase(id=case.id, rev=2, more={"status": "rejected"}).case().chunk(0))

    text = await page(client, link_of(case))

    assert f"/cases/{case.id}/image?n=0&amp;variant=original&amp;device=gate" in text
    assert 'viewBox="0 0 4032 3024"' in text
    assert ">dent 91%</text>" in text
    assert "The photo shows one severe dent in the centre." in text
    assert "B-EC 42" in text
    assert "Revision 2" in text
    assert "Changed: status." in text
    assert case.image[:16] in text


@pytest.mark.parametrize(
    "more",
    [
        {"summary": 7, "images": [], "predictions": [], "form": [1], "models": None},
        {"summary": {"text": 3}, "decision": [], "quality": None, "created_by": {"a": [1, {}]}},
        {"predictions": [{"label": "x", "box": "none", "confidence": "much", "refines": [1]}]},
        {"predictions": [{"label": "x", "box": [1, 2], "source": "detector"}, 7]},
        {"decision": {"reasons": [1, "ok"]}, "form": {"a": {"b": [None, True]}}},
    ],
)
async def test_a_case_of_a_later_device_is_shown_as_far_as_it_goes(
    client: Client, bench: Bench, more: dict[str, object]
) -> None:
    case = SentCase(more=more)
    bench.say(case.case().chunk(0))

    assert case.id in await page(client)
    assert case.id in await page(client, link_of(case))


async def test_older_cases_are_one_link_away(client: Client, bench: Bench) -> None:
    for number in range(3):
        bench.say(SentCase(seq=number + 1).case().chunk(0))

    text = await page(client, "/?limit=2&status=needs_review")
    link = text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")

    assert "status=needs_review" in link
    assert (await page(client, link)).count('<li><a class="row"') == 1


async def test_a_search_keeps_what_was_typed(client: Client, bench: Bench) -> None:
    bench.say(SentCase().case().chunk(0))

    found = await page(client, "/?q=EC+42&status=&since=2026-11-01")
    missed = await page(client, "/?q=lorry")

    assert 'value="EC 42"' in found
    assert 'value="2026-11-01"' in found
    assert found.count('<li><a class="row"') == 1
    assert "Nothing fits" in missed


async def test_a_case_is_deleted_restored_and_purged_with_buttons_alone(
    client: Client, bench: Bench
) -> None:
    case = SentCase()
    bench.send(case)
    who = urlencode({"device": "gate"})

    async def press(what: str) -> str:
        path = f"/page/cases/{case.id}/{what}?{who}"
        async with client.post(path, allow_redirects=False) as answer:
            assert answer.status == 303
            return await page(client, answer.headers["Location"])

    assert "deleted this case on" in await press("delete")
    assert "Restore it" not in await press("restore")
    await press("delete")
    assert "Nothing fits" in await press("purge")
    async with client.get(link_of(case)) as answer:
        assert (answer.status, answer.content_type) == (404, "text/html")


async def test_trouble_is_on_the_page(client: Client, intake: Intake) -> None:
    intake.reason = "no broker"

    assert "No broker" in await page(client)


async def test_a_device_is_shown_with_all_it_says_and_unknown_as_unknown(
    client: Client, bench: Bench
) -> None:
    said = State(
        online=True,
        software="1.2.3",
        cases=4,
        size=9_000_000,
        dead=1,
        clock_ok=False,
        temperature=84.25,
        throttled=0b0100 | 0x40000,
        disk_free=12_000_000_000,
        models={"vehicle-damage/detector": "vehicle-damage-detector@1.0.0"},
    )
    bench.ingest.take(state("gate"), encode_state(said))
    bench.ingest.take(state("yard"), encode_state(State(online=True)))

    text = await page(client, "/page/devices")

    gate, _, yard = text.partition(">yard<")
    for shown in ("4 (9.0 MB)", "1.2.3", "84 °C", "slowed down", "12.0 GB", "not to be trusted"):
        assert shown in gate
    assert "vehicle-damage-detector@1.0.0" in gate
    assert yard.count('class="quiet">unknown') >= 4


async def test_people_and_the_audit_are_shown(client: Client, house: House) -> None:
    house.add("eva")
    house.people.remove("eva", SHELL)
    house.add("otto")

    people, audit = await page(client, "/page/people"), await page(client, "/page/audit")

    assert "otto" in people
    assert "eva" not in people
    assert "user-remove" in audit
    assert "shell:root" in audit
    assert (
        "user-add" not in (await page(client, "/page/audit?action=user-remove")).split("<tbody>")[1]
    )


@pytest.mark.parametrize(
    "path", ["/static/tower.css", "/static/favicon.svg", "/static/vendor/pico/pico.min.css"]
)
async def test_it_has_its_own_style_and_nothing_from_elsewhere(client: Client, path: str) -> None:
    for shown in ("/", "/docs", "/page/people"):
        assert "//" not in (await page(client, shown)).replace("<!doctype html>", "")
    async with client.get(path) as answer:
        assert answer.status == 200


async def test_no_page_may_run_a_script_or_be_framed(client: Client) -> None:
    async with client.get("/") as answer:
        policy = answer.headers["Content-Security-Policy"]

    assert policy == HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


async def test_the_documentation_names_every_route_that_programs_use(client: Client) -> None:
    text = await page(client, "/docs")

    for path in ("/cases/{id}/purge", "/devices", "/audit", "/sign-in"):
        assert path in text
