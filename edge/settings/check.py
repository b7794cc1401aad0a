"""Checks one setting at a time against the words in `edge.config`, and words what is wrong."""

from __future__ import annotations

import difflib
import ipaddress
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from edge.config import Section, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Given:
    """One value that somebody gave, and where."""

    section: str
    """Table of the file; "" for a key outside any table."""
    key: str
    """Key in the table; "" for a table as a whole."""
    value: Any
    """As TOML or the environment has it."""
    where: str
    """For people: `FILE, line N` or `environment`."""
    from_text: bool
    """True where it came as text (the environment) and not with a type."""
    name: str = ""
    """What the person wrote, where that isn't `section.key`: the variable's name."""

    @property
    def written(self) -> str:
        """The key as the person wrote it."""
        return self.name or ".".join(part for part in (self.section, self.key) if part)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the settings."""

    text: str
    """Where, which key, which value, why, and the nearest valid key."""
    hint: str = ""
    """What to do about it, where that isn't in the text."""


@cache
def sections() -> dict[str, type[Section]]:
    """Every table that there is."""
    found = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            found[name] = field.annotation
    return found


@cache
def known_keys() -> tuple[str, ...]:
    """Every `section.key` that there is."""
    return tuple(f"{name}.{key}" for name, cls in sections().items() for key in cls.model_fields)


def check(given: Given) -> tuple[Any, Problem | None]:
    """Turn what was given into the setting's own type.

    Returns:
        The value and None, or None and what is wrong.
    """
    section = sections().get(given.section)
    field = section.model_fields.get(given.key) if section is not None else None
    if field is None:
        return None, Problem(f"{given.where}: {unknown(given)}")
    try:
        value = _convert(field, given)
    except ValidationError as e:
        return None, Problem(f"{given.where}: {given.written} = {_shown(given)}: {_why(e)}")
    if isinstance(value, Path):
        folder = _folder(str(given.value))
        why = f"{given.where}: {given.written} = {_shown(given)}: expected a folder"
        return folder, None if folder is not None else Problem(why)
    return value, None


def unknown(given: Given) -> str:
    """Say that there is no such key or table, and which one may have been meant."""
    if not given.key:
        return f"there is no table [{given.section}]{_nearest_of(given.section, sections())}"
    if not given.section:
        meant = nearest_key("", given.key)
        return f"{given.key} = {_shown(given)} is outside any table{_say(meant)}"
    if given.section not in sections():
        return f"there is no table [{given.section}]{_nearest_of(given.section, sections())}"
    meant = nearest_key(given.section, given.key)
    value = f" (= {_shown(given)})"
    return f"there is no key {given.written}{value}{_say(meant)}"


def nearest_key(section: str, key: str) -> str:
    """Give the `section.key` that was probably meant, of the same table if possible; or ""."""
    own = {k.split(".", 1)[1]: k for k in known_keys() if k.startswith(f"{section}.")}
    other = {k.split(".", 1)[1]: k for k in reversed(known_keys())}
    for names, cutoff in ((own, 0.6), (other, 0.75), (own, 0.4)):
        close = difflib.get_close_matches(key, names, n=1, cutoff=cutoff)
        if close:
            return names[close[0]]
    return ""


def host_is_loopback(host: str) -> bool:
    """Say whether only this machine can reach what listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _convert(field: FieldInfo, given: Given) -> Any:
    """Validate: strictly where the file gave a type, as text where the environment did."""
    kind: Any = Annotated[(field.annotation, "setting", *field.metadata)]
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    if not given.from_text:
        # As JSON, because only there pydantic's strict mode takes text for a path.
        return adapter.validate_json(json.dumps(given.value, default=str), strict=True)
    return adapter.validate_python(_from_text(field, str(given.value)))


def _folder(text: str) -> Path | None:
    """Make an absolute path; None where it can't be one."""
    if not text or "\0" in text:
        return None
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:  # ~somebody who isn't there
        return None


def _from_text(field: FieldInfo, text: str) -> Any:
    if get_origin(field.annotation) is tuple:
        return _items(text)
    if text == "" and type(None) in get_args(field.annotation):
        return None
    return text


def _items(text: str) -> Any:
    """Split a list from the environment: JSON, or separated by commas."""
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text  # pydantic says what it expected
    return [part.strip() for part in text.split(",") if part.strip()]


def _why(error: ValidationError) -> str:
    first = error.errors()[0]
    message = str(first["msg"]).replace("valid tuple", "list")
    return message[:1].lower() + message[1:]


def _shown(given: Given) -> str:
    text = json.dumps(given.value, default=str, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()  # the environment may be no Unicode


def _nearest_of(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(words), n=1, cutoff=0.5)
    if close:
        return f"; did you mean [{close[0]}]?"
    return f"; there are {', '.join(f'[{w}]' for w in words)}"


def _say(meant: str) -> str:
    return f"; did you mean {meant}?" if meant else ""
