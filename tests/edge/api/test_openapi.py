from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge.api import static
from edge.api.operation import OPERATION
from tests.fakes.vision import blurred_picture, picture

VENDOR = static.FOLDER / "vendor"


@pytest.fixture
async def document(client):
    answer = await client.get("/openapi.json")
    assert answer.status == 200
    return await answer.json()


CONTRACT = """
GET /ping, GET /health, GET /metrics, GET /docs, GET /openapi.json, POST /check-image, POST /cases,
GET /cases, GET /cases/{id}, GET /cases/{id}/image, POST /cases/{id}/reject, POST /cases/reject,
POST /cases/{id}/feedback, DELETE /cases/{id}, POST /cases/{id}/restore, GET /events, POST /yolo,
POST /llm, GET /models, POST /models/reload, GET /sync, POST /capture, GET /, GET /history,
GET /history/{id}
"""


async def test_the_whole_contract_is_there(document):
    there = {f"{m.upper()} {p}" for p, ops in document["paths"].items() for m in ops}
    assert {line.strip() for line in CONTRACT.split(",")} <= there


async def test_every_route_of_the_application_is_described(client, document):
    for resource in client.app.router.resources():
        for route in resource:
            op = client.app[OPERATION][route]
            assert op.method.lower() in document["paths"][op.address], resource


async def test_every_operation_says_what_it_answers_and_takes(document):
    for path, operations in document["paths"].items():
        for method, op in operations.items():
            where = f"{method} {path}"
            assert op["summary"], where
            assert any(code[0] in "23" for code in op["responses"]), where
            assert "default" in op["responses"], where
            for reply in op["responses"].values():
                assert reply["description"], where
                for content in reply.get("content", {}).values():
                    assert content["schema"], where
            for name in re.findall(r"{(\w+)}", path):
                assert any(p["name"] == name and p["in"] == "path" for p in op["parameters"])
            for content in op.get("requestBody", {}).get("content", {}).values():
                assert content["schema"], where


async def test_every_reference_leads_somewhere(document):
    text = json.dumps(document)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in document["components"]["schemas"]
        Draft202012Validator.check_schema(document["components"]["schemas"][name])


async def test_fields_are_explained(document):
    case = document["components"]["schemas"]["Case"]["properties"]
    assert case["seq"]["description"] == "Per device, from 1, without gaps."
    assert document["components"]["schemas"]["CheckAnswer"]["properties"]["blur_score"][
        "description"
    ]


async def test_real_answers_fit_their_schemas(client, document, upload, keep):
    def check(path, method, status, body):
        reply = document["paths"][path][method]["responses"][str(status)]
        schema = reply["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(body)

    case = await keep(form='{"client": "Ada", "year": 1999}')
    for path in ("/ping", "/health", "/models", "/sync", "/cases"):
        check(path, "get", 200, await (await client.get(path)).json())
    check("/cases/{id}", "get", 200, await (await client.get(f"/cases/{case['id']}")).json())
    for photo in (picture(), blurred_picture()):
        answer = await client.post("/check-image", data=upload(photo))
        check("/check-image", "post", 200, await answer.json())
    check("/yolo", "post", 200, await (await client.post("/yolo", data=upload())).json())
    check("/cases/{id}", "get", 404, await (await client.get("/cases/x")).json())
    rejected = await client.post(f"/cases/{case['id']}/reject", json={"reason": "glare"})
    check("/cases/{id}/reject", "post", 200, await rejected.json())


async def test_the_documentation_asks_nobody_else_for_anything(client):
    page = await (await client.get("/docs")).text()
    for url in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert url.startswith("/static/"), url
        assert (await client.get(url)).status == 200, url


def test_what_is_vendored_is_what_was_published():
    rows = re.findall(
        r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (VENDOR / "README.md").read_text(), re.M
    )
    assert len(rows) == 5
    for name, digest in rows:
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name


def test_every_vendored_package_comes_with_its_licence():
    for folder in VENDOR.iterdir():
        if folder.is_dir():
            assert list(folder.glob("LICENSE*")), folder


async def test_only_files_of_the_pages_are_served(client, tmp_path):
    for path in ("/static/%2e%2e/app.py", "/static//etc/passwd", "/static/vendor", "/static/a%00"):
        assert (await client.get(path)).status == 404, path
    answer = await client.get("/static/app.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert Path(static.FOLDER / "app.js").read_bytes() == await answer.read()
    again = await client.get("/static/app.js", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
