"""What takes a photo, and when."""

from __future__ import annotations

import asyncio
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from edge.adapters.trigger.arrival import ArrivalTrigger
from edge.adapters.trigger.button import Button, ButtonTrigger
from edge.adapters.trigger.interval import IntervalTrigger, next_due
from edge.adapters.trigger.manual import ManualTrigger
from edge.adapters.trigger.motion import PATIENCE_S, REST_S, Motion, MotionTrigger, changed_share
from edge.errors import CameraError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 160 * 120
GREY = bytes([100]) * SIZE


async def nothing() -> bytes | None:
    return None


def with_square(share: float, level: int = 200) -> bytes:
    changed = int(SIZE * share)
    return bytes([level]) * changed + GREY[changed:]


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        (None, 7.0, 7.0),
        (7.0, 8.0, 17.0),
        (7.0, 16.9, 17.0),
        (7.0, 17.0, 27.0),
        (7.0, 45.0, 47.0),
    ],
)
def test_an_interval_keeps_its_grid_and_makes_up_for_nothing(
    last: float | None, now: float, due: float
) -> None:
    assert next_due(last, now, 10.0) == due


async def test_an_interval_fires_at_once_and_then_regularly() -> None:
    trigger, clock = IntervalTrigger(0.5), asyncio.get_running_loop().time
    start = clock()
    await trigger.wait(nothing)
    first = clock() - start
    for _ in range(2):
        await trigger.wait(nothing)
    assert first < 0.4
    assert 0.9 < clock() - start < 10


async def test_a_manual_trigger_never_fires() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ManualTrigger().wait(nothing), 0.05)


async def test_an_arrival_fires_once_something_waits_and_survives_errors() -> None:
    answers: list[bool | Exception] = [False, CameraError("the share is away"), True]

    def waiting() -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    await asyncio.wait_for(ArrivalTrigger(waiting, poll_s=0.001).wait(nothing), 5)
    assert answers == []


@pytest.mark.parametrize("share", [0.0, 0.01, 0.25])
def test_the_changed_share_is_what_changed(share: float) -> None:
    assert changed_share(GREY, with_square(share)) == pytest.approx(share, abs=0.001)


def test_a_change_of_the_light_is_no_motion() -> None:
    assert changed_share(GREY, bytes([160]) * SIZE) == 0


def test_noise_below_the_step_is_no_motion() -> None:
    noisy = bytes(100 + (i * 7919 % 41) - 20 for i in range(SIZE))
    assert changed_share(GREY, noisy) == 0


def test_another_size_is_a_change_and_nothing_is_none() -> None:
    assert (changed_share(GREY, GREY[1:]), changed_share(b"", b"")) == (1.0, 0.0)


def fed(motion: Motion, *glances: tuple[bytes | None, float]) -> list[bool]:
    return [motion.feed(glance, now) for glance, now in glances]


def test_motion_fires_when_what_moved_has_come_to_rest() -> None:
    moved = with_square(0.2)
    motion = Motion(0.02)
    assert fed(motion, (GREY, 0), (GREY, 1), (moved, 1.2), (moved, 1.4), (moved, 1.6)) == [
        False,
        False,
        False,
        True,
        False,
    ]


def test_motion_without_end_fires_after_some_patience() -> None:
    motion, fired, now = Motion(0.02), [], 0.0
    for n in range(60):
        now = n * 0.2
        if motion.feed(with_square(0.2) if n % 2 else GREY, now):
            fired.append(now)
    assert fired[0] == pytest.approx(PATIENCE_S + 0.2, abs=0.01)
    assert fired[1] - fired[0] >= REST_S


def test_less_than_the_share_does_not_fire() -> None:
    small = with_square(0.01)
    assert not any(fed(Motion(0.02), (GREY, 0), (small, 1), (small, 2), (GREY, 3), (GREY, 4)))


def test_a_camera_that_was_away_is_no_motion() -> None:
    moved = with_square(0.2)
    assert not any(fed(Motion(0.02), (GREY, 0), (None, 1), (moved, 2), (moved, 3)))


async def test_a_motion_trigger_glances_until_something_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.adapters.trigger.motion.POLL_S", 0.001)
    glances = iter([None, GREY, GREY, with_square(0.3), with_square(0.3), GREY])

    async def glance() -> bytes | None:
        return next(glances)

    await asyncio.wait_for(MotionTrigger(0.02).wait(glance), 5)
    assert next(glances) == GREY


class FakeButton:
    """A pin that a test presses."""

    def __init__(self) -> None:
        self.pressed: Callable[[], None] = lambda: None
        self.pin = -1
        self.closed = False

    def connect(self, pin: int, pressed: Callable[[], None]) -> Button:
        """Remember what to call."""
        self.pin, self.pressed = pin, pressed
        return self

    def close(self) -> None:
        """Remember."""
        self.closed = True


async def test_presses_during_a_photo_count_as_one() -> None:
    button = FakeButton()
    trigger = ButtonTrigger(22, button.connect)
    waiting = asyncio.create_task(trigger.wait(nothing))
    await asyncio.sleep(0)
    await asyncio.to_thread(button.pressed)
    await asyncio.wait_for(waiting, 5)
    await asyncio.to_thread(button.pressed)
    await asyncio.to_thread(button.pressed)
    await asyncio.wait_for(trigger.wait(nothing), 5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(trigger.wait(nothing), 0.05)
    trigger.close()
    assert (button.pin, button.closed) == (22, True)


async def test_without_gpiozero_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero", None)
    with pytest.raises(ConfigError) as caught:
        await ButtonTrigger(17).wait(nothing)
    assert "apt install python3-gpiozero" in caught.value.hint


def fake_gpiozero(button: Callable[..., object]) -> ModuleType:
    module = ModuleType("gpiozero")
    vars(module).update(Button=button, GPIOZeroError=type("GPIOZeroError", (Exception,), {}))
    return module


async def test_gpiozero_is_asked_for_a_button_to_ground(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, dict[str, object]]] = []

    class GpioButton(FakeButton):
        when_pressed: Callable[[], None] | None = None

    pin = GpioButton()

    def button(number: int, **options: object) -> GpioButton:
        made.append((number, options))
        return pin

    monkeypatch.setitem(sys.modules, "gpiozero", fake_gpiozero(button))
    waiting = asyncio.create_task(ButtonTrigger(17).wait(nothing))
    await asyncio.sleep(0)
    assert pin.when_pressed is not None
    pin.when_pressed()
    await asyncio.wait_for(waiting, 5)
    assert made == [(17, {"pull_up": True, "bounce_time": 0.05})]


async def test_a_machine_without_pins_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def button(number: int, **_: object) -> None:
        raise sys.modules["gpiozero"].GPIOZeroError("no pin factory")

    monkeypatch.setitem(sys.modules, "gpiozero", fake_gpiozero(button))
    with pytest.raises(ConfigError, match="gpio_pin = 17: no pin factory"):
        await ButtonTrigger(17).wait(nothing)
