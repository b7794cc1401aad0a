"""What needs a whole machine runs only where it is asked for: `-m appliance`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "appliance: boots a Debian in a container; needs root and the registries"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "appliance" in config.option.markexpr:
        return
    left = [item for item in items if item.get_closest_marker("appliance")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
