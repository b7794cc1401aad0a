"""`edgecase-tower release …` and `usb …`, as a person or a script uses them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from models.offer import STICK
from tests.tower.releases.shop import Stranger, make_model
from tower_sync_server.cli.app import app, main
from tower_sync_server.errors import TowerError

DOCS = Path(__file__).parents[3] / "docs" / "releases.md"


class Shell:
    """Runs commands on one tower; nobody is there to answer questions."""

    def __init__(self, home: Path, env: dict[str, str] | None = None) -> None:
        self.home = home
        self._env = {"EDGECASE_TOWER_STORE__DATA_DIR": str(home / "tower"), **(env or {})}
        self._runner = CliRunner()

    def run(self, *words: str | Path, code: int = 0) -> str:
        """The standard output."""
        result = self._runner.invoke(app, [str(word) for word in words], env=self._env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        self.said = result.stderr
        return result.stdout

    def json(self, *words: str | Path, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code))

    @property
    def served(self) -> Path:
        return self.home / "tower" / "releases" / "repository"

    def stranger(self, served: Path | None = None) -> Stranger:
        root = (self.served / "metadata" / "1.root.json").read_bytes()
        return Stranger(self.home / "stranger", root, served or self.served)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_three_commands_and_a_device_has_a_model_from_a_stick(shell: Shell, tmp_path: Path) -> None:
    shell.run("release", "init")
    assert "Starter mode" in shell.said
    shell.run("release", "add", make_model(tmp_path / "m"))
    shell.run("usb", "export", tmp_path / "usb")
    there = shell.stranger(tmp_path / "usb" / STICK)
    (offer,) = there.look()
    assert there.fetch(offer)["CARD.md"] == b"# A card\n"


def test_init_twice_is_as_good_as_once(shell: Shell) -> None:
    first = shell.json("release", "init")
    assert shell.json("release", "init") == first
    assert first["starter"] is True
    shell.run("release", "status")
    assert "Starter mode" in shell.said
    keys = shell.home / "tower" / "releases" / "keys"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700


def test_the_keys_folder_is_the_operators(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"EDGECASE_TOWER_RELEASES__KEYS_DIR": str(tmp_path / "safe")})
    shell.run("release", "init")
    assert (tmp_path / "safe" / "root.pem").exists()
    assert not (tmp_path / "tower" / "releases" / "keys").exists()


def test_a_release_goes_from_canary_to_all_and_back(shell: Shell, tmp_path: Path) -> None:
    shell.run("release", "init")
    for version in ("1.0.0", "1.1.0"):
        shell.run("release", "add", make_model(tmp_path / version, version), "--ring", "canary")

    def open_to() -> dict[str, Any]:
        return {o["version"]: o["open_to"] for o in shell.json("release", "status")["offers"]}

    assert open_to() == {"1.0.0": "canary", "1.1.0": "canary"}
    shell.run("release", "promote", "writer", "1.1.0", "--ring", "early")
    assert open_to()["1.1.0"] == "early"
    shell.run("release", "promote", "writer", "--ring", "all", "--step")
    assert open_to()["1.1.0"] == "early"
    shell.run("release", "pause", "writer", "1.1.0", "--reason", "strange")
    assert open_to()["1.1.0"] is None
    shell.run("release", "resume", "writer", "1.1.0")
    assert "Taken back: writer@1.1.0" in shell.run("release", "rollback", "writer")
    assert open_to() == {"1.0.0": "canary", "1.1.0": None}
    shell.run("release", "blacklist", "writer", "1.1.0", "--undo")
    assert open_to()["1.1.0"] == "early"
    shell.run("release", "remove", "writer", "1.1.0")
    assert open_to() == {"1.0.0": "canary"}
    assert "writer" in shell.run("release", "status")


def test_two_people_sign_and_a_third_command_says_who_is_missing(
    shell: Shell, tmp_path: Path
) -> None:
    keys = {who: tmp_path / who for who in ("ann", "ben", "cleo")}
    for who, path in keys.items():
        shell.run("release", "keys", "new", path, "--name", who)
    public = [f"{path}.pub" for path in keys.values()]
    words = [w for path in public for w in ("--root", path, "--targets", path)]
    begun = shell.json("release", "init", *words, code=3)
    assert {one["role"] for one in begun["waiting"]} == {"root", "targets"}
    assert begun["starter"] is False
    shell.run("release", "sign", keys["ann"], code=3)
    assert "published" in shell.run("release", "sign", keys["ben"])

    model = make_model(tmp_path / "m")
    said = shell.json("release", "add", model, "--key", keys["ann"], code=3)
    assert said["waiting"][0]["count"] == 1
    assert {s.partition(" ")[0] for s in said["waiting"][0]["signers"]} == {"ben", "cleo"}
    shell.run("release", "status")
    assert "offers writer@1.0.0 up to ring canary" in shell.said
    assert shell.stranger().look() == ()

    copy = tmp_path / "mail.json"
    copy.write_bytes(Path(said["files"][0]).read_bytes())
    away = Shell(tmp_path / "desk")  # another machine, with no repository
    away.run("release", "sign", keys["cleo"], "--file", copy)
    digest = hashlib.sha256((model / "model.toml").read_bytes()).hexdigest()
    assert (
        f"offers writer@1.0.0 up to ring canary, {said['added'][0]['offer']['size']}" in away.said
    )
    assert digest in away.said  # what a person compares with their own copy
    shell.run("release", "take", copy)
    assert [o.ref for o in shell.stranger().look()] == ["writer@1.0.0"]


def test_a_starter_hands_over_to_people(shell: Shell, tmp_path: Path) -> None:
    shell.run("release", "init")
    for who in ("ann", "ben"):
        shell.run("release", "keys", "new", tmp_path / who, "--name", who)
    both = ["--to", tmp_path / "ann.pub", "--to", tmp_path / "ben.pub", "--threshold", "2"]
    sign = ["--key", tmp_path / "ann", "--key", tmp_path / "ben"]
    shell.run("release", "keys", "rotate", "targets", *both, *sign)
    shell.run("release", "keys", "rotate", "root", *both, "--key", tmp_path / "ann", code=3)
    shell.run("release", "status")
    assert "root is signed by 2 of ann" in shell.said
    shell.run("release", "sign", tmp_path / "ben")
    rows = shell.json("release", "keys", "list")
    assert {
        (r["role"], r["name"], r["here"]) for r in rows if r["role"] in ("root", "targets")
    } == {(role, who, "") for role in ("root", "targets") for who in ("ann", "ben")}
    assert all(r["threshold"] == 2 for r in rows if r["role"] == "targets")
    shell.run("release", "status")
    assert "Starter mode" not in shell.said
    shell.run("release", "add", make_model(tmp_path / "m"), code=3)
    shell.run("release", "abandon")
    shell.run("release", "add", tmp_path / "m", *sign)
    assert len(shell.stranger().look()) == 1


def test_online_keys_rotate_without_people_being_asked_in_starter_mode(shell: Shell) -> None:
    shell.run("release", "init")
    for role in ("snapshot", "timestamp", "rollout", "targets", "root"):
        before = {r["keyid"] for r in shell.json("release", "keys", "list")}
        shell.run("release", "keys", "rotate", role)
        after = {r["keyid"] for r in shell.json("release", "keys", "list")}
        assert len(before - after) == 1
        assert shell.stranger().look() == ()


def test_keys_are_added_and_removed_and_thresholds_set(shell: Shell, tmp_path: Path) -> None:
    shell.run("release", "init")
    shell.run("release", "keys", "new", tmp_path / "ann", "--name", "ann")
    shell.run("release", "keys", "add", "targets", tmp_path / "ann.pub")
    with pytest.raises(TowerError, match="has 2 keys, so 3"):
        shell.run("release", "keys", "threshold", "targets", "3")
    shell.run("release", "keys", "remove", "targets", "tower targets", "--key", tmp_path / "ann")
    with pytest.raises(TowerError, match="only key"):
        shell.run("release", "keys", "remove", "targets", "ann")
    with pytest.raises(TowerError, match="no role 'king'"):
        shell.run("release", "keys", "rotate", "king")


def test_encrypted_keys_open_with_a_file_or_the_environment(tmp_path: Path) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse\n")
    shell = Shell(tmp_path)
    shell.run("release", "init", "--passphrase-file", phrase)
    model = make_model(tmp_path / "m")
    shell.run("release", "add", model, code=3)  # shut: it waits
    shell.run("release", "abandon")
    shell.run("release", "add", model, "--passphrase-file", phrase)
    shell.run("release", "pause")  # the tower's own keys stay open
    by_env = Shell(tmp_path, {"EDGECASE_TOWER_PASSPHRASE": "correct horse"})
    by_env.run("release", "promote", "writer", "--ring", "early")
    phrase.write_text("")
    with pytest.raises(TowerError, match="empty"):
        shell.run("release", "add", model, "--passphrase-file", phrase)


def test_signatures_are_renewed(shell: Shell) -> None:
    shell.run("release", "init")
    shell.run("release", "renew")
    assert (shell.served / "metadata" / "2.root.json").exists()
    assert (shell.served / "metadata" / "2.targets.json").exists()
    assert shell.stranger().look() == ()


def test_packages_for_devices_are_signed(shell: Shell, tmp_path: Path) -> None:
    shell.run("release", "init")
    (tmp_path / "edgecase-1.0-py3-none-any.whl").write_bytes(b"x")
    assert "1 packages" in shell.run("release", "wheels", tmp_path)
    assert shell.json("usb", "export", tmp_path / "usb")["wheels"] == 1


def test_errors_come_with_a_hint_and_exit_code_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("EDGECASE_TOWER_STORE__DATA_DIR", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["edgecase-tower", "release", "status"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert "hint: Begin one: edgecase-tower release init" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder to somebody else")
@pytest.mark.root
def test_root_does_not_write_into_the_towers_own_folder(shell: Shell) -> None:
    shell.run("release", "init")
    os.chown(shell.home / "tower", 12345, -1)
    for words in (("init",), ("status",), ("pause",)):
        with pytest.raises(TowerError, match="belongs to user 12345") as caught:
            shell.run("release", *words)
        assert "sudo -u" in caught.value.hint


def commands() -> list[str]:
    """Every release and usb command, as it is written."""
    click = typer.main.get_command(app)
    found = []

    def walk(command: Any, words: str) -> None:
        for name, one in getattr(command, "commands", {}).items():
            if hasattr(one, "commands"):
                walk(one, f"{words} {name}")
            else:
                found.append(f"{words} {name}".strip())

    for name in ("release", "usb"):
        walk(click.commands[name], name)  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("command", commands())
def test_every_command_is_on_the_page(command: str) -> None:
    assert f"`{command}" in DOCS.read_text()
