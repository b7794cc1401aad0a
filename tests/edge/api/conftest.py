from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from tests.fakes.device import a_device
from tests.fakes.vision import picture

MEMORY = Path("/dev/shm")


@pytest.fixture
def data_dir(tmp_path):
    """In memory where there is such a place: these tests are about HTTP and not about disks."""
    if not MEMORY.is_dir():
        yield tmp_path / "data"
        return
    with TemporaryDirectory(dir=MEMORY, prefix="edgecase-test-") as folder:
        yield Path(folder) / "data"


@pytest.fixture
async def device(data_dir):
    async with a_device(data_dir) as made:
        yield made


@pytest.fixture
async def serve(device):
    """Starts the application with these `[http]` settings and gives a client for it."""
    clients = []

    async def start(**http):
        client = TestClient(TestServer(device.app(**http)))
        await client.start_server()
        clients.append(client)
        return client

    yield start
    for client in clients:
        await client.close()


@pytest.fixture
async def client(serve):
    return await serve()


@pytest.fixture
def upload():
    """A multipart body with a photo, and whatever else."""

    def make(image=None, **fields):
        data = FormData()
        name = fields.pop("filename", "../../etc/passwd")
        photo = picture() if image is None else image
        data.add_field("image", photo, filename=name, content_type="image/jpeg")
        for key, value in fields.items():
            data.add_field(key, value)
        return data

    return make


@pytest.fixture
def keep(client, upload):
    """Makes a case and gives its JSON."""

    async def make(seed=0, **fields):
        answer = await client.post("/cases", data=upload(picture(seed=seed), **fields))
        assert answer.status == 201, await answer.text()
        return await answer.json()

    return make
