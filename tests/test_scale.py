"""Every measurement stands on one scale, inside exactly where its rule is satisfied."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tutorial_utils.report.scale import Standing, place, stand
from tutorial_utils.report.verdicts import Rule, Verdict, above, below, between, p_value

NUMBERS = st.integers(-1000, 1000).map(lambda n: n / 8)
RULES = st.one_of(
    NUMBERS.map(above), NUMBERS.map(below), st.tuples(NUMBERS, NUMBERS).map(lambda b: between(*sorted(b)))
)


@pytest.mark.parametrize(
    ("rule", "interval", "depths"),
    [
        (above(2), (5, 4, 6), (3, 2, 4)),
        (above(2), (1, -1, 5), (-0.25, -0.75, 0.75)),  # the arm towards the bound is 4 long
        (below(2), (5, 4, 6), (-3, -4, -2)),
        (below(2), (1, -1, 5), (0.25, -0.75, 0.75)),
        (between(2, 10), (5, 4, 6), (3, 2, 4)),
        (between(2, 10), (5, 4, 9), (3, 1, 4)),  # deepest in the middle, at 6
        (between(2, 10), (5, 1, 13), (0.75, -0.75, 1)),  # around both bounds
        (between(2, 10), (12, 11, 13), (-2, -3, -1)),
        (above(2), (2.5, 2.5, 3), (1, 1, 2)),  # no arm towards the bound
    ],
)
def test_depths_by_hand(
    rule: Rule, interval: tuple[float, float, float], depths: tuple[float, float, float]
) -> None:
    found = stand(rule, *interval)
    assert (found.depth, found.low, found.high) == pytest.approx(depths)


def test_ratios_are_compared_by_their_logarithms_where_they_have_any() -> None:
    assert stand(above(1), 4, 2, 8, log_scale=True) == Standing(2, 1, 3)
    assert stand(above(1), 0.25, 0.125, 0.5, log_scale=True) == Standing(-2, -3, -1)
    assert stand(above(1), 1, 0, 2, log_scale=True) == stand(above(1), 1, 0, 2)
    assert stand(above(0), 4, 2, 8, log_scale=True) == stand(above(0), 4, 2, 8)


def test_what_is_not_uncertain_lies_infinitely_deep() -> None:
    assert stand(below(2), 1, None, None) == Standing(math.inf, math.inf, math.inf)
    assert stand(below(2), 3, 3, 3).depth == -math.inf
    assert stand(between(0, 0), 0, None, None).depth == math.inf


@given(RULES, st.lists(NUMBERS, min_size=3, max_size=3).map(sorted))
def test_the_scale_agrees_with_the_verdict(rule: Rule, numbers: list[float]) -> None:
    low, value, high = numbers
    if set(rule.bounds) & {low, high}:
        return  # whether a bound itself is accepted is not a matter of distance
    found, verdict = stand(rule, value, low, high), rule.judge(value, low, high)
    assert found.low <= found.depth <= found.high
    assert (found.low >= 0, found.high < 0) == (verdict is Verdict.HOLDS, verdict is Verdict.FAILS)


@given(RULES, NUMBERS, st.integers(1, 400))
def test_a_depth_is_as_surprising_as_its_p_value_says(rule: Rule, value: float, arm: int) -> None:
    depth = stand(rule, value, value - arm / 8, value + arm / 8).depth
    p = 2 * stats.norm.sf(abs(depth) * stats.norm.isf(0.025))
    assert p_value(rule, value, value - arm / 8, value + arm / 8) == pytest.approx(p, abs=1e-12)


def test_places_lie_alike_on_both_sides_and_none_outside() -> None:
    assert place(0, 10) == 0
    assert [place(depth, 10) for depth in (10, 40, math.inf, -10, -math.inf)] == [1, 1, 1, -1, -1]
    assert place(3, 10) == -place(-3, 10) == pytest.approx(math.log(1.5 + math.sqrt(3.25)) / math.asinh(5))
