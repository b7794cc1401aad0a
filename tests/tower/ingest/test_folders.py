"""A device's archive that comes as a folder, and what came of the same cases over the link."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from edge.cli.case_export import export_cases
from edge.cli.case_reader import CaseReader
from edge.store.listing import Filter as EdgeFilter
from models.case import SyncPhase
from sync.messages import Reject, Stored
from tests.fakes.archives import export
from tests.fakes.drafts import draft, photo
from tests.fakes.keeps import Bench, opened
from tests.fakes.parcels import SentCase, noise
from tests.fakes.stores import opened as opened_store
from tower_sync_server.archive.listing import Filter
from tower_sync_server.errors import BadRequestError, UnavailableError
from tower_sync_server.ingest.folders import Result, Told, take_in
from tower_sync_server.ingest.ingest import Limits

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def cases() -> list[SentCase]:
    """One whose photo is a single chunk, one of three, one of many."""
    sizes = (1_000, 150_000, 1_500_000)
    return [SentCase(seq=n + 1, photo=noise(size, n)) for n, size in enumerate(sizes)]


def results(bench: Bench, folder: Path) -> dict[str, Result]:
    return {case.id: case.result for case in take_in(folder, bench.ingest).cases}


def whole(bench: Bench, case: SentCase) -> bool:
    entry = bench.listing.case(case.id, None)
    body = {k: v for k, v in entry.body.items() if k != "device"}
    held = b"".join(bench.keep.blobs.read(case.image)) == case.photo
    sent = {k: v for k, v in case.body().items() if k != "device"}
    return held and entry.receipt.complete and body == sent


def test_everything_of_a_folder_is_held_byte_for_byte(
    bench: Bench, tmp_path: Path, cases: list[SentCase]
) -> None:
    taken = take_in(export(tmp_path / "out", cases), bench.ingest)

    assert (taken.device, taken.count()) == ("gate", {Result.STORED: 3})
    assert all(whole(bench, case) for case in cases)
    assert list((tmp_path / "tower" / "spool").iterdir()) == []


def test_a_second_time_everything_is_there_already(
    bench: Bench, tmp_path: Path, cases: list[SentCase]
) -> None:
    folder = export(tmp_path / "out", cases)
    take_in(folder, bench.ingest)

    assert set(results(bench, folder).values()) == {Result.ALREADY}
    assert len(bench.listing.page(Filter(), None, 10).entries) == 3


def test_what_came_over_the_link_and_by_folder_in_any_mixture_is_held_once(
    bench: Bench, tmp_path: Path, cases: list[SentCase]
) -> None:
    one, two, three = cases
    bench.send(one)  # all of it came over the link
    for parcel in two.parcels()[:2]:
        bench.say(parcel.chunk(0))
    bench.say(two.original().chunk(1))  # a piece of its photo

    found = results(bench, export(tmp_path / "out", cases))

    assert found == {one.id: Result.ALREADY, two.id: Result.STORED, three.id: Result.STORED}
    assert all(whole(bench, case) for case in cases)
    answers = [answer for case in cases for answer in bench.send(case)]
    assert {type(answer) for answer in answers} == {Stored}
    (device,) = bench.listing.devices()
    assert (device.cases, device.gaps, device.quarantined) == (3, 0, 0)


def test_other_bytes_under_a_known_key_go_to_quarantine_as_over_the_link(
    bench: Bench, tmp_path: Path
) -> None:
    case = SentCase()
    bench.send(case)
    other = SentCase(id=case.id, photo=case.photo, thumb=case.thumb, more={"status": "rejected"})

    (told,) = take_in(export(tmp_path / "out", [other]), bench.ingest).cases

    assert told.result is Result.REJECTED
    assert "conflict" in told.reasons[0]
    assert bench.listing.quarantined() == 1
    assert isinstance(bench.say(other.case().chunk(0)), Reject)


def damaged(folder: Path, case: SentCase, how: str) -> None:
    path = folder / case.id / "photo-1.jpg"
    data = path.read_bytes()
    match how:
        case "gone":
            path.unlink()
        case "short":
            path.write_bytes(data[:-1])
        case "changed":
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        case "link":
            path.unlink()
            path.symlink_to("/etc/hostname")
        case "pipe":
            path.unlink()
            os.mkfifo(path)


@pytest.mark.parametrize("how", ["gone", "short", "changed", "link", "pipe"])
def test_a_photo_that_is_not_what_its_line_says_is_rejected_and_the_others_are_not(
    tmp_path: Path, cases: list[SentCase], how: str
) -> None:
    folder = export(tmp_path / "out", cases)
    damaged(folder, cases[1], how)

    with opened(tmp_path / "tower") as keep:
        found = Bench(keep)
        kinds = results(found, folder)
        assert not keep.blobs.path(cases[1].image).exists()  # type: ignore[union-attr]

    assert Counter(kinds.values()) == {Result.STORED: 2, Result.REJECTED: 1}
    assert kinds[cases[1].id] is Result.REJECTED


def test_a_full_tower_says_so_and_goes_on_later(tmp_path: Path, cases: list[SentCase]) -> None:
    folder = export(tmp_path / "out", cases)
    with opened(tmp_path / "tower") as keep:
        full = Bench(keep, Limits(image_bytes=2_000_000, min_free_bytes=1 << 60))
        with pytest.raises(UnavailableError):
            take_in(folder, full.ingest)

        assert results(Bench(keep), folder) == dict.fromkeys(
            (case.id for case in cases), Result.STORED
        )


def test_what_was_told_of_is_held_whatever_happens_then(
    tmp_path: Path, cases: list[SentCase]
) -> None:
    folder = export(tmp_path / "out", cases)
    seen: list[Told] = []

    def tell(told: Told) -> None:
        seen.append(told)
        if len(seen) == 4:
            raise KeyboardInterrupt

    with opened(tmp_path / "tower") as keep, pytest.raises(KeyboardInterrupt):
        take_in(folder, Bench(keep).ingest, tell)
    with opened(tmp_path / "tower") as keep:
        bench = Bench(keep)
        known = keep.archive.known([("gate", told.piece.header.address) for told in seen])
        assert [k.stored for k in known] == [told.piece.header.address.sha256 for told in seen]
        assert set(results(bench, folder)) == {case.id for case in cases}
        assert all(whole(bench, case) for case in cases)


@pytest.mark.parametrize("text", [None, "", "nonsense\n", '{"edgecase_archive": 1}\n', "\xff"])
def test_what_is_no_archive_is_refused(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "out").mkdir()
    if text is not None:
        (tmp_path / "out" / "manifest.jsonl").write_bytes(text.encode("latin-1"))

    with opened(tmp_path / "tower") as keep, pytest.raises(BadRequestError):
        take_in(tmp_path / "out", Bench(keep).ingest)


def test_a_devices_own_export_is_what_its_uplink_sends(tmp_path: Path) -> None:
    """From a real store: the folder first, the link after it has nothing left to bring."""

    async def prepare() -> list[Any]:
        async with opened_store(tmp_path / "device") as store:
            for number in (1, 2, 3):
                one = photo(number, 200_000)
                await store.add(draft([one], number), [one])
            found = await store.waiting(set(), 100)
            return list(found.more)

    outbox = asyncio.run(prepare())
    with CaseReader(tmp_path / "device") as reader:
        exported = export_cases(
            reader.every(EdgeFilter()), reader.parcels, tmp_path / "out", "gate"
        )
    assert exported.new == 3
    with opened(tmp_path / "tower") as keep:
        bench = Bench(keep)
        taken = take_in(tmp_path / "out", bench.ingest)
        rows = [
            (row.case_id, row.rev, row.kind, row.image, row.sha256, row.size, row.media_type)
            for row in _rows(bench)
        ]

    assert taken.count() == {Result.STORED: 3}
    assert sorted(rows) == sorted(
        (p.case_id, p.rev, p.kind.value, p.sha256, c.sha256, c.size, c.media_type)
        for p, c in outbox
    )
    assert SyncPhase.QUEUED  # the device still thinks so, and may send it all again


def _rows(bench: Bench) -> list[Any]:
    import sqlalchemy as sa

    from tower_sync_server.archive.tables import parcels

    with bench.keep.engine.connect() as db:
        return list(db.execute(sa.select(parcels)))


def test_the_command_says_what_became_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from typer.testing import CliRunner

    from tower_sync_server.cli.app import app

    case = SentCase()
    folder = export(tmp_path / "out", [case])
    monkeypatch.setenv("EDGECASE_TOWER_STORE__DATA_DIR", str(tmp_path / "tower"))
    monkeypatch.setenv("EDGECASE_TOWER_STORE__MIN_FREE_MB", "0")

    first = CliRunner().invoke(app, ["ingest", str(folder)])
    second = CliRunner().invoke(app, ["ingest", str(folder), "--json"])

    assert first.output.strip() == "gate: 1 cases taken in, 0 already there, 0 rejected"
    assert json.loads(second.output)["cases"] == [
        {"id": case.id, "result": "already", "reasons": []}
    ]
