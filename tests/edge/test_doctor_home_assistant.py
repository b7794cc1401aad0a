"""What the doctor says of Home Assistant's broker."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from edge.config import HomeAssistantSettings
from edge.doctor.home_assistant import home_assistant
from tests.fakes.broker import free_port, mosquitto

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("password", "level", "words"),
    [("sesame", "PASS", "lets this device in"), ("wrong", "WARN", "Not authorized")],
)
def test_a_broker_that_lets_only_some_in(
    tmp_path: Path, password: str, level: str, words: str
) -> None:
    known, given = tmp_path / "known", tmp_path / "given"
    subprocess.run(["mosquitto_passwd", "-b", "-c", known, "edgecase", "sesame"], check=True)
    given.write_text(password)
    with mosquitto(tmp_path, f"password_file {known}\nallow_anonymous false") as broker:
        settings = HomeAssistantSettings(
            host="127.0.0.1", port=broker.port, user="edgecase", password_file=given
        )
        (found,) = home_assistant(settings, "Gate 7")
    assert found.level == level
    assert words in found.message


def test_one_that_is_not_there_is_a_warning_with_what_to_look_at() -> None:
    (found,) = home_assistant(HomeAssistantSettings(host="127.0.0.1", port=free_port()), "gate")
    assert found.level == "WARN"
    assert "refused" in found.message
    assert "[home_assistant]" in found.mend
