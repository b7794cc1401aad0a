"""Blobs in a real S3: moto's server, in a process of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sync.messages import Busy, Stored
from tests.fakes.keeps import NOW, Bench
from tests.fakes.parcels import SentCase, noise, sha
from tests.fakes.s3 import BUCKET, S3, s3
from tower_sync_server.api.errors import errors
from tower_sync_server.api.pictures import send_blob
from tower_sync_server.archive import object_blobs
from tower_sync_server.archive.blobs import FolderBlobs
from tower_sync_server.archive.object_blobs import ObjectBlobs
from tower_sync_server.archive.scrub import Pace, Scrub
from tower_sync_server.config import StoreSettings
from tower_sync_server.errors import NotFoundError, OperatorError, UnavailableError
from tower_sync_server.migrations.upgrade import migrate
from tower_sync_server.parts import make_blobs, open_keep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tower_sync_server.archive.files import Draft


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with s3() as running:
        yield running


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def settings(server: S3, folder: Path) -> StoreSettings:
    url = f"s3://{BUCKET}/{folder.name}"
    return StoreSettings(data_dir=folder / "tower", blobs=url, blobs_endpoint=server.url)


@pytest.fixture
def blobs(server: S3, tmp_path: Path) -> ObjectBlobs:
    made = make_blobs(settings(server, tmp_path))
    assert isinstance(made, ObjectBlobs)
    made.open()
    return made


@pytest.fixture
def bench(server: S3, tmp_path: Path) -> Iterator[Bench]:
    keep = open_keep(settings(server, tmp_path))
    migrate(keep.engine)
    yield Bench(keep)
    keep.close()


def drafted(blobs: ObjectBlobs, data: bytes) -> Draft:
    draft = blobs.draft()
    draft.write(data)
    return draft


def test_a_blob_comes_back_as_it_went(blobs: ObjectBlobs, tmp_path: Path) -> None:
    payloads = [noise(size, size) for size in (0, 10, 100_000, 6_000_000)]

    blobs.publish([drafted(blobs, data) for data in payloads])

    assert [b"".join(blobs.read(sha(data))) for data in payloads] == payloads
    assert sorted(lying.sha256 for lying in blobs.every()) == sorted(map(sha, payloads))
    assert all(lying.age_s < 60 for lying in blobs.every())
    assert list((tmp_path / "tower" / "blobs" / "drafts").iterdir()) == []


def test_what_is_removed_is_gone_and_removing_twice_does_no_harm(blobs: ObjectBlobs) -> None:
    blobs.publish([drafted(blobs, b"x")])

    blobs.remove(sha(b"x"))
    blobs.remove(sha(b"x"))

    with pytest.raises(NotFoundError):
        next(blobs.read(sha(b"x")))


def test_an_object_that_rots_is_found_set_aside_and_held_again(
    bench: Bench, blobs: ObjectBlobs
) -> None:
    case, other = SentCase(photo=noise(150_000)), SentCase(seq=2, photo=noise(500, 9))
    bench.send(case)
    bench.send(other)
    rotten = case.photo[:-1] + bytes([case.photo[-1] ^ 1])
    blobs._fs.pipe_file(blobs._name(case.image), rotten)
    blobs._fs.rm_file(blobs._name(other.image))

    found = Scrub(bench.keep.engine, bench.keep.blobs, lambda: NOW, Pace(1e12)).run()

    assert dict(found.bad) == {"damaged": 1, "missing": 1}
    assert blobs._fs.cat_file(f"{blobs._root}/aside/{case.image}") == rotten
    assert {case.image, other.image} & {lying.sha256 for lying in blobs.every()} == set()
    for one in (case, other):
        assert isinstance([bench.say(chunk) for chunk in one.original().chunks()][-1], Stored)
    assert b"".join(blobs.read(case.image)) == case.photo
    assert bench.listing.damaged() == 0
    blobs.remove(case.image)
    assert not blobs._fs.exists(f"{blobs._root}/aside/{case.image}")


def test_an_object_that_is_not_what_was_sent_is_not_taken_for_durable(
    blobs: ObjectBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = blobs._fs.put_file

    def torn(source: str, name: str) -> None:
        real(source, name)
        blobs._fs.pipe_file(name, b"other bytes!")

    monkeypatch.setattr(blobs._fs, "put_file", torn)

    draft = drafted(blobs, b"these bytes!")

    with pytest.raises(UnavailableError, match="something else"):
        blobs.publish([draft])
    draft.discard()


def test_cases_are_taken_in_as_with_a_folder(bench: Bench) -> None:
    case = SentCase(photo=noise(150_000))

    answers = bench.send(case)

    assert [type(answer) for answer in answers] == [Stored] * 3
    assert b"".join(bench.keep.blobs.read(case.image)) == case.photo
    assert bench.listing.case(case.id, None).receipt.complete


def test_a_store_out_of_reach_acknowledges_nothing(tmp_path: Path) -> None:
    case = SentCase(photo=noise(1000))
    with s3() as gone:
        keep = open_keep(settings(gone, tmp_path))
        migrate(keep.engine)
        bench = Bench(keep)
        gone.stop()

        assert isinstance(bench.say(case.original().chunk(0)), Busy)

        gone.start()
        assert isinstance(bench.say(case.original().chunk(0)), Stored)
        keep.close()


@pytest.mark.parametrize("size", [10, 2_000_000])
async def test_pictures_are_sent_from_there_as_from_a_folder(
    blobs: ObjectBlobs, tmp_path: Path, size: int
) -> None:
    folder = FolderBlobs(tmp_path / "folder")
    folder.open()
    data = noise(size)
    for place in (blobs, folder):
        draft = place.draft()
        draft.write(data)
        place.publish([draft])

    async def send(request: web.Request) -> web.StreamResponse:
        place: Any = blobs if request.match_info["place"] == "s3" else folder
        headers = {"Content-Type": "image/jpeg"}
        return await send_blob(request, place, request.match_info["sha"], headers)

    app = web.Application(middlewares=[errors])
    app.router.add_get("/{place}/{sha}", send)
    async with TestClient(TestServer(app)) as client:
        for place in ("s3", "folder"):
            answer = await client.get(f"/{place}/{sha(data)}")
            assert (answer.status, answer.content_type) == (200, "image/jpeg")
            assert await answer.read() == data
            assert (await client.get(f"/{place}/{sha(b'none')}")).status == 404


def test_a_missing_library_is_named_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "s3fs", None)

    with pytest.raises(OperatorError) as e:
        object_blobs.connect("s3://bucket/x", {})

    assert "pip install 'edgecase[tower,s3]'" in e.value.hint


def test_a_store_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"store\.blobs"):
        make_blobs(StoreSettings(data_dir=tmp_path, blobs="nosuch://x"))


def test_blobs_can_lie_in_another_folder(tmp_path: Path) -> None:
    made = make_blobs(StoreSettings(data_dir=tmp_path, blobs=str(tmp_path / "big")))

    assert made.path("ab" * 32) == tmp_path / "big" / "ab" / ("ab" * 32)
