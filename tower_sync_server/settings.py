"""Reads the settings: defaults < TOML file < environment. Every problem says where it was set."""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tower_sync_server.config import DEFAULT_FILE, ENV_PREFIX, Section, Settings
from tower_sync_server.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN_HINT = (
    'Set http.auth = "session" (EDGECASE_TOWER_HTTP__AUTH), or http.host = "127.0.0.1" '
    "(EDGECASE_TOWER_HTTP__HOST)."
)
PLAIN_HINT = (
    "Give http.certificate and http.key, or put a proxy that does TLS before it and set "
    "http.plain = true (EDGECASE_TOWER_HTTP__PLAIN)."
)
Values = dict[str, dict[str, Any]]
Origins = dict[str, str]
"""`section.key` → where it was set, for people."""


def load(
    path: Path | None, environ: Mapping[str, str], default_file: Path = DEFAULT_FILE
) -> Settings:
    """Read the settings.

    Args:
        path: the file; None: `default_file` where it exists, else none.
        environ: the environment; `EDGECASE_TOWER_<SECTION>__<KEY>` wins over the file.
        default_file: where the file usually is.

    Raises:
        ConfigError: a line for each problem: where it was set, key, value, and what is known.
    """
    file = path or (default_file if default_file.exists() else None)
    values, origins = _from_file(file) if file is not None else ({}, {})
    _add_environment(environ, values, origins)
    try:
        settings = Settings.model_validate(values, strict=False)
    except ValidationError as e:
        raise ConfigError("\n".join(_problem(dict(one), origins) for one in e.errors())) from e
    if "store.data_dir" not in origins:
        settings = _with_data_dir(settings, _default_data_dir(environ))
    refuse_open_doors(settings)
    return settings


def refuse_open_doors(settings: Settings) -> None:
    """Refuse to let everybody on a network in, or to have them send passwords in the clear.

    Raises:
        ConfigError: `auth = "open"` on anything but loopback; a network without TLS; half of
            what TLS needs.
    """
    http = settings.http
    host = http.host
    if (http.certificate is None) != (http.key is None):
        message = "http.certificate and http.key belong together."
        raise ConfigError(message, "Give both, or neither.")
    encrypted = http.certificate is not None or http.plain
    if http.auth == "session" and not is_loopback(host) and not encrypted:
        message = f'http.host = "{host}" without TLS: anybody there could read the passwords.'
        raise ConfigError(message, PLAIN_HINT)
    if http.auth == "open" and not is_loopback(host):
        message = f'http.host = "{host}" with http.auth = "open": anybody could see every case.'
        raise ConfigError(message, OPEN_HINT)


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def choose_data_dir(system: Path, usable: bool, xdg: str, home: Path) -> Path:
    """Decide where everything durable lives when nobody said.

    Args:
        system: the system's folder for it.
        usable: whether this user can write there.
        xdg: `XDG_DATA_HOME`; ignored unless absolute, as its specification says.
        home: the user's home.
    """
    if usable:
        return system
    base = Path(xdg) if xdg and Path(xdg).is_absolute() else home / ".local" / "share"
    return base / system.name


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    system = Settings().store.data_dir
    there = next(p for p in (system, *system.parents) if p.exists())
    usable = os.access(there, os.W_OK | os.X_OK)
    home = Path(environ.get("HOME") or "~").expanduser()
    return choose_data_dir(system, usable, environ.get("XDG_DATA_HOME", ""), home)


def _from_file(path: Path) -> tuple[Values, Origins]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path}: can't be read: {e}", "Give --config a readable file.") from e
    except tomllib.TOMLDecodeError as e:
        raise ConfigError(f"{path}: this is not TOML: {e}") from e
    values: Values = {}
    origins: Origins = {}
    for section, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{path}: {section} is outside any table.", _tables())
        values[section] = dict(table)
        origins |= {f"{section}.{key}": str(path) for key in table} | {section: str(path)}
    return values, origins


def _add_environment(environ: Mapping[str, str], values: Values, origins: Origins) -> None:
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX) or "__" not in name:
            continue
        section, _, key = name.removeprefix(ENV_PREFIX).lower().partition("__")
        values.setdefault(section, {})[key] = _value(section, key, environ[name])
        origins[f"{section}.{key}"] = name
        origins.setdefault(section, name)


def _value(section: str, key: str, text: str) -> Any:
    """A list is written with commas."""
    field = getattr(Settings(), section, None)
    if isinstance(field, Section) and isinstance(getattr(field, key, None), tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _problem(error: dict[str, Any], origins: Origins) -> str:
    where = [str(part) for part in error["loc"]]
    key = ".".join(where[:2])
    origin = origins.get(key) or origins.get(where[0], "defaults")
    if error["type"] == "extra_forbidden":
        return f"{origin}: there is no {key}{_meant(where)}"
    return f"{origin}: {key} = {error['input']!r}: {error['msg']}"


def _meant(where: list[str]) -> str:
    if len(where) == 1:
        return f". {_tables()}"
    keys = list(type(getattr(Settings(), where[0])).model_fields)
    close = difflib.get_close_matches(where[1], keys, n=1, cutoff=0.4)
    return f"; did you mean {where[0]}.{close[0]}?" if close else f"; there are {', '.join(keys)}"


def _tables() -> str:
    return "The tables are " + ", ".join(f"[{name}]" for name in Settings.model_fields) + "."


def _with_data_dir(settings: Settings, folder: Path) -> Settings:
    store = settings.store.model_copy(update={"data_dir": folder})
    return settings.model_copy(update={"store": store})
