"""What is sent to whoever helps: enough to see what is wrong, and nothing that is somebody's."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from edge.cli.app import app
from edge.doctor import bundle as packing
from edge.doctor.bundle import bundle, masked, pack, scrubbed
from edge.doctor.findings import fine
from edge.doctor.parts import settings
from edge.settings.file import read
from tests.fakes.drafts import draft, photo
from tests.fakes.stores import opened

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "k3Fz-9QwLr7TtYpXa2Vb8NnMm4CcDd6EeSsGgHhJjKl"  # 43 letters, as a phone's


def settings_with_secrets(tmp_path: Path) -> Path:
    file = tmp_path / "edge.toml"
    file.write_text(
        f'[store]\ndata_dir = "{tmp_path / "data"}"\n'
        '[home_assistant]\nhost = "ha.local"\nuser = "ada-lovelace"\n'
        f'password_file = "{tmp_path / "password"}"\n'
    )
    (tmp_path / "password").write_text("correct horse battery staple")
    return file


def names(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]


async def test_nothing_that_is_somebodys_is_in_it(tmp_path: Path) -> None:
    one = photo(1)
    async with opened(tmp_path / "data") as store:
        await store.add(draft([one], 1, form={"client": "Grace Hopper"}), [one])
        token, _ = await store.create_token("ada", ["view"])
    found = read(settings_with_secrets(tmp_path), {})
    log = f"pair at https://pi.local/pair#ABCD-2345 token: {token} Authorization: Bearer {TOKEN}"
    packed = pack(bundle([fine("disk", "well")], found, {"/sync": f"x {TOKEN}"}, log))

    whole = b"".join(names(packed).values())
    for secret in (token, TOKEN, "ABCD-2345", "Grace Hopper", "ada-lovelace", "correct horse"):
        assert secret.encode() not in whole
    assert one.data[:64] not in whole
    assert one.sha256.encode() not in whole


def test_what_helps_is_in_it(tmp_path: Path) -> None:
    found = read(settings_with_secrets(tmp_path), {})
    files = names(pack(bundle([fine("disk", "well")], found, {"/health": "{}"}, "a line")))
    inside = {name.removeprefix("edgecase-diagnostics/") for name in files}
    assert inside == {
        "doctor.json",
        "settings.json",
        "machine.json",
        "packages.txt",
        "store.json",
        "log.txt",
        "daemon-health.txt",
    }
    assert b"onnxruntime==" in files["edgecase-diagnostics/packages.txt"]
    assert json.loads(files["edgecase-diagnostics/doctor.json"])[0]["message"] == "well"


def test_of_an_address_only_the_host_stays_in_settings_findings_and_log(tmp_path: Path) -> None:
    url = "https://ada:hunter22@hooks.example:8443/services/T0/kJh8sLq2?key=zz9"
    file = tmp_path / "edge.toml"
    file.write_text(f'[webhooks]\nurl = "{url}"\n')
    found = [fine("webhook", f"{url} knows every case")]
    files = bundle(found, read(file, {}), {}, f"webhook {url}: refused")
    for name in ("doctor.json", "settings.json", "log.txt"):
        text = files[name].decode()
        assert "https://hooks.example:8443" in text
        assert not any(word in text for word in ("ada", "hunter22", "services", "kJh8sLq2", "zz9"))


def test_settings_keep_what_is_no_secret(tmp_path: Path) -> None:
    said = masked(read(settings_with_secrets(tmp_path), {}))
    assert said["settings"]["home_assistant"]["host"] == "ha.local"
    assert said["settings"]["home_assistant"]["user"] == "…"


def test_wrong_settings_are_told_without_their_secrets_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "edge.toml"
    file.write_text(
        '[webhooks]\nurll = "https://hooks.example/services/kJh8sLq2"\n'
        '[home_assistant]\npassword = "hunter22"\n'
    )
    found = read(file, {})
    assert set(masked(found)) == {"problems"}
    files = bundle(settings(found), found, {}, "")
    for name in ("doctor.json", "settings.json"):
        text = files[name].decode()
        assert "webhooks.urll" in text
        assert not any(word in text for word in ("kJh8sLq2", "hunter22"))


@pytest.mark.parametrize("plain", ["case 0b7c kept", "12 MB free", "worker 4711 serves"])
def test_plain_lines_of_the_log_stay(plain: str) -> None:
    assert scrubbed(plain) == plain


def test_the_command_writes_it_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def examined(_: object) -> list[object]:
        return [fine("disk", "well")]

    monkeypatch.setattr("edge.doctor.round.examine", examined)
    monkeypatch.setattr(packing, "read_log", lambda: "")
    out = tmp_path / "bundle.tar.gz"
    done = CliRunner().invoke(
        app, ["doctor", "--bundle", str(out), "--config", str(settings_with_secrets(tmp_path))]
    )
    assert done.exit_code == 0, done.output
    assert out.stat().st_mode & 0o077 == 0
    assert names(out.read_bytes())
