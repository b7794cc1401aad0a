from __future__ import annotations

import importlib
import pkgutil

from scripts.benchmarks.faults import PARTS
from tests.e2e.faults import scenarios


def test_the_benchmark_runs_every_scenario_that_has_a_full_size() -> None:
    names = [found.name for found in pkgutil.iter_modules(scenarios.__path__)]
    modules = [importlib.import_module(f"{scenarios.__name__}.{name}") for name in names]

    assert sum(hasattr(module, "FULL") for module in modules) == len(PARTS) == 10
