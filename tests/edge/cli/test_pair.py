"""`edgecase pair`: a token that works, shown once, kept as a hash."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import TYPE_CHECKING

import pytest

from edge.adapters.clock import SystemClock
from edge.identity import identify
from edge.pairing.desk import Desk
from edge.pairing.window import Moment
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


def test_the_address_the_code_and_the_qr_code_are_printed_and_no_token(
    cli: Cli, tmp_path: Path
) -> None:
    ran = cli("pair")
    assert ran.code == 0
    assert "http://127.0.0.1:8000/pair" in ran.out
    assert re.search(r"Code   [0-9A-Z]{4}-[0-9A-Z]{4}", ran.out)
    assert "█" in ran.out
    assert "loopback" in ran.err
    assert asyncio.run(_tokens(tmp_path / "data")) == ()


async def _tokens(data: Path) -> tuple[Token, ...]:
    async with opened(data) as store:
        return await store.tokens()


async def test_a_running_daemon_takes_the_code_at_once(cli: Cli, tmp_path: Path) -> None:
    async with opened(tmp_path / "data") as store:
        desk = Desk(store, lambda: Moment(identify("").boot, SystemClock().monotonic()))
        ran = await asyncio.to_thread(cli, "pair", "--name", "Ada", "--scope", "view")
        code = re.search(r"Code   (\S+)", ran.out)
        assert code
        _, token = await desk.pair(code.group(1), "")
    assert (token.name, [s.value for s in token.scopes]) == ("Ada", ["view"])


def test_a_token_can_be_had_without_a_window(cli: Cli) -> None:
    ran = cli("pair", "--token")
    assert ran.out.startswith("http://127.0.0.1:8000/\ntoken: ")
    assert "not shown again" in ran.err


def test_on_a_network_the_hosts_name_is_among_the_addresses(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECASE_HTTP__HOST", "0.0.0.0")
    monkeypatch.setenv("EDGECASE_HTTP__AUTH", "token")
    monkeypatch.setattr("socket.gethostname", lambda: "garage")
    ran = cli("pair", "--scope", "admin", "--json")
    addresses = json.loads(ran.out)["addresses"]
    assert "http://garage.local:8000/" in addresses
    assert any("edgecase-" in address for address in addresses)
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
