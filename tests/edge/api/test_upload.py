from __future__ import annotations

import asyncio
import functools
import json

import pytest
from aiohttp import FormData

from edge.api.upload import limits
from tests.fakes.vision import picture

BOUNDARY = "XX"
PART = b'--XX\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
END = b"\r\n--XX--\r\n"

BAD_DISPOSITION = pytest.mark.filterwarnings("ignore::aiohttp.BadContentDispositionHeader")
"""aiohttp warns of these besides refusing them."""


def multipart(boundary=BOUNDARY):
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}


async def raw(client, head: bytes, body: bytes = b"", wait_s: float = 5) -> tuple[int, bytes]:
    """Sends these bytes and no more; gives status and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    host = f"Host: 127.0.0.1:{client.port}\r\n".encode()
    writer.write(head.replace(b"\r\n", b"\r\n" + host, 1) + body)
    try:
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), wait_s)
        status = int(answer.split()[1])
        length = [ln for ln in answer.split(b"\r\n") if ln.lower().startswith(b"content-length")]
        text = await asyncio.wait_for(reader.readexactly(int(length[0].split()[1])), wait_s)
        return status, text
    finally:
        writer.close()


async def test_a_body_over_the_limit_is_refused_before_it_is_read(serve):
    client = await serve(max_body_mb=1)
    head = (
        b"POST /cases HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=XX\r\n"
        b"Content-Length: 5000000000\r\n\r\n"
    )
    status, body = await raw(client, head)  # nothing of the five gigabytes is ever sent
    assert (status, json.loads(body)["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/check-image", "/cases", "/yolo", "/page/check"])
async def test_a_photo_over_the_limit_is_refused_while_it_is_read(serve, path):
    client = await serve(max_body_mb=1)

    async def endless():
        yield PART
        for _ in range(40):
            yield b"\xff" * 65536

    answer = await client.post(path, data=endless(), headers=multipart())
    assert (answer.status, (await answer.json())["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["/cases", "/llm", "/session", "/cases/reject"])
async def test_json_over_the_limit_is_refused(serve, path):
    client = await serve(max_body_mb=1)

    async def endless():
        for _ in range(40):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    answer = await client.post(path, data=endless(), headers=headers)
    assert (answer.status, (await answer.json())["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=XX", "application/json"])
async def test_a_body_that_never_ends_is_given_up(serve, monkeypatch, caplog, kind):
    monkeypatch.setattr("edge.api.app.limits", functools.partial(limits, body_s=0.3))
    client = await serve()
    head = f"POST /cases HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: 5000\r\n\r\n"

    status, body = await raw(client, head.encode(), PART)

    assert (status, json.loads(body)["error"]["code"]) == (408, "body_too_slow")
    assert not [line for line in caplog.records if line.levelname == "ERROR"]


async def test_a_client_that_asks_first_is_refused_before_it_sends(serve):
    client = await serve(max_body_mb=1)
    head = (
        b"POST /cases HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=XX\r\n"
        b"Expect: 100-continue\r\nContent-Length: 5000000\r\n\r\n"
    )
    status, _ = await raw(client, head)
    assert status == 413


@BAD_DISPOSITION
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--XX",
        b"--XX\r\n",
        PART[:30],
        PART,
        PART + picture(),
        PART + picture() + END[:5],
        b"no boundary at all",
        b"--YY\r\n\r\n--YY--\r\n",
        b"--XX\r\nContent-Disposition form-data\r\n\r\nx" + END,
        b"--XX\r\nContent-Type: image/jpeg\r\n\r\nx" + END,
        b'--XX\r\nContent-Disposition: form-data; name="image"\r\n'
        b"Content-Type: multipart/mixed; boundary=YY\r\n\r\n--YY--\r\n" + END,
    ],
)
async def test_a_multipart_body_that_is_cut_off_or_malformed_is_refused(client, body):
    answer = await client.post("/check-image", data=body, headers=multipart())
    assert answer.status in (400, 422), await answer.text()
    assert (await answer.json())["error"]["message"]


@BAD_DISPOSITION
@pytest.mark.parametrize("cut", [1, 10, 60, 200, 2000, -1, -4, -9])
async def test_a_cut_anywhere_makes_no_case(client, cut):
    whole = PART + picture() + END
    answer = await client.post("/cases", data=whole[:cut], headers=multipart())
    # The very last line break is not needed to know that all is there.
    assert answer.status in ((201, 400) if cut == -1 else (400, 422))


@pytest.mark.parametrize("boundary", ["", "x" * 500, '"'])
async def test_a_boundary_that_is_none_is_refused(client, boundary):
    answer = await client.post("/check-image", data=b"x", headers=multipart(boundary))
    assert answer.status == 400


async def test_a_client_that_goes_away_in_the_middle_harms_nobody(client):
    head = (
        b"POST /cases HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=XX\r\n"
        b"Content-Length: 100000\r\n\r\n"
    )
    with pytest.raises((TimeoutError, asyncio.IncompleteReadError)):
        await raw(client, head, PART, wait_s=0.2)
    assert (await client.get("/ping")).status == 200
    assert (await (await client.get("/cases")).json())["cases"] == []


async def test_names_of_files_are_never_used(client, upload, data_dir):
    for name in ("../../evil.jpg", "/etc/passwd", "CON", "x" * 3000):
        answer = await client.post("/cases", data=upload(filename=name))
        assert answer.status in (201, 400), name
    names = {path.name for path in data_dir.rglob("*") if path.is_file()}
    assert not {name for name in names if "evil" in name or "passwd" in name or "CON" in name}


async def test_too_many_photos_or_parts_are_refused(client, upload):
    data = upload()
    for _ in range(8):
        data.add_field("image", picture(), filename="b.jpg")
    assert (await client.post("/cases", data=data)).status == 422
    data = upload()
    for n in range(200):
        data.add_field(f"f{n}", "x")
    assert (await client.post("/cases", data=data)).status == 422


async def test_a_text_of_megabytes_is_refused(client, upload):
    answer = await client.post("/cases", data=upload(form=json.dumps({"notes": "x" * 500_000})))
    assert answer.status == 413


async def test_two_photos_where_one_is_looked_at_are_refused(client, upload):
    data = upload()
    data.add_field("image", picture(), filename="b.jpg")
    answer = await client.post("/check-image", data=data)
    assert (answer.status, (await answer.json())["error"]["code"]) == (422, "bad_field")


async def test_too_much_text_is_told_from_too_much_photo(client, upload):
    answer = await client.post("/check-image", data=upload(form="x" * 300_000))
    error = (await answer.json())["error"]
    assert answer.status == 413
    assert "fields beside the photo" in error["message"]


async def test_a_photo_in_another_field_is_told_where_it_goes(client):
    data = FormData()
    data.add_field("file", picture(), filename="a.jpg", content_type="image/jpeg")
    answer = await client.post("/check-image", data=data)
    error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (422, "bad_field")
    assert "`image`" in error["hint"]


@pytest.mark.parametrize("path", ["/check-image", "/cases", "/yolo"])
async def test_a_body_that_is_not_packed_as_it_says_is_refused(client, path):
    headers = {"Content-Encoding": "gzip", "Content-Type": "image/jpeg"}
    answer = await client.post(path, data=picture(), headers=headers)
    assert (answer.status, (await answer.json())["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("kind", ["image/jpg", "application/octet-stream", "image/png"])
async def test_a_bare_photo_is_read_whatever_kind_of_picture_it_is_said_to_be(client, kind):
    answer = await client.post("/check-image", data=picture(), headers={"Content-Type": kind})
    assert answer.status == 200
