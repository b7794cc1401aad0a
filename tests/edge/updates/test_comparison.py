"""Two opinions on the same photos, and what follows from them."""

from __future__ import annotations

from dataclasses import replace

from edge.updates.comparison import Pair, Rules, Tally, Verdict, compare, judge
from models.detection import Prediction, Source

RULES = Rules(photos=20, seconds=100.0)


def saw(label: str, left: float = 0.0, confidence: float = 0.8, shown: bool = True) -> Prediction:
    box = (left, 0.0, left + 100.0, 100.0)
    return Prediction(label, confidence, box, Source.DETECTOR, shown=shown)


def pairs(n: int, **more: object) -> Tally:
    values = {"agreed": 1, "only_champion": (), "only_challenger": (), "drift": 0.0}
    values |= {"champion_ms": 10.0, "challenger_ms": 11.0, **more}
    tally = Tally()
    for _ in range(n):
        tally = tally.plus(Pair(**values))
    return tally


def test_the_same_thing_in_about_the_same_place_is_agreed_on():
    found = compare([saw("dent")], [saw("dent", 20, 0.9)], 10, 12)
    assert (found.agreed, found.only_champion, found.only_challenger) == (1, (), ())
    assert abs(found.drift - 0.1) < 1e-9


def test_where_agreement_alone_counts_neither_failures_nor_time_do():
    lenient = replace(RULES, agreement_alone=True)
    assert judge(Tally(failures=3), lenient, 1.0)[0] is Verdict.GO_ON
    assert judge(pairs(10, challenger_ms=900.0), lenient, 1.0, 5.0)[0] is Verdict.GO_ON
    apart = pairs(10, agreed=0, only_champion=("dent",), only_challenger=("rust",))
    assert judge(apart, lenient, 1.0)[0] is Verdict.WORSE


def test_one_over_the_budget_is_worse_though_the_other_is_as_slow():
    tally = pairs(10, champion_ms=100.0, challenger_ms=100.0)
    assert judge(tally, RULES, 1.0, 99.0)[0] is Verdict.WORSE
    assert judge(tally, RULES, 1.0, 100.0)[0] is Verdict.GO_ON


def test_another_label_or_place_is_a_disagreement_of_both():
    found = compare([saw("dent"), saw("rust", 500)], [saw("crack"), saw("rust", 900)], 10, 12)
    assert found.agreed == 0
    assert found.only_champion == ("dent", "rust")
    assert found.only_challenger == ("crack", "rust")


def test_one_box_is_no_answer_to_two():
    found = compare([saw("dent"), saw("dent", 5)], [saw("dent")], 10, 12)
    assert (found.agreed, found.only_champion) == (1, ("dent",))


def test_what_people_are_not_shown_does_not_count():
    assert compare([saw("dent", shown=False)], [], 1, 1).only_champion == ()


def test_enough_photos_without_trouble_are_good():
    assert judge(pairs(19), RULES, 1.0)[0] is Verdict.GO_ON
    assert judge(pairs(20), RULES, 1.0) == (Verdict.GOOD, "")


def test_enough_time_is_good_too():
    assert judge(pairs(3), RULES, 100.0)[0] is Verdict.GOOD
    assert judge(Tally(), RULES, 100.0)[0] is Verdict.GOOD


def test_one_failure_is_worse_at_once():
    assert judge(Tally(failures=1), RULES, 1.0)[0] is Verdict.WORSE


def test_ten_times_slower_is_worse_long_before_the_end():
    verdict, why = judge(pairs(10, challenger_ms=100.0), RULES, 1.0)
    assert verdict is Verdict.WORSE
    assert "100 ms of the processor where 10 ms" in why


def test_seeing_quite_another_thing_is_worse():
    tally = pairs(10, agreed=0, only_champion=("dent",), only_challenger=("rust",))
    verdict, why = judge(tally, RULES, 1.0)
    assert (verdict, "agreement 0.00" in why) == (Verdict.WORSE, True)


def test_seeing_a_little_more_is_not_worse():
    tally = pairs(10).plus(Pair(1, (), ("dent",), 0.0, 10, 10))
    assert judge(tally, RULES, 1.0)[0] is Verdict.GO_ON
    assert tally.added == {"dent": 1}


def test_seeing_nothing_where_nothing_is_is_full_agreement():
    assert pairs(5, agreed=0).agreement == 1.0
