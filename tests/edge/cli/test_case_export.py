"""`edgecase cases export`: what a tower takes in, see tests/tower/ingest/test_folders.py."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.cli import case_export
from models.case import Status
from sync import portable
from sync.messages import Kind
from sync.payload import case_payload
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

    from models.case import Case
    from sync.portable import Manifest
    from tests.edge.cli.conftest import Cli


def add(data: Path, *numbers: int) -> list[Case]:
    async def work() -> list[Case]:
        async with opened(data) as store:
            return [(await store.add(draft([photo(n)], n), [photo(n)]))[0] for n in numbers]

    return asyncio.run(work())


def manifest(folder: Path) -> Manifest:
    with (folder / "manifest.jsonl").open() as file:
        return portable.read(file)


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGECASE_SYNC__DEVICE", "gate")


def test_the_manifest_names_the_very_bytes_that_the_uplink_would_send(
    cli: Cli, tmp_path: Path
) -> None:
    (case,) = add(tmp_path / "data", 1)
    out = tmp_path / "out"

    assert cli("cases", "export", out).code == 0

    found = manifest(out)
    assert found.device == "gate"
    payloads = {p.header.address.kind: (out / p.file).read_bytes() for p in found.pieces}
    assert payloads == {
        Kind.CASE: case_payload(case),
        Kind.THUMB: photo(1).thumbnail,
        Kind.IMAGE: photo(1).data,
    }
    assert {p.header.address.rev for p in found.pieces} == {1}


def test_a_photo_keeps_the_revision_that_it_was_queued_with(cli: Cli, tmp_path: Path) -> None:
    (case,) = add(tmp_path / "data", 1)

    async def revise() -> None:
        async with opened(tmp_path / "data") as store:
            await store.revise(case.id, lambda c: replace(c, status=Status.REJECTED))

    cli("cases", "export", tmp_path / "out")
    asyncio.run(revise())
    cli("cases", "export", tmp_path / "out")

    keys = [
        (p.header.address.kind, p.header.address.rev) for p in manifest(tmp_path / "out").pieces
    ]
    assert keys == [(Kind.THUMB, 1), (Kind.IMAGE, 1), (Kind.CASE, 1), (Kind.CASE, 2)]
    assert json.loads((tmp_path / "out" / case.id / "case.json").read_text())["rev"] == 2


def test_a_copy_that_is_interrupted_goes_on_where_it_was(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = add(tmp_path / "data", 1, 2, 3)
    out, real, left = tmp_path / "out", case_export._write, [4]

    def interrupted(*arguments: object) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        real(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(case_export, "_write", interrupted)
        assert cli("cases", "export", out).code == 130
    with (out / "manifest.jsonl").open("a") as file:
        file.write('{"case": "half a li')  # as a stick that was pulled out has it

    told = json.loads(cli("cases", "export", out, "--json").out)

    assert (told["new"], told["same"]) == (2, 1)
    found = manifest(out)
    assert len(found.pieces) == 9
    assert {p.header.address.case for p in found.pieces} == {case.id for case in cases}
    assert all((out / p.file).stat().st_size == p.header.size for p in found.pieces)


def test_a_file_that_went_missing_is_copied_again(cli: Cli, tmp_path: Path) -> None:
    (case,) = add(tmp_path / "data", 1)
    out = tmp_path / "out"
    cli("cases", "export", out)
    (out / case.id / "photo-1.jpg").unlink()

    cli("cases", "export", out)

    assert (out / case.id / "photo-1.jpg").read_bytes() == photo(1).data
    assert len(manifest(out).pieces) == 3


def test_deleted_cases_go_along_when_asked_for(cli: Cli, tmp_path: Path) -> None:
    (case,) = add(tmp_path / "data", 1)

    async def delete() -> None:
        async with opened(tmp_path / "data") as store:
            await store.delete(case.id)

    asyncio.run(delete())

    assert json.loads(cli("cases", "export", tmp_path / "a", "--json").out)["new"] == 0
    assert json.loads(cli("cases", "export", tmp_path / "b", "--deleted", "--json").out)["new"] == 1


def test_a_folder_of_another_device_is_left_alone(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(tmp_path / "data", 1)
    cli("cases", "export", tmp_path / "out")
    monkeypatch.setenv("EDGECASE_SYNC__DEVICE", "yard")

    ran = cli("cases", "export", tmp_path / "out")

    assert ran.code == 1
    assert "the cases of gate" in ran.err
