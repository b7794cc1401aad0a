"""What a machine can run."""

from __future__ import annotations

import pytest

from edge.updates.device import class_of, memory_mb, runtimes
from models.offer import DeviceClass


@pytest.mark.parametrize(
    ("machine", "model", "wanted"),
    [
        ("x86_64", "", DeviceClass.X86),
        ("aarch64", "Raspberry Pi 4 Model B Rev 1.5", DeviceClass.PI4),
        ("aarch64", "Raspberry Pi Compute Module 4 Rev 1.0", DeviceClass.PI4),
        ("aarch64", "Raspberry Pi 5 Model B Rev 1.0", DeviceClass.PI5),
        ("aarch64", "Some other board", None),
        ("riscv64", "", None),
    ],
)
def test_the_class_of_a_machine(machine, model, wanted):
    assert class_of(machine, model) is wanted


def test_what_is_installed_is_told_with_its_version():
    found = runtimes()
    assert found["onnxruntime"][0].isdigit()
    assert "llama.cpp" in found
    assert memory_mb() > 100
