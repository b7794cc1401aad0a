"""The command line as a whole: fast, documented, honest about errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from edge.cli.app import app
from edge.settings.check import known_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.edge.cli.conftest import Cli

DOCS = Path(__file__).parents[3] / "docs"
CONTRACT = {
    "run",
    "check",
    "doctor",
    "backup",
    "bench",
    "pair",
    "phones list",
    "phones rename",
    "phones revoke",
    "config check",
    "cases list",
    "cases show",
    "cases export",
    "sync status",
    "sync retry",
    "sync compare",
    "models list",
    "models install",
    "models activate",
    "models rollback",
    "models pull",
    "models trust",
    "home-assistant clear",
    "sync enroll",
    "sync leave",
    "sync request",
}
HEAVY = ["aiohttp", "numpy", "cv2", "pydantic", "sqlite_utils", "onnxruntime", "PIL", "xllamacpp"]


def commands(group: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its path."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        full = f"{path} {name}".strip()
        if hasattr(command, "commands"):
            yield from commands(command, full)
        else:
            yield full, command


def section(path: str) -> str:
    """What docs/cli.md says of a command."""
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    found = re.search(rf"^## `edgecase {path}\b.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found.group(0) if found else ""


def test_the_commands_are_those_of_the_contract() -> None:
    assert {path for path, _ in commands()} == CONTRACT


@pytest.mark.parametrize("path", sorted(CONTRACT))
def test_every_command_and_option_is_documented(path: str) -> None:
    command = dict(commands())[path]
    text = section(path)
    assert text, f"docs/cli.md has no section for `edgecase {path}`"
    if "filters of `list`" in text:
        text += section("cases list")
    known = text + "--config --help"
    options = [p for p in command.params if p.param_type_name == "option"]
    assert [o.opts for o in options if not any(name in known for name in o.opts)] == []


def test_the_documentation_has_no_command_that_is_gone() -> None:
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## `edgecase ([^`]+)`", text, re.MULTILINE)
    name = re.compile("[a-z]+(-[a-z]+)*")
    words = {" ".join(w for w in h.split() if name.fullmatch(w)) for h in headings}
    assert words == CONTRACT


def test_every_setting_is_documented() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    missing = []
    for key in known_keys():
        table, name = key.split(".")
        part = text.split(f"## `[{table}]`", 1)[-1].split("\n## ", 1)[0]
        if f"| `{name}` |" not in part:
            missing.append(key)
    assert missing == []


def test_every_command_takes_a_config_file() -> None:
    for path, command in commands():
        assert any("--config" in p.opts for p in command.params), path


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['edgecase', '--help']\n"
        "from edge.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print(sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Usage" in done.stdout
    assert done.stderr.strip() == "[]"


def test_an_unknown_command_is_wrong_usage(cli: Cli) -> None:
    ran = cli("dance")
    assert ran.code == 2
    assert "dance" in ran.err
    assert ran.out == ""


def test_a_wrong_setting_is_exit_code_2_with_line_and_hint_on_standard_error(
    cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "edge.toml").write_text('[http]\nprot = 1\nhost = "0.0.0.0"\n')
    ran = cli("cases", "list", "--config", tmp_path / "edge.toml")
    assert (ran.code, ran.out) == (2, "")
    assert "line 2: there is no key http.prot" in ran.err
    assert "hint: set auth" in ran.err


def test_config_check_prints_what_is_in_force(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text("[http]\nport = 8123\n")
    ran = cli("config", "check", "--config", tmp_path / "edge.toml")
    assert ran.code == 0
    assert "port = 8123" in ran.out
    assert "# blur_threshold is not set" in ran.out


def test_config_check_output_is_a_settings_file_again(cli: Cli, tmp_path: Path) -> None:
    first = cli("config", "check").out
    (tmp_path / "again.toml").write_text(first.split("\n", 1)[1])
    second = cli("config", "check", "--config", tmp_path / "again.toml")
    assert second.code == 0
    assert second.out.split("\n", 1)[1] == first.split("\n", 1)[1]


def test_config_check_says_what_is_wrong_as_json(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text("[http]\nprot = 1\n")
    ran = cli("config", "check", "--json", "--config", tmp_path / "edge.toml")
    told = json.loads(ran.out)
    assert (ran.code, told["ok"], len(told["problems"])) == (2, False, 1)
    assert "http.port" in told["problems"][0]["message"]


def test_pull_says_honestly_that_there_is_nothing_to_pull_from(cli: Cli) -> None:
    ran = cli("models", "pull")
    assert ran.code == 1
    assert "No release repository is configured" in ran.err


def test_the_version_is_printed(cli: Cli) -> None:
    ran = cli("--version")
    assert ran.code == 0
    assert re.fullmatch(r"edgecase (\d+\.\d+\.\d+|\(from a checkout\))\n", ran.out)


def test_run_hands_the_settings_and_what_is_wrong_with_them_to_the_daemon(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    monkeypatch.setattr("edge.daemon.run", lambda *parts: given.extend(parts))
    (tmp_path / "edge.toml").write_text("[http]\nport = 8123\nprot = 1\n")
    ran = cli("run", "--config", tmp_path / "edge.toml")
    settings, problem = given
    assert (ran.code, settings.http.port) == (0, 8123)
    assert "http.prot" in problem.message
