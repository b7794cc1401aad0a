"""TLS while the clock can be right, and while it can't."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sync.broker import Tls
from sync.errors import BadTransportError
from sync.handshake import Handshake
from tower_sync_server.fleet.certificates import (
    Authority,
    for_client,
    for_server,
    key_pem,
    new_authority,
    new_key,
    pem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime.now(UTC)
YEAR = timedelta(days=365)
HOST = "127.0.0.1"


@contextmanager
def server(
    folder: Path, by: Authority, since: datetime, *names: str, life: timedelta = YEAR
) -> Iterator[int]:
    """Shakes one hand with a certificate that begins at `since`; gives its port."""
    key = new_key()
    shown = for_server(by, names or [HOST], key.public_key(), since, life)
    path = folder / "server.pem"
    path.write_text(key_pem(key) + pem(shown))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with socket.create_server((HOST, 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, context))
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def _serve(listening: socket.socket, context: ssl.SSLContext) -> None:
    link, _ = listening.accept()
    with link:
        try:
            with context.wrap_socket(link, server_side=True) as secure:
                secure.recv(1)
        except OSError:
            pass


def known(folder: Path, by: Authority) -> Path:
    path = folder / "ca.pem"
    path.write_text(pem(by.certificate))
    return path


def reaches(port: int, ca: Path, passed: datetime | None) -> str:
    """ "" where the handshake works, otherwise why not."""
    context = Handshake(Tls(ca, passed=lambda: passed)).context()
    try:
        with (
            socket.create_connection((HOST, port), 5) as link,
            context.wrap_socket(link, server_hostname=HOST, do_handshake_on_connect=False) as tls,
        ):
            tls.do_handshake()
            assert tls.version() == "TLSv1.3"
    except ssl.SSLError as e:
        return str(e)
    return ""


@pytest.mark.parametrize(
    ("since", "passed", "expected"),
    [
        (NOW, None, ""),
        (NOW - 3 * YEAR, None, "expired"),
        (NOW + 3 * YEAR, None, "not yet valid"),
        # As to a clock in 1970: every certificate is one of the future.
        (NOW + 3 * YEAR, NOW, ""),
        (NOW + 3 * YEAR, NOW + 3.5 * YEAR, ""),
        (NOW + 3 * YEAR, NOW + 4.5 * YEAR, "expired"),
        # As to a clock in 2040: every certificate has expired.
        (NOW - 3 * YEAR, NOW - 2.5 * YEAR, ""),
        (NOW - 3 * YEAR, NOW, "expired"),
    ],
)
def test_a_certificate_is_judged_by_the_clock_or_by_what_has_surely_passed(
    tmp_path: Path, since: datetime, passed: datetime | None, expected: str
) -> None:
    by = new_authority("tower", NOW - 5 * YEAR)
    with server(tmp_path, by, since) as port:
        said = reaches(port, known(tmp_path, by), passed)

    assert expected in said if expected else said == ""


@pytest.mark.parametrize("passed", [None, NOW])
def test_a_foreign_broker_is_refused_whatever_the_clock_says(
    tmp_path: Path, passed: datetime | None
) -> None:
    own, foreign = new_authority("tower", NOW), new_authority("tower", NOW)
    with server(tmp_path, foreign, NOW) as port:
        assert "verify failed" in reaches(port, known(tmp_path, own), passed)


@pytest.mark.parametrize("passed", [None, NOW])
def test_another_machines_certificate_is_refused_whatever_the_clock_says(
    tmp_path: Path, passed: datetime | None
) -> None:
    by = new_authority("tower", NOW)
    with server(tmp_path, by, NOW, "192.0.2.7", "other.example") as port:
        assert "IP address mismatch" in reaches(port, known(tmp_path, by), passed)


@pytest.mark.parametrize("passed", [None, NOW])
def test_a_devices_certificate_is_no_brokers(tmp_path: Path, passed: datetime | None) -> None:
    by, key = new_authority("tower", NOW), new_key()
    path = tmp_path / "device.pem"
    path.write_text(key_pem(key) + pem(for_client(by, HOST, key.public_key(), NOW)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with socket.create_server((HOST, 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, context))
        thread.start()
        said = reaches(listening.getsockname()[1], known(tmp_path, by), passed)
        thread.join(10)

    assert "verify failed" in said


def test_an_authority_that_had_expired_vouches_for_nobody(tmp_path: Path) -> None:
    by = new_authority("tower", NOW - 19 * YEAR)
    with server(tmp_path, by, NOW, life=5 * YEAR) as port:
        assert "expired" in reaches(port, known(tmp_path, by), NOW + 2 * YEAR)


def test_the_question_is_asked_anew_at_every_connection(tmp_path: Path) -> None:
    answers = iter([None, NOW, None])
    by = new_authority("tower", NOW)
    made = Handshake(Tls(known(tmp_path, by), passed=lambda: next(answers)))

    believing, doubting, again = made.context(), made.context(), made.context()

    assert believing is again
    assert doubting is not believing


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_file_without_an_authority_is_said_to_be_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(text)
    with pytest.raises(BadTransportError, match="certificates can't be used"):
        Handshake(Tls(path))


def test_a_devices_certificate_is_no_authority(tmp_path: Path) -> None:
    by = new_authority("tower", NOW)
    path = tmp_path / "ca.pem"
    path.write_text(pem(for_client(by, "pi", new_key().public_key(), NOW)))
    with pytest.raises(BadTransportError, match="no authority"):
        Handshake(Tls(path))
