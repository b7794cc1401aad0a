"""`edgecase pair`: a token that works, shown once, kept as a hash."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

    from edge.store.tokens import Token
    from tests.edge.cli.conftest import Cli


def verified(data: Path, plain: str) -> Token | None:
    async def ask() -> Token | None:
        async with opened(data) as store:
            return await store.verify_token(plain)

    return asyncio.run(ask())


def test_the_token_opens_what_it_should_in_a_store_that_did_not_exist(
    cli: Cli, tmp_path: Path
) -> None:
    told = json.loads(cli("pair", "--name", "Ada's phone", "--json").out)
    token = verified(tmp_path / "data", told["token"])
    assert token is not None
    assert (token.name, [s.value for s in token.scopes]) == ("Ada's phone", ["view", "capture"])


def test_the_address_and_the_token_are_printed(cli: Cli) -> None:
    ran = cli("pair")
    assert ran.code == 0
    assert ran.out.startswith("http://127.0.0.1:8000/\ntoken: ")
    assert "not shown again" in ran.err
    assert "loopback" in ran.err


def test_on_a_network_the_address_is_the_hosts_name(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECASE_HTTP__HOST", "0.0.0.0")
    monkeypatch.setenv("EDGECASE_HTTP__AUTH", "token")
    monkeypatch.setattr("socket.gethostname", lambda: "garage")
    ran = cli("pair", "--scope", "admin")
    assert ran.out.startswith("http://garage.local:8000/\n")
    assert "loopback" not in ran.err


def test_the_token_itself_is_kept_nowhere(cli: Cli, tmp_path: Path) -> None:
    token = json.loads(cli("pair", "--json").out)["token"]
    files = [p for p in (tmp_path / "data").rglob("*") if p.is_file()]
    assert files
    assert [p for p in files if token.encode() in p.read_bytes()] == []


async def test_a_token_made_beside_a_running_daemon_works_at_once(cli: Cli, tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as store:
        ran = await asyncio.to_thread(cli, "pair", "--scope", "view", "--json")
        token = await store.verify_token(json.loads(ran.out)["token"])
    assert token is not None
    assert [s.value for s in token.scopes] == ["view"]


def test_an_unknown_scope_is_refused_with_the_known_ones(cli: Cli, tmp_path: Path) -> None:
    ran = cli("pair", "--scope", "root")
    assert ran.code == 1
    assert "view, capture, admin" in ran.err
    assert not (tmp_path / "data").exists()


def test_a_name_that_is_too_long_is_refused(cli: Cli) -> None:
    assert cli("pair", "--name", "x" * 65).code == 1


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_root_does_not_write_into_another_users_store(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 12345, 12345)
    ran = cli("pair")
    assert ran.code == 1
    assert "sudo -u '#12345'" in ran.err
    assert list((tmp_path / "data").iterdir()) == []
