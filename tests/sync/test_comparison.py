"""Whatever the tower has lost is found, over any link, in few words."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.comparison import Comparison, Items, Sums
from sync.digest_codec import encode_question
from sync.digests import (
    FAN,
    MAX_WIDTH,
    NARROW,
    WIDE,
    Check,
    Compare,
    Differ,
    Held,
    Range,
    leaf,
    sum_of,
    wide_ranges,
)
from sync.messages import Kind
from tests.fakes.comparing_world import Ends, World, blind, content, without


def ends(count: int, revs: int = 2) -> Ends:
    """Both hold the same."""
    held = {seq: content(seq, 1 + seq % revs, 1 + seq % 3) for seq in range(1, count + 1)}
    return Ends(dict(held), dict(held))


def lose(both: Ends, seqs: set[int], kinds: list[Kind]) -> None:
    """Have the tower lose something of these."""
    for n, seq in enumerate(sorted(seqs)):
        if seq not in both.tower:
            continue
        left = without(both.tower[seq], kinds[n % len(kinds)])
        if left is None:
            del both.tower[seq]
        else:
            both.tower[seq] = left


LOST = st.one_of(
    st.sets(st.integers(1, 2500), max_size=40),
    st.tuples(st.integers(1, 2500), st.integers(0, 2500)).map(lambda t: set(range(t[0], sum(t)))),
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    count=st.sampled_from([0, 1, 16, 17, 900, 1024, 1025, 2500]),
    lost=LOST,
    kinds=st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=3),
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.2, 0.5]),
    double=st.sampled_from([0.0, 0.3]),
    delay=st.sampled_from([0.0, 1.0, 8.0]),
    cuts=st.lists(st.floats(0.6, 55), max_size=5).map(tuple),
    workers=st.integers(1, 4),
)
def test_whatever_was_lost_is_there_again_after_a_round_over_any_link(
    count: int,
    lost: set[int],
    kinds: list[Kind],
    seed: int,
    loss: float,
    double: float,
    delay: float,
    cuts: tuple[float, ...],
    workers: int,
) -> None:
    both = ends(count)
    lose(both, lost, kinds)
    world = World(both, seed, loss, double, delay, cuts, workers=workers)
    assert world.run()
    assert both.missing() == []


def test_control_a_tower_that_only_counts_does_not_notice_an_older_revision() -> None:
    both = ends(2000)
    lose(both, {1501}, [Kind.CASE])
    assert both.missing() == [1501]
    assert World(both, answers=blind).run()
    assert both.missing() == [1501]
    assert World(both).run()
    assert both.missing() == []


def test_without_a_difference_the_wide_ranges_are_all_that_is_asked() -> None:
    world = World(ends(20_000))
    assert world.run()
    assert sum(len(q.sums) for q in world.asked if isinstance(q, Compare)) == -(-20_000 // WIDE)
    assert not any(isinstance(q, Check) for q in world.asked)


def test_one_lost_case_of_a_hundred_thousand_costs_less_than_ten_kilobytes() -> None:
    held = {seq: content(seq) for seq in range(1, 100_001)}
    both = Ends(held, {seq: one for seq, one in held.items() if seq != 77_777})
    world = World(both)
    assert world.run()
    assert both.missing() == []
    up = sum(len(encode_question(question)) for question in world.asked)
    print(f"{len(world.asked)} questions of {up} bytes for one lost case of 100,000")
    assert up < 10_000


def test_a_tower_that_lost_everything_is_told_so_by_the_wide_ranges_alone() -> None:
    both = ends(5000)
    both.tower.clear()
    world = World(both)
    assert world.run()
    assert both.missing() == []
    assert all(isinstance(q, Compare) for q in world.asked)
    assert len(world.asked) == 1


def test_what_only_the_tower_holds_stays_there_and_is_told() -> None:
    both = ends(40)
    both.device = {seq: one for seq, one in both.device.items() if seq != 7}
    assert World(both).run()
    assert 7 in both.tower


def test_no_question_is_about_more_than_is_looked_up_at_once() -> None:
    world = World(ends(40_000))
    assert world.run()
    for question in world.asked:
        assert isinstance(question, Compare)
        assert sum(one.range.width for one in question.sums) <= MAX_WIDTH


# Step by step

WHOLE = Range(1, WIDE)


def asked(round_: Comparison, now: float = 0.0) -> Compare | Check:
    """Ask what it wants, with a device that holds nothing but case 5."""
    wish = round_.next(now)
    assert wish is not None
    if isinstance(wish, Items):
        question: Compare | Check = Check(round_.number, wish.range, ())
    else:
        leaves = [(5, leaf([content(5)]))]
        sums = (
            sum_of(r, [pair for pair in leaves if r.first <= pair[0] <= r.last])
            for r in wish.ranges
        )
        question = Compare(round_.number, tuple(sums))
    round_.asked(question, now)
    return question


def test_a_range_that_differs_is_split_until_it_is_narrow_and_then_looked_into() -> None:
    round_ = Comparison([WHOLE], random.Random(1))
    widths = []
    while isinstance(question := asked(round_), Compare):
        widths.append(question.sums[0].range.width)
        assert round_.heard(Differ(question.number, ((0, 9),))) is not None
    assert widths == [WIDE, WIDE // FAN, NARROW]
    assert question.range == Range(1, NARROW)
    round_.heard(Held(question.number, (), ()))
    assert round_.done


def test_while_an_answer_may_come_nothing_more_is_asked_and_later_the_same_again() -> None:
    round_ = Comparison([WHOLE], random.Random(1))
    first = asked(round_)
    assert round_.next(0.5) is None
    wake = round_.wake_at()
    assert wake is not None
    assert 1.0 <= wake <= 2.0
    assert round_.next(wake) == Sums((WHOLE,))
    second = asked(round_, wake)
    assert second.number == first.number + 1
    assert (round_.wake_at() or 0) - wake >= 2.0


def test_an_answer_to_another_question_says_nothing() -> None:
    round_ = Comparison([WHOLE], random.Random(1))
    question = asked(round_)
    assert round_.heard(Differ(question.number + 1, ())) == []
    assert round_.heard(Held(question.number, (), ())) == []
    assert not round_.done
    assert round_.heard(Differ(question.number, ())) != []
    assert round_.done


def test_indices_and_numbers_that_were_not_asked_about_say_nothing() -> None:
    round_ = Comparison([Range(1, 4)], random.Random(1))
    round_.heard(Differ(asked(round_).number, ((0, 1), (7, 3))))
    question = asked(round_)
    (checked,) = round_.heard(Held(question.number, (-1, 0, 9), ((3, b"a" * 32), (5, b"b" * 32))))
    assert (checked.missing, checked.leaves) == ((), ((3, b"a" * 32),))  # type: ignore[union-attr]


def test_a_check_of_a_part_leaves_the_rest_to_be_checked() -> None:
    round_ = Comparison([Range(1, 16)], random.Random(1))
    round_.heard(Differ(asked(round_).number, ((0, 1),)))
    assert round_.next(0.0) == Items(Range(1, 16))
    part = Check(round_.number, Range(1, 9), ())
    round_.asked(part, 0.0)
    round_.heard(Held(part.number, (), ()))
    assert round_.next(0.0) == Items(Range(10, 16))


@pytest.mark.parametrize("width", [1, 16, 17, 100, 128, 1000, 1024])
def test_splitting_a_range_leaves_nothing_out_and_nothing_twice(width: int) -> None:
    whole = Range(33, 32 + width)
    parts = whole.split()
    assert [n for part in parts for n in range(part.first, part.last + 1)] == list(
        range(33, 33 + width)
    )
    assert len(parts) <= FAN
    assert parts[0].width < width or width <= NARROW


def test_the_wide_ranges_begin_with_one() -> None:
    assert wide_ranges([0, 2]) == (Range(1, 1024), Range(2049, 3072))
