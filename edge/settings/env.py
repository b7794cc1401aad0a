"""Finds settings in the environment: `EDGECASE_<SECTION>__<KEY>`."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from edge.config import ENV_PREFIX
from edge.settings.check import Given, Problem, known_keys, nearest_key, sections

if TYPE_CHECKING:
    from collections.abc import Mapping

TOWER_PREFIX = "EDGECASE_TOWER_"
"""The tower's variables; a machine may run both programs."""


def variable(key: str) -> str:
    """Name the variable of a `section.key`."""
    return ENV_PREFIX + key.replace(".", "__").upper()


def from_environment(environ: Mapping[str, str]) -> tuple[list[Given], list[Problem]]:
    """Pick the variables that are settings of the device.

    Returns:
        What they give, and a problem for each that looks like a setting and is none. Variables
        without `__` (EDGECASE_HOME) and the tower's are somebody else's.
    """
    given: list[Given] = []
    problems: list[Problem] = []
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX) or name.startswith(TOWER_PREFIX) or "__" not in name:
            continue
        section, _, key = name.removeprefix(ENV_PREFIX).lower().partition("__")
        if f"{section}.{key}" in known_keys():
            where = "environment"
            given.append(Given(section, key, environ[name], where, from_text=True, name=name))
        else:
            problems.append(Problem(_unknown(name, section, key, environ[name])))
    return given, problems


def _known(section: str) -> str:
    """What there is, where nothing is near."""
    if section in sections():
        keys = (k.split(".", 1)[1].upper() for k in known_keys() if k.startswith(f"{section}."))
        return f"; {ENV_PREFIX}{section.upper()}__ goes on with {', '.join(keys)}"
    names = (f"{ENV_PREFIX}{each.upper()}__" for each in sections())
    return f"; settings begin with {', '.join(names)}"


def _unknown(name: str, section: str, key: str, value: str) -> str:
    meant = nearest_key(section, key) if section in sections() else ""
    if not meant:
        # Without what they all begin with: else everything is near everything.
        names = {variable(k).removeprefix(ENV_PREFIX): k for k in known_keys()}
        asked = name.upper().removeprefix(ENV_PREFIX)
        close = difflib.get_close_matches(asked, names, n=1, cutoff=0.6)
        meant = names[close[0]] if close else ""
    say = f"; did you mean {variable(meant)}?" if meant else _known(section)
    text = f'environment: there is no setting {name} (= "{value}"){say}'
    return text.encode("utf-8", "backslashreplace").decode()
