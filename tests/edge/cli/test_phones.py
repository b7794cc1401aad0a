"""`edgecase phones`: who is paired, and taking that back beside a running daemon."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from edge.store.tokens import Scope
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.cli.conftest import Cli


async def test_a_phone_is_listed_and_revoked_under_a_running_daemon(
    cli: Cli, tmp_path: Path
) -> None:
    async with opened(tmp_path / "data") as store:
        plain, token = await store.create_token("Ada's phone", [Scope.VIEW])
        ran = await asyncio.to_thread(cli, "phones", "list")
        assert token.id in ran.out
        assert "Ada's phone" in ran.out
        assert (await asyncio.to_thread(cli, "phones", "revoke", token.id)).code == 0
        assert await store.verify_token(plain) is None


def test_the_list_for_programs_has_no_hashes(cli: Cli) -> None:
    cli("pair", "--json", "--name", "Bo")
    (told,) = json.loads(cli("phones", "list", "--json").out)["phones"]
    assert (told["name"], told["scopes"]) == ("Bo", ["view", "capture"])
    assert "hash" not in told


def test_listing_makes_no_store_where_there_is_none(cli: Cli, tmp_path: Path) -> None:
    ran = cli("phones", "list")
    assert "Nobody is paired" in ran.err
    assert not (tmp_path / "data").exists()


def test_revoking_nobody_is_an_error(cli: Cli) -> None:
    assert cli("phones", "revoke", "nobody").code == 1


def test_a_phone_gets_another_name(cli: Cli) -> None:
    cli("pair", "--json", "--name", "Bo")
    (told,) = json.loads(cli("phones", "list", "--json").out)["phones"]
    assert cli("phones", "rename", told["id"], "Cy").code == 0
    assert cli("phones", "rename", told["id"], "x" * 65).code == 1
    assert "Cy" in cli("phones", "list").out
