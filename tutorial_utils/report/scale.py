"""Where a measurement stands against its rule, on one scale that all rules share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tutorial_utils.report.verdicts import Rule


@dataclass(frozen=True)
class Standing:
    """How deep a measurement lies in what its rule accepts, in half-lengths of its interval.

    Attributes:
        depth: Of the estimate: 0 on the bound, positive inside, negative outside; infinite if it is exact.
        low: The least depth in the interval.
        high: The greatest.
    """

    depth: float
    low: float
    high: float


def stand(
    rule: Rule, value: float, low: float | None, high: float | None, *, log_scale: bool = False
) -> Standing:
    """Say where a measurement stands.

    The depth of a value is its distance from the nearest bound. It is counted in lengths of the arm that the
    interval has towards that bound, so an interval reaches the bound exactly where the depth is 1 or less.
    Units cancel, and "above", "below" and "between" look the same: what is accepted lies at 0 and beyond.
    Between two bounds the depth grows from either and is greatest in the middle.

    Args:
        rule: What is accepted.
        value: The estimate.
        low: Lower end of its interval, or None.
        high: Upper end, or None.
        log_scale: Whether distances are those of logarithms, as for ratios. Where a bound or the interval is
            not above 0, they are plain.

    Returns:
        Depths. Without an interval, or with one of no length, all are infinite: nothing is uncertain.
    """
    if low is None or high is None or low == high:
        depth = math.inf if rule.satisfied(value) else -math.inf
        return Standing(depth, depth, depth)
    bounds = rule.bounds
    if log_scale and min(low, *bounds) > 0:
        value, low, high = map(math.log, (value, low, high))
        bounds = tuple(map(math.log, bounds))

    def inside(at: float) -> float:
        return {
            "above": at - bounds[0],
            "below": bounds[0] - at,
            "between": min(at - bounds[0], bounds[-1] - at),
        }[rule.kind]

    nearest = min(bounds, key=lambda bound: abs(value - bound))
    arm = value - low if nearest < value else high - value
    unit = arm or high - low  # an estimate at the very end of its interval has no arm there
    middle = min(max(sum(bounds) / len(bounds), low), high)
    found = [inside(at) / unit for at in (low, value, middle, high)]
    return Standing(found[1], min(found), max(found))


def place(depth: float, limit: float) -> float:
    """Put a depth on the scale: about linear near the bound, about logarithmic far from it.

    Args:
        depth: Any, infinite ones, too.
        limit: Depth at the ends of the scale, above 0; what lies beyond stands there.

    Returns:
        -1 to 1, and 0 for the bound: asinh(depth / 2) / asinh(limit / 2).
    """
    inside = min(max(depth, -limit), limit)
    return math.asinh(inside / 2) / math.asinh(limit / 2)
