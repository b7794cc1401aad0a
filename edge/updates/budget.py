"""How long a model may take: what its profiles allow a photo on this class of machine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from models.offer import DeviceClass
    from models.profile import Profile

UNLIMITED = math.inf


def budgets(profiles: Iterable[Profile], machine: DeviceClass | None) -> dict[str, float]:
    """Id of a model → milliseconds of a photo; the strictest profile that uses it counts.

    A model that is not in it has no budget: no profile uses it, or says how long on such a machine.
    """
    least: dict[str, float] = {}
    for profile in profiles:
        allowed = profile.budget_ms.get(machine.value) if machine is not None else None
        if allowed is None:
            continue
        for model in profile.model_ids:
            least[model] = min(allowed, least.get(model, UNLIMITED))
    return least


def over(took_ms: float, model: str, allowed: Mapping[str, float]) -> str:
    """Why this is too slow; "" where it is within the model's budget, or has none."""
    most = allowed.get(model, UNLIMITED)
    return f"it takes {took_ms:.0f} ms, {most:.0f} ms are allowed" if took_ms > most else ""
