"""`edgecase models …`."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING

import pytest

from edge.cli.install_model import parse_answers
from edge.cli.reload import reload_daemon
from edge.config import HttpSettings, Settings, StoreSettings
from edge.errors import BadRequestError
from edge.updates.outcomes import Outcomes
from models.manifest_writer import write_manifest
from models.release import HeadLayout
from models.rollout import Result
from tests.fakes import tiny_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.edge.cli.conftest import Cli


@pytest.fixture(autouse=True)
def no_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGECASE_HTTP__PORT", "1")  # nothing listens there


def folder(path: Path, version: str) -> Path:
    weights = tiny_models.v8(path / "m.onnx")
    release = tiny_models.release_of(weights, head=HeadLayout.V8, id="tiny", version=version)
    write_manifest(path, release)
    return path


def bad_folder(path: Path, version: str) -> Path:
    """A model whose files look well, and that answers nonsense: only running it tells."""
    weights = tiny_models.v8(path / "m.onnx", normalised=True)
    release = tiny_models.release_of(weights, head=HeadLayout.V8, id="tiny", version=version)
    write_manifest(path, release)
    return path


def tiny(cli: Cli) -> dict[str, bool]:
    found = json.loads(cli("models", "list", "--json").out)["models"]
    return {m["version"]: m["active"] for m in found if m["id"] == "tiny"}


def test_install_activate_and_roll_back(cli: Cli, tmp_path: Path) -> None:
    assert (
        cli("models", "install", folder(tmp_path / "a", "1.0.0")).out == "tiny@1.0.0 is installed\n"
    )
    cli("models", "install", folder(tmp_path / "b", "1.1.0"))
    assert tiny(cli) == {"1.0.0": True, "1.1.0": False}
    assert cli("models", "activate", "tiny", "1.1.0").code == 0
    assert tiny(cli) == {"1.0.0": False, "1.1.0": True}
    ran = cli("models", "rollback", "tiny")
    assert ran.out == "tiny@1.0.0 is active\n"
    assert "from its next start" in ran.err
    assert tiny(cli) == {"1.0.0": True, "1.1.0": False}


def test_a_persons_word_for_a_released_version_is_noted(cli: Cli, tmp_path: Path) -> None:
    models = tmp_path / "data" / "models"
    assert cli("models", "install", str(folder(tmp_path / "a", "1.0.0"))).code == 0
    assert cli("models", "install", str(folder(tmp_path / "b", "1.1.0"))).code == 0
    outcomes = Outcomes(models)
    outcomes.note("tiny", "1.1.0", Result.WAITING)
    assert cli("models", "activate", "tiny", "1.1.0").code == 0
    assert cli("models", "activate", "tiny", "1.0.0").code == 0
    assert [(o.version, o.result) for o in outcomes.all()] == [("1.1.0", Result.ACTIVATED)]


def test_a_model_that_fails_its_trial_is_not_installed(cli: Cli, tmp_path: Path) -> None:
    ran = cli("models", "install", bad_folder(tmp_path / "a", "1.0.0"))
    assert ran.code == 1
    assert "is not taken: the boxes reach" in ran.err
    assert tiny(cli) == {}


def test_a_model_that_fails_its_trial_is_not_activated(cli: Cli, tmp_path: Path) -> None:
    cli("models", "install", folder(tmp_path / "a", "1.0.0"))
    cli("models", "activate", "tiny", "1.0.0")
    bad_folder(tmp_path / "data" / "models" / "tiny" / "1.1.0", "1.1.0")  # by hand
    assert tiny(cli) == {"1.0.0": True, "1.1.0": False}
    ran = cli("models", "activate", "tiny", "1.1.0")
    assert (ran.code, ran.out) == (1, "")
    assert "tiny 1.1.0 stays off: the boxes reach" in ran.err
    assert tiny(cli) == {"1.0.0": True, "1.1.0": False}


def test_a_model_under_a_name_that_no_profile_asks_for_is_told_so(cli: Cli, tmp_path: Path) -> None:
    ran = cli("models", "install", folder(tmp_path / "a", "1.0.0"))
    assert "no profile looks with tiny; profiles ask for crop-pest-detector" in ran.err


def test_the_list_is_for_people_too(cli: Cli, tmp_path: Path) -> None:
    cli("models", "install", folder(tmp_path / "a", "1.0.0"))
    row = next(line for line in cli("models", "list").out.splitlines() if line.startswith("tiny"))
    assert row.split()[1:5] == ["1.0.0", "detect", "yes", "unsigned"]


def test_a_bare_file_that_does_not_tell_everything_asks_nobody_without_a_terminal(
    cli: Cli, tmp_path: Path
) -> None:
    weights = tiny_models.v8(tmp_path / "tiny.onnx")
    ran = cli("models", "install", weights)
    assert ran.code == 2
    assert "--answer labels=" in ran.err
    assert tiny(cli) == {}


def test_answers_complete_a_bare_file(cli: Cli, tmp_path: Path) -> None:
    weights = tiny_models.v8(tmp_path / "tiny.onnx")
    first = cli("models", "install", weights)
    keys = [w.removesuffix("=…") for w in first.err.split() if w.endswith("=…")]
    known = {"labels": "red,blue", "scaling": "unit", "task": "detect", "head": "v8", "size": "64"}
    answers = [part for key in keys for part in ("--answer", f"{key}={known[key]}")]
    ran = cli("models", "install", weights, *answers)
    assert (ran.code, tiny(cli)) == (0, {"1.0.0": True}), ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("install", "nowhere.onnx"), "There is no nowhere.onnx"),
        (("activate", "tiny", "9.9.9"), "There is no tiny 9.9.9"),
        (("rollback", "nothing"), "There is no model nothing"),
    ],
)
def test_what_is_not_there_is_an_error(cli: Cli, words: tuple[str, ...], said: str) -> None:
    ran = cli("models", *words)
    assert ran.code == 1
    assert said in ran.err


def test_a_file_that_is_no_model_is_refused(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    ran = cli("models", "install", tmp_path / "bad.onnx")
    assert ran.code == 1
    assert "bad.onnx is not taken" in ran.err


def test_an_answer_without_a_key_is_refused() -> None:
    with pytest.raises(BadRequestError, match="has no ="):
        parse_answers(["labels"])
    assert parse_answers(["labels=a=b,c"]) == {"labels": "a=b,c"}


class Daemon(http.server.BaseHTTPRequestHandler):
    """Answers a reload as the test wants."""

    answer: tuple[int, bytes] = (200, b"{}")
    seen: Callable[[str], None] = staticmethod(lambda _: None)

    def do_POST(self) -> None:  # noqa: N802
        """Answer."""
        status, body = self.answer
        assert self.path == "/models/reload"
        self.seen(self.headers.get("Authorization", ""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Settings]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Daemon)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    store = StoreSettings(data_dir=tmp_path / "data")
    yield Settings(http=HttpSettings(port=server.server_port), store=store)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_running_daemon_takes_the_model_over(
    daemon: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reload_daemon(daemon) == "the daemon serves it now"
    refusal = b'{"error": {"code": "model_refused", "message": "It failed its trial."}}'
    monkeypatch.setattr(Daemon, "answer", (422, refusal))
    assert "goes on with what it has: It failed its trial." in reload_daemon(daemon)
    monkeypatch.setattr(Daemon, "answer", (500, b"oops"))
    assert "without saying why" in reload_daemon(daemon)


def test_a_daemon_that_wants_a_token_gets_one_that_is_gone_afterwards(
    daemon: Settings, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    asks = daemon.model_copy(update={"http": daemon.http.model_copy(update={"auth": "token"})})
    seen: list[str] = []
    monkeypatch.setattr(Daemon, "seen", seen.append)
    assert reload_daemon(asks) == "the daemon serves it now"
    assert len(seen[0].removeprefix("Bearer ")) >= 43
    assert json.loads(cli("phones", "list", "--json").out) == {"phones": []}


def test_where_no_daemon_runs_no_token_is_made(tmp_path: Path) -> None:
    http = HttpSettings(port=1, auth="token")
    settings = Settings(http=http, store=StoreSettings(data_dir=tmp_path / "none"))
    assert "does not run" in reload_daemon(settings)
    assert not (tmp_path / "none").exists()
