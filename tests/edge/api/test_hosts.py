from __future__ import annotations

import pytest

from edge.api.hosts import host_name, is_ours

NAMES = frozenset({"shed-pi", "shed-pi.local", "garage.example"})


@pytest.mark.parametrize(
    "authority",
    [
        "127.0.0.1",
        "127.0.0.1:8000",
        "192.168.1.7:8000",
        "[::1]:8000",
        "[fe80::1]",
        "localhost",
        "LOCALHOST:8000",
        "shed-pi.local:8000",
        "Shed-Pi.local.",
        "garage.example",
    ],
)
def test_addresses_and_our_names_are_ours(authority):
    assert is_ours(authority, NAMES)


@pytest.mark.parametrize(
    "authority",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "shed-pi.local.evil.example",
        "evil.example#127.0.0.1",
        "127.0.0.1@evil.example",
        "[evil]",
        "",
    ],
)
def test_other_names_are_not(authority):
    assert not is_ours(authority, NAMES)


def test_a_name_is_taken_out_of_its_header():
    assert host_name("[::1]:8000") == "::1"
    assert host_name("Shed-Pi.local.:80") == "shed-pi.local"


async def test_a_rebound_name_is_refused_before_anything_else(client):
    answer = await client.get("/cases", headers={"Host": "evil.example"})
    assert (answer.status, (await answer.json())["error"]["code"]) == (421, "wrong_host")


async def test_a_configured_name_is_answered(serve):
    client = await serve(allowed_hosts=["garage.example"])
    assert (await client.get("/ping", headers={"Host": "garage.example:8000"})).status == 200
    assert (await client.get("/ping", headers={"Host": "other.example"})).status == 421
