"""`edgecase-tower users`, as a person or a script uses it; it never asks a script anything."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.fakes.towers_people import PASSWORD
from tower_sync_server.cli import users as command
from tower_sync_server.cli.app import main
from tower_sync_server.database.engine import connect, sqlite_dsn
from tower_sync_server.parts import now
from tower_sync_server.people.audit import Audit
from tower_sync_server.people.passwords import Passwords
from tower_sync_server.people.people import People
from tower_sync_server.people.sessions import Sessions
from tower_sync_server.people.words import Lifetimes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import sqlalchemy as sa


class Run(Protocol):
    def __call__(self, *words: object, given: str = "") -> tuple[int, str, str]: ...


class Typed(io.StringIO):
    """Standard input at a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("EDGECASE_TOWER_STORE__DATA_DIR", str(tmp_path / "tower"))

    def run(*words: object, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["edgecase-tower", "users", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(given))
        status: object = 0
        try:
            main()
        except SystemExit as e:
            status = e.code or 0
        said = capsys.readouterr()
        assert isinstance(status, int)
        return status, said.out, said.err

    return run


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = connect(sqlite_dsn(tmp_path / "tower" / "archive.db"))
    yield engine
    engine.dispose()


@pytest.fixture
def people(engine: sa.Engine) -> People:
    return People(engine, now, Passwords())


def test_the_first_user_is_added_before_the_tower_ever_ran(run: Run, people: People) -> None:
    status, said, _ = run("add", "Eva", "--role", "admin", given=f"{PASSWORD}\n")

    assert (status, said) == (0, "eva may sign in, as admin.\n")
    assert people.knows("eva", PASSWORD)


def test_a_password_comes_from_a_file_too(run: Run, people: People, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{PASSWORD}\r\nand more\n")

    assert run("add", "eva", "--password-file", file)[0] == 0
    assert people.knows("eva", PASSWORD)
    status, _, said = run("add", "otto", "--password-file", tmp_path / "none")
    assert status == 1
    assert "--password-file" in said


def test_without_any_a_strong_one_is_made_and_shown_once(run: Run, people: People) -> None:
    said = run("add", "eva")[1]
    password = said.partition("The password is ")[2].split()[0]

    assert people.knows("eva", password)
    assert password not in run("list")[1]


def test_a_terminal_is_asked_twice(
    run: Run, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("list")
    typed = [PASSWORD, PASSWORD, "quite another one", "something else"]
    monkeypatch.setattr(sys, "stdin", Typed())
    monkeypatch.setattr(command.getpass, "getpass", lambda _prompt: typed.pop(0))

    assert command.wanted_password(None) == (PASSWORD, "")
    with pytest.raises(command.BadFieldError, match="not the same"):
        command.wanted_password(None)


def test_people_are_listed_for_people_and_for_programs(run: Run) -> None:
    assert "users add NAME --role admin" in run("list")[1]
    run("add", "eva", "--role", "trainer", given=PASSWORD)

    assert run("list")[1].startswith("eva                      trainer   since 20")
    (row,) = json.loads(run("list", "--json")[1])
    assert (row["user"], row["role"]) == ("eva", "trainer")


def test_roles_passwords_and_people_are_changed(run: Run, people: People) -> None:
    run("add", "eva", "--role", "admin", given=PASSWORD)
    run("add", "otto", given=PASSWORD)

    assert run("role", "otto", "reviewer")[0] == 0
    assert run("password", "otto", given="quite another one\n")[0] == 0
    assert people.knows("otto", "quite another one")
    assert [(u.name, u.role.value) for u in people.all()] == [
        ("eva", "admin"),
        ("otto", "reviewer"),
    ]
    assert run("remove", "otto")[0] == 0
    assert [u.name for u in people.all()] == ["eva"]


@pytest.mark.parametrize(
    ("words", "status", "shown"),
    [
        (("remove", "eva"), 1, "last admin"),
        (("role", "eva", "viewer"), 1, "last admin"),
        (("role", "nobody", "viewer"), 1, "no such user"),
        (("role", "eva", "king"), 2, "king"),
        (("add", "eva"), 1, "already"),
        (("add", "e v a"), 1, "no name"),
        (("revoke", "eva", "0123"), 1, "no such session"),
    ],
)
def test_what_can_not_be_done_is_said(
    run: Run, words: tuple[str, ...], status: int, shown: str
) -> None:
    run("add", "eva", "--role", "admin", given=PASSWORD)

    found, _, said = run(*words, given=PASSWORD)

    assert found == status
    assert shown in said


def test_a_token_is_made_listed_and_revoked(run: Run, engine: sa.Engine) -> None:
    run("add", "eva", given=PASSWORD)
    token = run("token", "eva", "--label", "backup", "--days", "2")[1].strip()
    sessions = Sessions(engine, now, Lifetimes(1, 1))
    assert sessions.visitor(token) is not None

    listed = run("tokens", "eva")[1]
    assert "backup" in listed
    assert token not in listed
    assert run("revoke", "eva", listed.split()[0])[0] == 0

    assert sessions.visitor(token) is None
    who = {entry.who for entry in Audit(engine, now).page(None, 10)}
    assert len(who) == 1
    assert who.pop().startswith("shell")
