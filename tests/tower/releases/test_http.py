"""The repository over HTTP, as a stranger reads it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from tuf.ngclient import Updater

from models.offer import Offer
from models.rollout import ROLLOUT, Rollout, decode_rollout
from tests.tower.releases.shop import Shop, make_model
from tower_sync_server.api.errors import errors
from tower_sync_server.api.releases import ReleasesApi
from tower_sync_server.releases.work import Wish

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WEIGHTS = bytes(range(256)) * 4000


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path).begin_starter()
    shop.releases().add(make_model(tmp_path / "m", tail=WEIGHTS), Wish())
    return shop


@pytest.fixture
async def client(shop: Shop) -> AsyncIterator[TestClient[Any, Any]]:
    app = web.Application(middlewares=[errors])
    app.add_routes(ReleasesApi(shop.places.metadata, shop.places.targets).routes())
    async with TestClient(TestServer(app)) as client:
        yield client


def weights_of(shop: Shop) -> str:
    (path,) = shop.places.targets.rglob("*.model.gguf")
    return path.relative_to(shop.places.targets).as_posix()


async def test_pythons_own_client_fetches_a_model_with_nothing_but_the_first_root(
    shop: Shop, client: TestClient[Any, Any], tmp_path: Path
) -> None:
    base = str(client.make_url("/releases"))
    home = tmp_path / "stranger"
    (home / "targets").mkdir(parents=True)
    (home / "metadata").mkdir()

    def fetch() -> tuple[dict[str, bytes], Rollout]:
        updater = Updater(
            str(home / "metadata"),
            f"{base}/metadata/",
            str(home / "targets"),
            f"{base}/targets/",
            bootstrap=shop.first_root,
        )
        got = {}
        for name in ("model.toml", "model.gguf", "CARD.md"):
            info = updater.get_targetinfo(f"writer/1.0.0/{name}")
            assert info is not None
            got[name] = Path(updater.download_target(info)).read_bytes()
        rollout = updater.download_target(updater.get_targetinfo(ROLLOUT))
        return got, decode_rollout(Path(rollout).read_bytes())

    got, rollout = await asyncio.to_thread(fetch)
    assert got["model.gguf"].endswith(WEIGHTS)
    assert got["model.toml"] == (tmp_path / "m" / "model.toml").read_bytes()
    assert rollout == Rollout()


async def test_a_download_goes_on_where_it_was_cut(
    shop: Shop, client: TestClient[Any, Any]
) -> None:
    path = f"/releases/targets/{weights_of(shop)}"
    whole = await (await client.get(path)).read()
    begin = whole[:300_000]
    answer = await client.get(path, headers={"Range": f"bytes={len(begin)}-"})
    assert answer.status == 206
    assert begin + await answer.read() == whole
    past = await client.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert past.status == 416


async def test_what_did_not_change_is_not_sent_again(
    shop: Shop, client: TestClient[Any, Any], tmp_path: Path
) -> None:
    path = "/releases/metadata/timestamp.json"
    first = await client.get(path)
    tag = first.headers["ETag"]
    again = await client.get(path, headers={"If-None-Match": tag})
    assert (again.status, await again.read()) == (304, b"")
    shop.releases().add(make_model(tmp_path / "n", "1.1.0"), Wish())
    changed = await client.get(path, headers={"If-None-Match": tag})
    assert changed.status == 200
    assert changed.headers["ETag"] != tag


async def test_what_has_its_number_or_hash_in_its_name_is_kept_for_good(
    shop: Shop, client: TestClient[Any, Any]
) -> None:
    forever = [f"/releases/targets/{weights_of(shop)}", "/releases/metadata/1.root.json"]
    for path in forever:
        assert "immutable" in (await client.get(path)).headers["Cache-Control"]
    answer = await client.get("/releases/metadata/timestamp.json")
    assert answer.headers["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "metadata/2.root.json", "metadata/../../keys/root.pem", "metadata/..%2f..%2fkeys/root.pem",
        "metadata/%2e%2e/timestamp.json", "metadata/.timestamp.json.new", "metadata/",
        "metadata/root.pem", "targets/", "targets/writer", "targets/writer/1.0.0/model.gguf",
        "targets/%2e%2e/%2e%2e/keys/root.pem", "targets/../metadata/timestamp.json",
        "targets/" + "0" * 64 + ".rollout.json", "targets//etc/" + "0" * 64 + ".passwd",
        "targets/writer/1.0.0/" + "0" * 64 + ".%2e%2e%2fx", "targets/a%00b/" + "0" * 64 + ".x",
        "../keys/root.pem", "", "pending/1.targets.json",
    ],
)  # fmt: skip
async def test_nothing_else_is_there(shop: Shop, client: TestClient[Any, Any], path: str) -> None:
    from yarl import URL

    url = URL(str(client.make_url("/")) + f"releases/{path}", encoded=True)
    async with client.session.get(url) as answer:
        assert answer.status == 404
        assert (await answer.json())["error"]["code"] == "not_found"


async def test_a_file_that_waits_for_signatures_is_not_served(
    shop: Shop, client: TestClient[Any, Any], tmp_path: Path
) -> None:
    (shop.places.keys / "targets.pem").rename(tmp_path / "elsewhere.pem")
    added = shop.releases().add(make_model(tmp_path / "n", "1.1.0"), Wish())
    assert added.done.missing
    assert isinstance(added.offer, Offer)
    digest = added.offer.files[0].sha256
    answer = await client.get(f"/releases/targets/writer/1.1.0/{digest}.model.gguf")
    assert answer.status == 404
    assert (await client.get("/releases/metadata/3.targets.json")).status == 404


async def test_a_thousand_devices_cost_a_fraction_of_a_core(
    client: TestClient[Any, Any],
) -> None:
    """Processor time, and not wall time, so that a busy machine doesn't matter.

    The client here is in the same process, so this is more than the tower pays. A device asks for
    the next root, which isn't there, and for the timestamp.
    """
    devices, period_s, checks = 1000, 15 * 60, 200
    tag = (await client.get("/releases/metadata/timestamp.json")).headers["ETag"]
    before = time.process_time()
    for _ in range(checks):
        assert (await client.get("/releases/metadata/2.root.json")).status == 404
        headers = {"If-None-Match": tag}
        answer = await client.get("/releases/metadata/timestamp.json", headers=headers)
        assert answer.status == 304
    share = (time.process_time() - before) / checks * devices / period_s
    assert share <= 0.05
