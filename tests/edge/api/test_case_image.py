from __future__ import annotations

import io

import pytest
from PIL import Image

from edge.api.case_image import Drawn
from tests.fakes.vision import picture


@pytest.mark.parametrize("variant", ["original", "annotated", "thumb"])
async def test_every_variant_is_a_picture_of_its_type(client, keep, variant):
    case = await keep()
    answer = await client.get(f"/cases/{case['id']}/image", params={"variant": variant})
    assert (answer.status, answer.content_type) == (200, "image/jpeg")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(await answer.read())).size == (320, 240)


async def test_the_original_comes_back_byte_for_byte(client, keep):
    case = await keep(seed=3)
    answer = await client.get(f"/cases/{case['id']}/image")
    assert await answer.read() == picture(seed=3)
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("variant", ["original", "annotated", "thumb"])
async def test_what_the_client_has_already_is_not_sent_again(client, keep, variant):
    case = await keep()
    url = f"/cases/{case['id']}/image?variant={variant}"
    etag = (await client.get(url)).headers["ETag"]
    answer = await client.get(url, headers={"If-None-Match": etag})
    assert (answer.status, await answer.read()) == (304, b"")
    assert answer.headers["ETag"] == etag
    assert (await client.get(url, headers={"If-None-Match": '"other"'})).status == 200


async def test_the_variants_and_photos_have_etags_of_their_own(client, keep):
    a, b = await keep(seed=1), await keep(seed=2)
    urls = [f"/cases/{c['id']}/image?variant={v}" for c in (a, b) for v in ("original", "thumb")]
    assert len({(await client.get(url)).headers["ETag"] for url in urls}) == 4


async def test_an_annotated_picture_changes_with_the_case_and_is_drawn_once(client, keep, device):
    case = await keep()
    url = f"/cases/{case['id']}/image?variant=annotated"
    first = await client.get(url)
    drawn = []
    device.vision.annotate = lambda *a: drawn.append(a)
    again = await client.get(url)
    assert await again.read() == await first.read()
    assert not drawn
    del device.vision.annotate
    await client.post(f"/cases/{case['id']}/reject", json={"reason": "glare"})
    assert (await client.get(url)).headers["ETag"] != first.headers["ETag"]


async def test_a_part_of_a_picture_can_be_asked_for(client, keep):
    case = await keep()
    answer = await client.get(f"/cases/{case['id']}/image", headers={"Range": "bytes=0-1"})
    assert (answer.status, await answer.read()) == (206, b"\xff\xd8")


@pytest.mark.parametrize("query", ["variant=huge", "n=-1", "n=x", "size=3"])
async def test_a_wrong_question_is_refused(client, keep, query):
    case = await keep()
    answer = await client.get(f"/cases/{case['id']}/image?{query}")
    assert (answer.status, (await answer.json())["error"]["code"]) == (422, "bad_field")


async def test_a_photo_the_case_does_not_have_is_a_404(client, keep):
    case = await keep()
    assert (await client.get(f"/cases/{case['id']}/image?n=1")).status == 404


async def test_a_lost_original_is_a_404_that_says_so(client, keep, device):
    case = await keep()
    (await device.store.image(case["id"])).path.unlink()
    for variant in ("original", "annotated"):
        answer = await client.get(f"/cases/{case['id']}/image?variant={variant}")
        assert answer.status == 404
        assert "photo" in (await answer.json())["error"]["message"]


def test_drawn_pictures_never_take_more_than_their_bytes():
    drawn = Drawn(100)
    for n in range(10):
        drawn.put(str(n), b"x" * 30)
    drawn.put("9", b"y" * 40)
    assert drawn.get("9") == b"y" * 40
    assert drawn.get("8") is not None
    assert drawn.get("6") is None
    drawn.put("huge", b"z" * 101)
    assert drawn.get("huge") is None
