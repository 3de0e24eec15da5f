"""An interval and a rule make a verdict, parts make a claim's, and many tests ask for stronger evidence."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

from tutorial_utils.evaluation import statistics
from tutorial_utils.exceptions import ClaimError
from tutorial_utils.report.verdicts import (
    Rule,
    Verdict,
    above,
    below,
    between,
    combine,
    holm,
    p_value,
    write_value,
)

HOLDS, FAILS, MIXED, UNSETTLED, UNTESTABLE = Verdict

# Rules


@pytest.mark.parametrize(
    ("rule", "inside", "outside"),
    [
        (above(0.1), [0.1001, 5], [0.1, 0.0999, -5]),
        (below(0.1), [0.0999, -5], [0.1, 0.1001, 5]),
        (between(-1, 2), [-1, 0, 2], [-1.001, 2.001]),
        (between(1, 1), [1], [0.999, 1.001]),
    ],
)
def test_one_bound_is_excluded_and_two_are_included(
    rule: Rule, inside: list[float], outside: list[float]
) -> None:
    assert all(rule.satisfied(value) for value in inside)
    assert not any(rule.satisfied(value) for value in outside)


@pytest.mark.parametrize(
    ("rule", "unit", "text"),
    [
        (above(0.01), "points", "above 1 point"),
        (below(-0.005), "points", "below -0.5 points"),
        (between(0.41, 0.42), "share", "between 41 % and 42 %"),
        (between(1, 1), "share", "exactly 100 %"),
        (above(1.1), "ratio", "above 1.1 times"),
        (below(1e-6), "number", "below 1e-06"),
        (below(12_345), "number", "below 12,345"),
        (below(30.66), "KiB", "below 30.66 KiB"),
        (below(2.5), "seconds", "below 2.5 s"),
        (below(2.5), "milliseconds", "below 2.5 ms"),
    ],
)
def test_a_rule_is_written_in_its_unit_with_its_bounds_exact(rule: Rule, unit: Any, text: str) -> None:
    assert rule.text(unit) == text


@pytest.mark.parametrize(
    ("kind", "bounds", "message"),
    [
        ("above", (1.0, 2.0), "one finite"),
        ("between", (1.0,), "two finite"),
        ("below", (math.nan,), "one finite"),
        ("between", (2.0, 1.0), "the lower first"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(kind: Any, bounds: tuple[float, ...], message: str) -> None:
    with pytest.raises(ClaimError, match=message):
        Rule(kind, bounds)


# Values


@pytest.mark.parametrize(
    ("value", "unit", "digits", "text"),
    [
        (0.92579, "share", 2, "92.58 %"),
        (-0.0032, "points", 1, "-0.3 points"),
        (-1e-9, "points", 2, "+0.00 points"),
        (1.318, "ratio", 2, "1.32 times"),
        (12_345, "number", 0, "12,345"),
        (0, "number", 2, "0.00"),
        (0.000691, "number", 3, "0.00069"),
        (0.01, "number", 3, "0.010"),
        (8e-5, "number", 2, "8e-05"),
        (-8e-5, "number", 2, "-8e-05"),
        (8e-5, "number", 6, "0.000080"),
        (30.664, "KiB", 2, "30.66 KiB"),
    ],
)
def test_a_value_is_written_in_its_unit(value: float, unit: Any, digits: int, text: str) -> None:
    assert write_value(value, unit, digits) == text
    for scalar in (np.float64(value), torch.tensor(value, dtype=torch.float64)):
        assert write_value(scalar, unit, digits) == text  # type: ignore[arg-type]


# Verdicts of parts


@pytest.mark.parametrize(
    ("low", "value", "high", "rule", "verdict"),
    [
        (0.2, 0.3, 0.4, above(0.1), HOLDS),
        (0.1, 0.3, 0.4, above(0.1), UNSETTLED),
        (0.0, 0.1, 0.4, above(0.1), UNSETTLED),
        (0.0, 0.05, 0.1, above(0.1), FAILS),
        (0.2, 0.3, 0.4, below(0.5), HOLDS),
        (0.2, 0.3, 0.5, below(0.5), UNSETTLED),
        (0.2, 0.5, 0.6, below(0.5), UNSETTLED),
        (0.5, 0.6, 0.7, below(0.5), FAILS),
        (0.2, 0.3, 0.4, between(0.2, 0.4), HOLDS),
        (0.1, 0.3, 0.4, between(0.2, 0.4), UNSETTLED),
        (0.2, 0.3, 0.5, between(0.2, 0.4), UNSETTLED),
        (0.1, 0.3, 0.5, between(0.2, 0.4), UNSETTLED),
        (0.1, 0.15, 0.2, between(0.2, 0.4), UNSETTLED),
        (0.1, 0.15, 0.19, between(0.2, 0.4), FAILS),
        (0.41, 0.5, 0.6, between(0.2, 0.4), FAILS),
        (None, 0.3, None, above(0.1), HOLDS),
        (None, 0.1, None, above(0.1), FAILS),
    ],
)
def test_a_part_is_judged_by_its_whole_interval_or_its_value(
    low: float | None, value: float, high: float | None, rule: Rule, verdict: Verdict
) -> None:
    assert rule.judge(value, low, high) is verdict


@pytest.mark.parametrize("rule", [above(0.5), below(0.5), between(0.5, 0.9)])
def test_moving_a_measurement_over_a_bound_changes_the_verdict_in_every_direction(rule: Rule) -> None:
    """Away from the bound on either side it is settled, across the bound it is not; there and back."""
    inward = -1 if rule.kind == "below" else 1
    half = 0.1
    for inside, across, outside in itertools.product((0.11, 0.15), (-0.09, 0.0, 0.09), (-0.11, -0.4)):
        found = []
        for shift in (inside, across, outside, across, inside):
            value = 0.5 + inward * shift
            found.append(rule.judge(value, value - half, value + half))
        assert found == [HOLDS, UNSETTLED, FAILS, UNSETTLED, HOLDS]
    value = 0.5 + inward * 0.2
    widths = [rule.judge(value, value - width, value + width) for width in (0.19, 0.21)]
    assert widths == [HOLDS, UNSETTLED], "the same by a wider interval alone"


def test_verdicts_are_told_apart_by_symbols_and_said_of_one_and_of_several() -> None:
    assert len({verdict.symbol for verdict in Verdict}) == 5
    assert [(str(verdict), verdict.singular, verdict.plural) for verdict in Verdict] == [
        ("holds", "holds", "hold"),
        ("does not hold", "does not hold", "do not hold"),
        ("mixed", "is mixed", "are mixed"),
        ("not settled", "is not settled", "are not settled"),
        ("cannot be tested", "cannot be tested", "cannot be tested"),
    ]


# Verdicts of claims


@pytest.mark.parametrize(
    ("parts", "of_all", "of_alternatives"),
    [
        ([HOLDS, HOLDS], HOLDS, HOLDS),
        ([FAILS, FAILS], FAILS, FAILS),
        ([HOLDS, FAILS], MIXED, MIXED),
        ([HOLDS, FAILS, UNSETTLED], MIXED, MIXED),
        ([HOLDS, UNSETTLED], UNSETTLED, HOLDS),
        ([FAILS, UNSETTLED], UNSETTLED, FAILS),
        ([UNSETTLED], UNSETTLED, UNSETTLED),
        ([UNTESTABLE], UNTESTABLE, UNTESTABLE),
    ],
)
def test_a_claim_is_judged_by_its_parts_and_its_logic(
    parts: list[Verdict], of_all: Verdict, of_alternatives: Verdict
) -> None:
    for order in itertools.permutations([*parts, *([UNTESTABLE] * (parts[0] is not UNTESTABLE))]):
        assert combine(order, "all") is of_all
        assert combine(order, "alternatives") is of_alternatives


def test_a_claim_of_all_parts_is_settled_exactly_when_no_open_part_could_change_it() -> None:
    for parts in itertools.product([HOLDS, FAILS, UNSETTLED], repeat=3):
        choices = [[HOLDS, FAILS] if part is UNSETTLED else [part] for part in parts]
        possible = {combine(outcome, "all") for outcome in itertools.product(*choices)}
        assert combine(parts, "all") is (possible.pop() if len(possible) == 1 else UNSETTLED)


# Evidence


SAMPLE = np.random.default_rng(3).normal(0.4, 0.2, size=12)


@pytest.mark.parametrize("bound", [0.1, 0.3, 0.41, 0.6, 0.9])
def test_the_p_value_of_a_t_interval_is_that_of_the_t_test_against_the_bound(bound: float) -> None:
    low, high = statistics.mean_interval(SAMPLE)
    expected = stats.ttest_1samp(SAMPLE, bound).pvalue
    for rule in (above(bound), below(bound)):
        found = p_value(rule, SAMPLE.mean(), low, high, degrees_of_freedom=11)
        assert found == pytest.approx(expected, rel=1e-6)


def test_between_two_bounds_the_p_value_is_that_of_two_one_sided_tests() -> None:
    low, high = statistics.mean_interval(SAMPLE)
    one_sided, *_ = ttost_paired(SAMPLE, np.zeros_like(SAMPLE), 0.2, 0.7)
    found = p_value(between(0.2, 0.7), SAMPLE.mean(), low, high, degrees_of_freedom=11)
    assert found == pytest.approx(2 * one_sided, rel=1e-6), "intervals of 95 % have 2.5 % on either side"
    beside = p_value(between(0.7, 0.9), SAMPLE.mean(), low, high, degrees_of_freedom=11)
    assert beside == pytest.approx(DescrStatsW(SAMPLE).ttest_mean(0.7)[1], rel=1e-6)


def test_without_degrees_of_freedom_the_p_value_is_normal_and_may_be_of_logarithms() -> None:
    estimate, error = math.log(0.43), 0.21
    low, high = (math.exp(estimate + side * stats.norm.isf(0.025) * error) for side in (-1, 1))
    expected = 2 * stats.norm.sf(abs(estimate) / error)
    assert p_value(below(1), 0.43, low, high, log_scale=True) == pytest.approx(expected, rel=1e-6)
    assert p_value(above(1), 0.43, low, high, log_scale=True) == pytest.approx(expected, rel=1e-6)
    assert p_value(above(0), 0.43, low, high, log_scale=True) == 0
    linear = p_value(above(0), 0.3, 0.1, 0.5)
    assert linear == pytest.approx(2 * stats.norm.sf(0.3 / (0.2 / stats.norm.isf(0.025))), rel=1e-6)
    with pytest.raises(ClaimError, match="above 0"):
        p_value(above(1), 0.5, 0.0, 2.0, log_scale=True)


def test_an_uneven_interval_counts_on_the_side_of_the_bound() -> None:
    toward_low, toward_high = p_value(above(0), 1, 0.5, 9), p_value(below(10), 1, 0.5, 9)
    assert toward_low == pytest.approx(2 * stats.norm.sf(2 * stats.norm.isf(0.025)))
    assert toward_high == pytest.approx(2 * stats.norm.sf(9 / 8 * stats.norm.isf(0.025)))


@pytest.mark.parametrize("freedom", [None, 4, 9])
def test_a_verdict_is_settled_exactly_where_the_p_value_is_small(freedom: float | None) -> None:
    draw = np.random.default_rng(0)
    for _ in range(300):
        value, left, right, *bounds = draw.uniform(0, 1, 5)
        low, high = value - left, value + right
        for rule in (above(bounds[0]), below(bounds[0]), between(*sorted(bounds))):
            settled = rule.judge(value, low, high) is not UNSETTLED
            assert settled == (p_value(rule, value, low, high, degrees_of_freedom=freedom) < 0.05)


def test_an_interval_of_no_width_is_certain_but_on_its_bound() -> None:
    assert p_value(above(0.5), 0.6, 0.6, 0.6) == 0
    assert p_value(above(0.6), 0.6, 0.6, 0.6) == 1


def by_hand(p_values: list[float]) -> list[float]:
    """Holm 1979: the smallest times m, the next times m - 1, and so on, never falling."""
    order, adjusted, largest = np.argsort(p_values), [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def test_holm_adjusts_as_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    drawn = list(np.random.default_rng(1).uniform(0, 0.2, 30))
    assert holm(drawn) == pytest.approx(by_hand(drawn))


def test_a_part_of_the_family_never_gets_less_than_the_whole_would_give_it() -> None:
    draw = np.random.default_rng(2)
    for _ in range(10):  # each adjustment collects garbage, which takes long
        p_values = list(draw.beta(0.2, 1, 20))
        assert all(np.array(holm(p_values[:8], 20)) >= np.array(holm(p_values)[:8]) - 1e-12)
    assert holm([0.001], 50) == pytest.approx([0.05])
