"""A real tower with its default of asking who is there, over plain HTTP and over its own TLS."""

from __future__ import annotations

import http.cookiejar
import ipaddress
import json
import os
import ssl
import subprocess
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes.broker import free_port
from tests.fakes.towers import PROGRAM, Tower

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "correct horse battery"


class Person:
    """Somebody with a browser."""

    def __init__(self, base: str, trust: ssl.SSLContext | None = None) -> None:
        jar = http.cookiejar.CookieJar()
        handlers: list[Any] = [urllib.request.HTTPCookieProcessor(jar)]
        handlers += [urllib.request.HTTPSHandler(context=trust)] if trust else []
        self.jar = jar
        self._base = base
        self._opener = urllib.request.build_opener(*handlers)

    def ask(self, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        request = urllib.request.Request(self._base + path, data, {**kind, **headers})
        try:
            with self._opener.open(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as e:
            with e:
                return e.code, json.loads(e.read())


def users(tower: Tower, *words: str, given: str = "") -> str:
    """What `edgecase-tower users …` prints, run beside the tower."""
    done = subprocess.run(
        [PROGRAM, "users", *words],
        env={**os.environ, **tower._settings},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tower")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "tower.crt", folder / "tower.key"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, private


def started(folder: Path, more: dict[str, str]) -> Iterator[Tower]:
    """A tower without workers that asks who is there."""
    settings = {"EDGECASE_TOWER_HTTP__AUTH": "session", **more}
    running = Tower(folder / "tower", free_port(), workers=0, more=settings)
    log = (folder / "tower.log").open("wb")
    environ = {**os.environ, **running._settings}
    with log:
        running.process = subprocess.Popen([PROGRAM, "run"], env=environ, stdout=log, stderr=log)
    try:
        running.until(lambda: b"listening on" in (folder / "tower.log").read_bytes())
        yield running
    finally:
        running.kill()


@pytest.fixture
def tower(tmp_path: Path) -> Iterator[Tower]:
    yield from started(tmp_path, {})


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Tower]:
    """One that does TLS."""
    pem, key = certificate(tmp_path)
    more = {"EDGECASE_TOWER_HTTP__CERTIFICATE": str(pem), "EDGECASE_TOWER_HTTP__KEY": str(key)}
    yield from started(tmp_path, more)


def test_a_tower_is_closed_until_somebody_is_added_and_signs_in(tower: Tower) -> None:
    base = f"http://127.0.0.1:{tower.port}"
    eva = Person(base)
    assert eva.ask("/ping")[0] == 200
    assert eva.ask("/cases")[0] == 401
    assert "nobody may sign in yet" in (tower.folder.parent / "tower.log").read_text()

    assert "eva may sign in, as admin." in users(
        tower, "add", "Eva", "--role", "admin", given=f"{PASSWORD}\n"
    )
    assert eva.ask("/sign-in", {"user": "eva", "password": PASSWORD})[0] == 200
    assert eva.ask("/cases") == (200, {"cases": [], "next": None})
    token = users(tower, "token", "eva", "--label", "backup").strip()
    program = Person(base)
    assert program.ask("/audit", Authorization=f"Bearer {token}")[0] == 200

    users(tower, "password", "eva", given="quite another one\n")

    assert eva.ask("/cases")[0] == 401
    assert program.ask("/audit", Authorization=f"Bearer {token}")[0] == 401


def test_a_tower_does_tls_itself(sealed: Tower) -> None:
    made = users(sealed, "add", "eva")
    password = made.partition("The password is ")[2].split()[0]
    trust = ssl.create_default_context(cafile=str(sealed.folder.parent / "tower.crt"))
    eva = Person(f"https://127.0.0.1:{sealed.port}", trust)

    assert eva.ask("/sign-in", {"user": "eva", "password": password})[0] == 200

    (cookie,) = eva.jar
    assert (cookie.name, cookie.secure) == ("__Host-edgecase_tower", True)
    assert eva.ask("/cases")[0] == 200
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        Person(f"http://127.0.0.1:{sealed.port}").ask("/ping")


def test_a_key_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path)
    key.write_text("no key\n")
    environ = {
        **os.environ,
        "EDGECASE_TOWER_STORE__DATA_DIR": str(tmp_path / "tower"),
        "EDGECASE_TOWER_HTTP__PORT": str(free_port()),
        "EDGECASE_TOWER_INGEST__WORKERS": "0",
        "EDGECASE_TOWER_HTTP__CERTIFICATE": str(pem),
        "EDGECASE_TOWER_HTTP__KEY": str(key),
    }

    done = subprocess.run([PROGRAM, "run"], env=environ, capture_output=True, text=True, timeout=60)

    assert done.returncode == 2
    assert "http.certificate, http.key" in done.stderr
