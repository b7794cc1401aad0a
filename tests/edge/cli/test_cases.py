"""`edgecase cases …`, beside a store that is open."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from models.case import Status
from tests.fakes.drafts import draft, photo, to_review
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

    from models.case import Case
    from tests.edge.cli.conftest import Cli


@pytest.fixture
def stored(tmp_path: Path) -> list[Case]:
    """Three cases, oldest first; the second waits for a person."""

    async def fill() -> list[Case]:
        found = []
        async with opened(tmp_path / "data") as store:
            for number, make in enumerate((draft, to_review, draft), start=1):
                pictures = [photo(number), photo(10 * number)]
                case, _ = await store.add(make(pictures, number), pictures)
                found.append(case)
        return found

    return asyncio.run(fill())


def test_without_a_store_the_error_says_how_one_comes_to_be(cli: Cli, tmp_path: Path) -> None:
    ran = cli("cases", "list")
    assert ran.code == 1
    assert "edgecase run" in ran.err
    assert not (tmp_path / "data").exists()


def test_the_list_is_newest_first(cli: Cli, stored: list[Case]) -> None:
    ran = cli("cases", "list")
    order = [line.split()[0] for line in ran.out.splitlines()[1:]]
    assert order == [case.id[:8] for case in reversed(stored)]


def test_the_json_list_has_whole_cases_and_the_filters_hold(cli: Cli, stored: list[Case]) -> None:
    ran = cli("cases", "list", "--status", "needs_review", "--json")
    assert [case["id"] for case in json.loads(ran.out)] == [stored[1].id]
    assert json.loads(cli("cases", "list", "-q", "AB-0003", "--json").out)[0]["seq"] == 3
    assert json.loads(cli("cases", "list", "--label", "fire", "--json").out) == []
    assert len(json.loads(cli("cases", "list", "--limit", "2", "--json").out)) == 2
    assert len(json.loads(cli("cases", "list", "--since", "2026-11-20", "--json").out)) == 3
    assert json.loads(cli("cases", "list", "--since", "2030-01-01", "--json").out) == []


def test_an_unknown_status_is_wrong_usage(cli: Cli, stored: list[Case]) -> None:
    ran = cli("cases", "list", "--status", "lost")
    assert ran.code == 2
    assert "needs_review" in ran.err


def test_an_empty_list_says_so_on_standard_error(cli: Cli, stored: list[Case]) -> None:
    ran = cli("cases", "list", "--profile", "skin")
    assert (ran.code, ran.out.strip(), ran.err.strip()) == (0, "", "no cases")


def test_a_case_is_shown_by_the_beginning_of_its_id(cli: Cli, stored: list[Case]) -> None:
    ran = cli("cases", "show", stored[1].id[:12])
    assert ran.code == 0
    for part in (stored[1].id, "needs_review", "The lamp is not sure.", "plate: AB-0002", "dent"):
        assert part in ran.out
    assert ran.out.count("photo: ") == 2


def test_the_json_of_a_case_names_its_files(cli: Cli, stored: list[Case]) -> None:
    told = json.loads(cli("cases", "show", stored[0].id, "--json").out)
    assert told["id"] == stored[0].id
    assert told["files"][0].endswith(f"{stored[0].images[0].sha256}.jpg")


@pytest.mark.parametrize("name", ["../../etc", "zzzz", "%", "00", "*"])
def test_what_is_no_id_is_refused(cli: Cli, stored: list[Case], name: str) -> None:
    assert cli("cases", "show", name).code == 1


def test_an_id_that_nobody_has_is_not_found(cli: Cli, stored: list[Case]) -> None:
    ran = cli("cases", "show", "00000000-0000-0000-0000-000000000000")
    assert ran.code == 1
    assert "There is no case" in ran.err


def test_an_export_has_each_case_with_its_photos(
    cli: Cli, stored: list[Case], tmp_path: Path
) -> None:
    ran = cli("cases", "export", tmp_path / "out", "--json")
    assert json.loads(ran.out) == {
        "folder": str(tmp_path / "out"),
        "new": 3,
        "same": 0,
        "missing_photos": 0,
    }
    folder = tmp_path / "out" / stored[0].id
    photos = ["photo-1.jpg", "photo-2.jpg"]
    others = ["case.json", "revision-1.json", "thumb-1.jpg", "thumb-2.jpg"]
    assert sorted(p.name for p in folder.iterdir()) == sorted(photos + others)
    assert json.loads((folder / "case.json").read_text())["form"]["client"] == "Zoë"
    assert (folder / "photo-1.jpg").read_bytes() == photo(1).data


def test_a_second_export_adds_only_what_is_new(
    cli: Cli, stored: list[Case], tmp_path: Path
) -> None:
    cli("cases", "export", tmp_path / "out")
    (tmp_path / "out" / stored[0].id / "case.json").unlink()
    told = json.loads(cli("cases", "export", tmp_path / "out", "--json").out)
    assert (told["new"], told["same"]) == (1, 2)


def test_an_export_leaves_out_deleted_cases_and_says_what_is_missing(
    cli: Cli, stored: list[Case], tmp_path: Path
) -> None:
    async def delete() -> None:
        async with opened(tmp_path / "data") as store:
            assert (await store.delete(stored[0].id)).status is Status.DELETED

    asyncio.run(delete())
    sha = stored[1].images[0].sha256
    (tmp_path / "data" / "images" / sha[:2] / f"{sha}.jpg").unlink()
    told = json.loads(cli("cases", "export", tmp_path / "out", "--json").out)
    assert (told["new"], told["missing_photos"]) == (2, 1)


def test_an_export_to_where_nobody_may_write_is_an_error(
    cli: Cli, stored: list[Case], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    ran = cli("cases", "export", tmp_path / "file")
    assert ran.code == 1
    assert "can't be written" in ran.err


async def test_reading_works_while_the_daemon_has_the_store_open(cli: Cli, tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as store:
        case, _ = await store.add(draft([photo(1)]), [photo(1)])
        ran = await asyncio.to_thread(cli, "cases", "list", "--json")
    assert [c["id"] for c in json.loads(ran.out)] == [case.id]


def test_a_store_that_is_damaged_is_told_and_left_alone(
    cli: Cli, stored: list[Case], tmp_path: Path
) -> None:
    database = tmp_path / "data" / "cases.db"
    database.write_bytes(b"nonsense" * 1000)
    ran = cli("cases", "list")
    assert ran.code == 1
    assert "rebuilt when the daemon starts" in ran.err
    assert database.read_bytes() == b"nonsense" * 1000
