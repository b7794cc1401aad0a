"""Reads the settings (defaults < TOML file < environment) and says exactly what is wrong with them.

Plain `tomllib` and pydantic, because every error has to name where the value came from
(docs/adr/004-settings-by-hand.md).
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from edge.config import DEFAULT_FILE, Section, Settings
from edge.errors import ConfigError
from edge.settings.check import Given, Problem, check, host_is_loopback, sections
from edge.settings.env import from_environment
from edge.settings.lines import line_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXPOSED = (
    'set auth = "token" in [http] (EDGECASE_HTTP__AUTH=token), let phones in with `edgecase pair`, '
    "or listen on 127.0.0.1"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the file and the environment gave."""

    settings: Settings
    """With every key that was wrong left at its default."""
    problems: tuple[Problem, ...]
    """What was wrong, in the order of the file, then of the environment."""
    file: Path | None
    """The file that was read; None where there is none."""

    def error(self) -> ConfigError | None:
        """All problems as one error; None where there are none."""
        if not self.problems:
            return None
        hints = dict.fromkeys(p.hint for p in self.problems if p.hint)
        return ConfigError("\n".join(p.text for p in self.problems), "\n".join(hints))


def load(
    path: Path | None, environ: Mapping[str, str], default_file: Path = DEFAULT_FILE
) -> Settings:
    """Read the settings.

    Args:
        path: the file to read; None: `default_file` where it exists, or none at all.
        environ: the environment; `EDGECASE_<SECTION>__<KEY>` wins over the file.
        default_file: where the file usually is.

    Raises:
        ConfigError: something is wrong; the message has a line for each problem, which names the
            file and line (or the variable), key, value and nearest valid key.
    """
    found = read(path, environ, default_file)
    error = found.error()
    if error is not None:
        raise error
    return found.settings


def read(
    path: Path | None, environ: Mapping[str, str], default_file: Path = DEFAULT_FILE
) -> Reading:
    """Read the settings like `load`, but give what is right together with what is wrong."""
    file = path if path is not None else (default_file if _exists(default_file) else None)
    given, problems = ([], []) if file is None else _from_file(file)
    more, wrong = from_environment(environ)
    values: dict[str, dict[str, Any]] = {}
    origins: dict[tuple[str, str], str] = {}
    problems += wrong
    for one in (*given, *more):
        value, problem = check(one)
        if problem is not None:
            problems.append(problem)
            continue
        values.setdefault(one.section, {})[one.key] = value
        origins[one.section, one.key] = one.where
    settings = _build(values, problems)
    if ("store", "data_dir") not in origins:
        settings = _with_data_dir(settings, _default_data_dir(environ))
    settings = _closed_to_strangers(settings, origins, problems)
    settings = _sealed(settings, origins, problems)
    return Reading(settings, tuple(problems), file)


def choose_data_dir(system: Path, usable: bool, xdg: str, home: Path) -> Path:
    """Decide where everything durable lives when nobody said.

    Args:
        system: the system's folder for it, /var/lib/edgecase.
        usable: whether this user can write there.
        xdg: `XDG_DATA_HOME`; ignored unless absolute, as its specification says.
        home: the user's home.
    """
    if usable:
        return system
    base = Path(xdg) if xdg and Path(xdg).is_absolute() else home / ".local" / "share"
    return base / "edgecase"


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    system = Settings().store.data_dir
    home = Path(environ.get("HOME") or "~").expanduser()
    return choose_data_dir(system, _usable(system), environ.get("XDG_DATA_HOME", ""), home)


def _usable(folder: Path) -> bool:
    """Say whether this user could write in `folder`, or make it; makes nothing."""
    there = next(p for p in (folder, *folder.parents) if _exists(p))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a parent that this user may not enter
        return False


def _from_file(path: Path) -> tuple[list[Given], list[Problem]]:
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) and e.strerror else str(e)
        return [], [Problem(f"{path}: can't be read: {reason}", "give --config a readable file")]
    except tomllib.TOMLDecodeError as e:
        return [], [Problem(f"{path}: this is not TOML: {e}", "see docs/settings.md")]
    given = []
    for section, table in tables.items():
        if not isinstance(table, dict):
            where = f"{path}, line {line_of(text, '', section)}"
            given.append(Given("", section, table, where, from_text=False))
            continue
        if section not in sections():
            where = f"{path}, line {line_of(text, section, '')}"
            given.append(Given(section, "", None, where, from_text=False))
            continue
        for key, value in table.items():
            where = f"{path}, line {line_of(text, section, key)}"
            given.append(Given(section, key, value, where, from_text=False))
    return given, []


def _build(values: Mapping[str, Mapping[str, Any]], problems: list[Problem]) -> Settings:
    """Make the settings out of values that are right each on its own."""
    made: dict[str, Section] = {}
    for name, section in sections().items():
        try:
            made[name] = section.model_validate(dict(values.get(name, {})))
        except ValidationError as e:
            problems += [Problem(f"[{name}]: {one['msg']}") for one in e.errors()]
    return Settings.model_validate(made)


def _with_data_dir(settings: Settings, folder: Path) -> Settings:
    store = settings.store.model_copy(update={"data_dir": folder})
    return settings.model_copy(update={"store": store})


def _closed_to_strangers(
    settings: Settings, origins: Mapping[tuple[str, str], str], problems: list[Problem]
) -> Settings:
    """Refuse to be open to everybody on a network; fall back to loopback."""
    http = settings.http
    if http.auth != "open" or host_is_loopback(http.host):
        return settings
    where = origins.get(("http", "host"), "defaults")
    text = f'{where}: http.host = "{http.host}" is not loopback, and http.auth = "open"'
    problems.append(Problem(f"{text}: anybody on the network could use the device", EXPOSED))
    local = http.model_copy(update={"host": "127.0.0.1"})
    return settings.model_copy(update={"http": local})


def _sealed(
    settings: Settings, origins: Mapping[tuple[str, str], str], problems: list[Problem]
) -> Settings:
    """Refuse to send cases over a network in the clear; then nothing is sent."""
    sync = settings.sync
    sealed = sync.ca is not None or sync.bundle is not None
    if not sync.host or sealed or host_is_loopback(sync.host):
        return settings
    where = origins.get(("sync", "host"), "defaults")
    text = f'{where}: sync.host = "{sync.host}" is not loopback, and sync.ca is not set'
    problems.append(
        Problem(f"{text}: cases would travel in the clear", "Set sync.ca, or sync.bundle.")
    )
    return settings.model_copy(update={"sync": sync.model_copy(update={"host": ""})})


def describe(problems: Sequence[Problem]) -> list[dict[str, str]]:
    """Problems for JSON."""
    return [{"message": p.text, "hint": p.hint} for p in problems]
