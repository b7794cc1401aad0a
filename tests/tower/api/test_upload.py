"""POST /cases: the archive of a device that never gets a link."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from aiohttp import FormData

from sync.messages import Stored
from tests.fakes.archives import export
from tests.fakes.parcels import SentCase, noise
from tests.tower.api.conftest import served
from tower_sync_server.archive.tables import parcels
from tower_sync_server.people.words import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.fakes.keeps import Bench, Client
    from tests.fakes.towers_people import House

TAR = {"Content-Type": "application/x-tar"}


def packed(
    folder: Path,
    prefix: str = ".",
    change: Callable[[tarfile.TarInfo], tarfile.TarInfo | None] | None = None,
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, arcname=prefix, filter=change)
    return buffer.getvalue()


async def send(client: Client, data: bytes) -> tuple[int, Any]:
    answer = await client.post("/cases", data=io.BytesIO(data), headers=TAR)
    return answer.status, await answer.json()


def form(case: SentCase, device: str = "gate") -> FormData:
    data = FormData()
    data.add_field("device", device)
    data.add_field(
        "case", case.case().payload, filename="case.json", content_type="application/json"
    )
    data.add_field("image", io.BytesIO(case.photo), filename="a.jpg", content_type="image/jpeg")
    data.add_field("thumb", case.thumb, filename="t.jpg", content_type="image/jpeg")
    return data


@pytest.mark.parametrize("prefix", [".", "out"])
async def test_a_tar_of_an_archive_is_taken_in_once(
    client: Client, bench: Bench, tmp_path: Path, prefix: str
) -> None:
    cases = [SentCase(seq=n, photo=noise(150_000, n)) for n in (1, 2)]
    data = packed(export(tmp_path / "out", cases), prefix)

    status, told = await send(client, data)
    again = (await send(client, data))[1]

    assert (status, told["device"], told["stored"], told["rejected"]) == (200, "gate", 2, 0)
    assert again["already"] == 2
    assert {c["result"] for c in again["cases"]} == {"already"}
    for case in cases:
        assert b"".join(bench.keep.blobs.read(case.image)) == case.photo
        assert {type(answer) for answer in bench.send(case)} == {Stored}
    assert list((bench.keep.folder / "uploads").iterdir()) == []


async def test_one_case_in_parts_has_the_same_keys_as_over_the_link(
    client: Client, bench: Bench
) -> None:
    case = SentCase(photo=noise(150_000))

    answer = await client.post("/cases", data=form(case))

    assert (answer.status, (await answer.json())["stored"]) == (200, 1)
    assert {type(a) for a in bench.send(case)} == {Stored}
    with bench.keep.engine.connect() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(parcels)) == 3
    assert bench.listing.case(case.id, "gate").receipt.complete


async def test_other_bytes_are_rejected_with_the_reason(client: Client, bench: Bench) -> None:
    case = SentCase()
    bench.send(case)
    other = SentCase(id=case.id, photo=case.photo, thumb=case.thumb, more={"status": "rejected"})

    told = await (await client.post("/cases", data=form(other))).json()

    assert told["rejected"] == 1
    assert "conflict" in told["cases"][0]["reason"]
    assert bench.listing.quarantined() == 1


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/../../evil"])
async def test_a_name_that_leads_out_of_the_folder_is_refused(
    client: Client, bench: Bench, tmp_path: Path, name: str
) -> None:
    def rename(member: tarfile.TarInfo) -> tarfile.TarInfo:
        if member.name.endswith("photo-1.jpg"):
            member.name = name
        return member

    data = packed(export(tmp_path / "out", [SentCase()]), change=rename)

    status, told = await send(client, data)

    assert status == 400
    assert "leads out" in told["error"]["message"]
    assert bench.listing.counts() == {}
    assert not list(tmp_path.rglob("evil"))


async def test_links_and_other_peoples_files_are_left_alone(
    client: Client, bench: Bench, tmp_path: Path
) -> None:
    case = SentCase()
    folder = export(tmp_path / "out", [case])
    (folder / case.id / "photo-1.jpg").unlink()
    (folder / case.id / "photo-1.jpg").symlink_to("/etc/hostname")
    (folder / "notes.txt").write_text("of a person")

    told = (await send(client, packed(folder)))[1]

    assert told["cases"][0]["result"] == "rejected"
    assert not bench.keep.blobs.file(case.image).exists()  # type: ignore[attr-defined]


@pytest.mark.parametrize("data", [b"", b"nonsense" * 1000, b"\0" * 10240])
async def test_what_is_no_tar_of_an_archive_is_refused(client: Client, data: bytes) -> None:
    status, told = await send(client, data)

    assert (status, told["error"]["code"]) == (400, "bad_request")


async def test_a_tar_that_breaks_off_loses_nothing_and_is_done_with_later(
    client: Client, bench: Bench, tmp_path: Path
) -> None:
    case = SentCase(photo=noise(400_000))
    data = packed(export(tmp_path / "out", [case]))

    status, _ = await send(client, data[:300_000])
    told = (await send(client, data))[1]

    assert (status, told["stored"]) == (400, 1)


async def test_more_than_is_taken_at_once_is_refused(client: Client, tmp_path: Path) -> None:
    case = SentCase(photo=noise(6_000_000))

    status, told = await send(client, packed(export(tmp_path / "out", [case])))
    parts = await client.post("/cases", data=form(case))

    assert (status, told["error"]["code"], parts.status) == (413, "body_too_large", 413)


@pytest.mark.parametrize(
    ("name", "more"),
    [("device", {}), ("nothing", {}), ("image", {"content_type": "text/html", "filename": "x"})],
)
async def test_parts_that_are_none_of_a_case_are_refused(
    client: Client, name: str, more: dict[str, str]
) -> None:
    data = form(SentCase(), device="gate" if name != "device" else "../x")
    if name != "device":
        data.add_field(name, b"x", **{"filename": "x", **more})

    answer = await client.post("/cases", data=data)

    assert answer.status in (400, 422)


DEVICE = b'--b\r\nContent-Disposition: form-data; name="device"\r\n'
CASE = b'--b\r\nContent-Disposition: form-data; name="case"\r\n'


@pytest.mark.parametrize(
    ("boundary", "body"),
    [
        ("", b"x"),
        ("; boundary=", b"x"),
        ("; boundary=" + "b" * 100, b"x"),
        ("; boundary=b", b""),
        ("; boundary=b", b"--c\r\n\r\nx\r\n--c--\r\n"),
        ("; boundary=b", b"--b\r\nContent-Dispo"),
        ("; boundary=b", CASE + b"\r\nhalf a case"),
        ("; boundary=b", b"--b\r\nX: " + b"a" * 100_000 + b"\r\n\r\nx\r\n--b--\r\n"),
        ("; boundary=b", b"--b\r\n" + b"X: a\r\n" * 20_000 + b"\r\nx\r\n--b--\r\n"),
        ("; boundary=b", b"--b\r\nno colon\r\n\r\nx\r\n--b--\r\n"),
        ("; boundary=b", b"--b\r\nContent-Type: multipart/mixed\r\n\r\nx\r\n--b--\r\n"),
        ("; boundary=b", DEVICE + b"\r\ngate\r\n--b--\r\n"),
        ("; boundary=b", CASE + b"Content-Encoding: gzip\r\n\r\nx\r\n--b--\r\n"),
        ("; boundary=b", CASE + b"Content-Length: -5\r\n\r\nx\r\n--b--\r\n"),
    ],
)
async def test_a_body_that_is_cut_off_or_malformed_is_refused(
    client: Client, boundary: str, body: bytes
) -> None:
    headers = {"Content-Type": f"multipart/form-data{boundary}"}
    answer = await client.post("/cases", data=body, headers=headers)
    assert answer.status in (400, 422), await answer.text()


async def test_something_else_is_no_archive(client: Client) -> None:
    answer = await client.post("/cases", json={})

    assert answer.status == 415


async def test_only_an_admin_may_and_it_is_noted_who_did(house: House) -> None:
    case = SentCase()
    async with served(house, ask=True) as client:
        codes = []
        for role in (None, Role.REVIEWER, Role.ADMIN):
            token = {"Authorization": f"Bearer {house.token(role)}"} if role else {}
            codes.append((await client.post("/cases", data=form(case), headers=token)).status)

    assert codes == [401, 403, 200]
    newest = house.audit.page(None, 1)[0]
    assert (newest.action, newest.target, newest.who) == ("upload", "gate", "a-admin")
    assert newest.detail == "1 stored, 0 already, 0 rejected"
