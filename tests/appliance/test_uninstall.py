"""Off the machine again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.appliance.device import take_off

if TYPE_CHECKING:
    from tests.appliance.container import Container

pytestmark = [pytest.mark.appliance, pytest.mark.timeout(300)]


def test_uninstalling_keeps_the_data_and_purging_does_not(machine: Container) -> None:
    take_off(machine)
