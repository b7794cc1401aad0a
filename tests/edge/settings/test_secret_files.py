"""Secrets that the settings name by their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.config import HomeAssistantSettings, Settings, WebhookSettings
from edge.doctor.parts import secrets
from edge.errors import ConfigError
from edge.settings.secret_files import read_secrets

if TYPE_CHECKING:
    from pathlib import Path


def settings(file: Path, url: str = "http://127.0.0.1:9/", host: str = "ha.local") -> Settings:
    return Settings(
        webhooks=WebhookSettings(url=url, secret_file=file),
        home_assistant=HomeAssistantSettings(host=host, user="edgecase", password_file=file),
    )


def test_what_is_in_the_files_without_the_line_s_end(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    found = read_secrets(settings(file))
    assert (found.webhook, found.home_assistant) == ("s3cret", "s3cret")
    assert secrets(settings(file)) == []


@pytest.mark.parametrize(
    ("url", "host", "key"),
    [("http://127.0.0.1:9/", "", "webhooks"), ("", "ha.local", "home_assistant")],
)
@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_one_that_cannot_be_read_is_an_error_in_the_settings_and_the_doctor_s_first_word(
    tmp_path: Path, url: str, host: str, key: str, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{key}\.\w+_file"):
        read_secrets(settings(file, url, host))
    (found,) = secrets(settings(file, url, host))
    assert found.level == "FAIL"
    assert str(file) in found.message


def test_what_nobody_uses_is_not_read(tmp_path: Path) -> None:
    assert read_secrets(settings(tmp_path / "none", "", "")).webhook == ""
