from __future__ import annotations

import re
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge.api.app import build_app
from edge.errors import ConfigError, DiskFullError
from edge.uplink.make import NoUplink


async def test_the_daemon_says_that_it_is_alive(client):
    answer = await client.get("/ping")
    assert answer.status == 200
    assert (await answer.json())["status"] == "ok"


async def test_a_device_that_takes_photos_is_ready(client):
    answer = await client.get("/health")
    body = await answer.json()
    assert (answer.status, body["ready"], body["reason"], body["error"]) == (200, True, "", None)
    assert body["vision"]["models"][0]["ref"] == "vehicle-damage-detector@1.0.0"
    assert body["writer"]["engine"] == "template"
    assert body["disk"]["accepting"] is True


async def test_a_device_without_its_worker_is_not_and_says_why(client, device):
    device.vision.ready = False
    answer = await client.get("/health")
    body = await answer.json()
    assert (answer.status, body["ready"]) == (503, False)
    assert "the worker is starting" in body["reason"]
    assert body["error"]["code"] == "unavailable"


async def test_a_full_disk_is_the_reason(client, device, monkeypatch):
    full = replace(device.store.status(), accepting=False, free_bytes=1000)
    monkeypatch.setattr(device.store, "status", lambda: full)
    answer = await client.get("/health")
    assert (answer.status, (await answer.json())["error"]["code"]) == (503, "disk_full")


async def test_nothing_is_kept_on_a_full_disk_and_the_answer_says_so(client, upload, device):
    async def full(*_args):
        raise DiskFullError("The disk is full.", "Free some space.")

    device.store.add = full
    answer = await client.post("/cases", data=upload())
    assert (answer.status, (await answer.json())["error"]["code"]) == (507, "disk_full")


async def test_a_stalled_camera_is_a_warning_and_the_device_stays_ready(client, device):
    device.capture.photo = None
    answer = await client.get("/health")
    body = await answer.json()
    assert (answer.status, body["camera"]["ready"]) == (200, False)
    assert body["warnings"] == ["camera: it stalled"]


async def test_a_rebuilt_database_and_an_untrusted_clock_are_warnings(client, device, monkeypatch):
    status = device.store.status()
    opened = replace(status.opened, rebuilt=True, reason="it was missing")
    monkeypatch.setattr(device.store, "status", lambda: replace(status, opened=opened))
    device.clock.is_trusted = False
    warnings = (await (await client.get("/health")).json())["warnings"]
    assert any("it was missing" in w for w in warnings)
    assert any(w.startswith("clock") for w in warnings)


async def test_prometheus_can_read_the_figures(client, keep):
    await keep()
    await client.get("/nothing-at-all")
    answer = await client.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(await answer.text())
        for s in family.samples
    }

    def value(name, **labels):
        return samples[(f"edgecase_{name}", tuple(sorted(labels.items())))]

    assert value("cases", status="accepted") == 1
    assert value("http_requests_total", method="POST", route="/cases", status="201") == 1
    assert value("http_requests_total", method="other", route="unknown", status="404") == 1
    assert value("http_request_seconds_count", method="POST", route="/cases") == 1
    assert value("outbox_cases") == 1
    assert value("vision_jobs_total") == 1
    assert value("vision_restarts_total") == 0
    assert value("vision_queue") == 0
    assert value("disk_free_bytes") > 0


@pytest.mark.parametrize(("fault", "waits"), [("", False), ("The broker is away.", True)])
async def test_only_where_a_tower_is_set_does_anything_wait_for_it(
    serve, device, keep, fault, waits
):
    await keep()
    device.parts = replace(device.parts, uplink=NoUplink(fault))
    text = await (await (await serve()).get("/metrics")).text()
    (line,) = re.findall(r"^edgecase_outbox_oldest_timestamp_seconds (.+)$", text, re.MULTILINE)
    assert (float(line) > 0) is waits


async def test_made_up_addresses_and_ids_do_not_grow_the_figures(client):
    for n in range(30):
        await client.get(f"/made-up-{n}")
        await client.get(f"/cases/{n}")
    lines = (await (await client.get("/metrics")).text()).splitlines()
    requests = [line for line in lines if line.startswith("edgecase_http_requests_total")]
    assert len(requests) == 2


async def test_two_applications_count_for_themselves(serve):
    one, two = await serve(), await serve()
    await one.get("/ping")
    assert 'route="/ping"' in await (await one.get("/metrics")).text()
    assert 'route="/ping"' not in await (await two.get("/metrics")).text()


PROBLEM = ConfigError(
    "/etc/edgecase/edge.toml, line 3: there is no key http.prot (= 8000); did you mean http.port?",
    "Correct the file.",
)


@pytest.fixture
async def broken(device, aiohttp_client):
    return await aiohttp_client(build_app(replace(device.parts, config_problem=PROBLEM)))


@pytest.mark.parametrize("path", ["/health", "/cases", "/metrics", "/anything"])
async def test_with_broken_settings_every_answer_names_file_line_key_and_the_nearest(broken, path):
    answer = await broken.get(path)
    body = await answer.json()
    assert (answer.status, body["error"]["code"]) == (503, "config")
    for word in ("edge.toml", "line 3", "http.prot", "8000", "http.port"):
        assert word in body["error"]["message"]


async def test_with_broken_settings_the_page_shows_it_and_the_daemon_is_alive(broken):
    answer = await broken.get("/", headers={"Accept": "text/html"})
    text = await answer.text()
    assert answer.content_type == "text/html"
    assert "line 3" in text
    assert "http.port" in text
    assert (await broken.get("/ping")).status == 200
    assert (await broken.get("/static/app.css")).status == 200
    assert (await broken.get("/ping", headers={"Host": "evil.example"})).status == 421


async def test_what_stands_in_a_broken_file_is_not_html(device, aiohttp_client):
    problem = ConfigError("line 1: <script>alert(1)</script>")
    client = await aiohttp_client(build_app(replace(device.parts, config_problem=problem)))
    text = await (await client.get("/", headers={"Accept": "text/html"})).text()
    assert "<script>alert" not in text
