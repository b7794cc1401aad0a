"""Everything that helps somebody far away to see what is wrong, in one file: no photo, no form, no
token.

What goes in is listed here by name; nothing is packed because it happened to lie somewhere.
"""

from __future__ import annotations

import io
import json
import platform
import re
import tarfile
import time
from collections import Counter
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any

from edge.doctor.machine import describe_machine
from edge.programs import ask
from models.jsonable import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.doctor.findings import Finding
    from edge.settings.file import Reading

JOURNAL = ("journalctl", "-u", "edgecase", "-n", "2000", "--no-pager", "-o", "short-iso")
CALLS = ("/health", "/sync", "/models")
"""What the running daemon is asked; none of them holds what a person typed."""
SECRET = re.compile(r"(?i)((?:token|bearer|password|passwd|secret|code|key)\W{1,3})[^\s\"',;]{4,}")
LONG = re.compile(r"\b[A-Za-z0-9_-]{40,}\b")
"""A token of ours has 43 letters; a SHA-256 goes with them."""
ADDRESS = re.compile(r"(https?://)(?:[^\s/\"'@]*@)?([^\s/\"'?#@]+)[^\s\"']*")
"""Of an address only the host stays: what stands before and behind it can be secret."""
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
"""How a wrong setting's value is shown: a password may have got under a wrong key."""
FRAGMENT = re.compile(r"#[A-Za-z0-9_-]{4,}")
"""A pairing's code stands behind the # of an address."""


def bundle(
    findings: Sequence[Finding], found: Reading, answers: dict[str, str], log: str
) -> dict[str, bytes]:
    """Decide what goes in: name → content.

    Args:
        findings: of the doctor's round.
        found: the settings.
        answers: address → what the daemon said.
        log: the last lines of its log.
    """
    files = {
        "doctor.json": _json([to_json(_told(finding)) for finding in findings]),
        "settings.json": _json(masked(found)),
        "machine.json": _json({**describe_machine(), "system": platform.platform()}),
        "packages.txt": "\n".join(sorted(_packages())).encode(),
        "store.json": _json(_store(found)),
        "log.txt": scrubbed(log).encode(),
    }
    for path, text in answers.items():
        files[f"daemon{path.replace('/', '-')}.txt"] = scrubbed(text).encode()
    return files


def masked(found: Reading) -> dict[str, Any]:
    """The settings, without what names people or opens anything."""
    if found.problems:
        return {"problems": [_valueless(problem.text) for problem in found.problems]}
    said = found.settings.model_dump(mode="json")
    return {"file": str(found.file or ""), "settings": _without_secrets(said)}


def scrubbed(text: str) -> str:
    """A text without what could be a secret."""
    return SECRET.sub(r"\1…", _anonymous(text))


def pack(files: dict[str, bytes]) -> bytes:
    """A .tar.gz of them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"edgecase-diagnostics/{name}")
            entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def read_log() -> str:
    """The daemon's last lines, where journald has them."""
    code, text = ask(JOURNAL)
    return text if code == 0 else f"no journal here: {text[:200]}"


def _told(finding: Finding) -> Finding:
    return replace(finding, message=_valueless(finding.message), mend=_anonymous(finding.mend))


def _valueless(text: str) -> str:
    return QUOTED.sub('"…"', _anonymous(text))


def _anonymous(text: str) -> str:
    """A text without addresses beyond their hosts, codes and tokens."""
    return LONG.sub("…", FRAGMENT.sub("#…", ADDRESS.sub(r"\1\2", text)))


def _without_secrets(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_secrets(inner, name) for inner in value]
    if isinstance(value, str) and "://" in value:
        return scrubbed(value)
    hidden = isinstance(value, str) and value and re.search("user|password|secret|token", name)
    return "…" if hidden else value


def _store(found: Reading) -> dict[str, Any]:
    """How many files of which kind there are, and how large; never what they hold."""
    if found.problems:
        return {}
    folder = found.settings.store.data_dir
    count: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for path in _files(folder):
        kind = path.relative_to(folder).parts[0]
        count[kind] += 1
        size[kind] += path.stat().st_size
    return {"folder": str(folder), "files": dict(count), "bytes": dict(size)}


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.rglob("*") if path.is_file()]
    except OSError:
        return []


def _packages() -> list[str]:
    return [f"{each.name}=={each.version}" for each in metadata.distributions()]


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str).encode()
