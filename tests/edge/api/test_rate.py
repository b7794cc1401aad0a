from __future__ import annotations

from edge.api.rate import MAX_ADDRESSES, Rate


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_goes_at_once_and_comes_back_evenly():
    clock = Clock()
    rate = Rate(60, clock)
    assert all(rate.take("a") for _ in range(60))
    assert not rate.take("a")
    clock.now = 2.5
    assert [rate.take("a") for _ in range(3)] == [True, True, False]


def test_one_address_does_not_use_up_anothers():
    rate = Rate(1, Clock())
    assert rate.take("a")
    assert not rate.take("a")
    assert rate.take("b")


def test_waiting_for_long_gives_no_more_than_a_minutes_worth():
    clock = Clock()
    rate = Rate(3, clock)
    clock.now = 10_000
    assert [rate.take("a") for _ in range(4)] == [True, True, True, False]


def test_many_addresses_take_no_more_memory():
    rate = Rate(1, Clock())
    for n in range(MAX_ADDRESSES + 10):
        rate.take(str(n))
    assert rate.take("0")
    assert not rate.take(str(MAX_ADDRESSES + 9))


async def test_too_many_changes_are_a_429_with_a_time_to_try_again(serve, device):
    client = await serve(rate_per_minute=2)
    body = {"image_id": "0" * 32}
    statuses = [(await client.post("/cases", json=body)).status for _ in range(3)]
    assert statuses == [404, 404, 429]
    device.clock.seconds += 31
    assert (await client.post("/cases", json=body)).status == 404


async def test_reading_and_looking_on_the_device_itself_are_not_counted(serve, upload):
    client = await serve(rate_per_minute=1)
    for _ in range(3):
        assert (await client.get("/cases")).status == 200
        assert (await client.post("/check-image", data=upload())).status == 200
