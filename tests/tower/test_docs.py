from __future__ import annotations

from pathlib import Path

from tower_sync_server.config import Section, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "tower.md").read_text()


def test_every_setting_is_on_the_page() -> None:
    keys = [
        f"`{name}.{key}`"
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section)
        for key in field.annotation.model_fields
    ]

    assert len(keys) > 8
    assert [key for key in keys if key not in PAGE] == []
