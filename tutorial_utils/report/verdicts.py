"""From an interval and a rule to a verdict, from parts to a claim, and what is left after many tests."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal, TypeAlias

from pydantic import ConfigDict

from tutorial_utils.evaluation.statistics import CONFIDENCE
from tutorial_utils.exceptions import ClaimError

RuleKind: TypeAlias = Literal["above", "below", "between"]
"""Which values a rule accepts."""

Logic: TypeAlias = Literal["all", "alternatives"]
"""What the parts of a claim are to it; see :func:`combine`."""

Unit: TypeAlias = Literal["share", "points", "number", "ratio", "seconds", "milliseconds", "KiB"]
"""How a value is written. A share is a fraction, points are a difference of fractions."""


_FORMATS: dict[Unit, tuple[float, str, str]] = {
    "share": (100, "", " %"),
    "points": (100, "+", " points"),
    "number": (1, "", ""),
    "ratio": (1, "", " times"),
    "seconds": (1, "", " s"),
    "milliseconds": (1, "", " ms"),
    "KiB": (1, "", " KiB"),
}
"""Scale, sign and suffix."""


class Verdict(StrEnum):
    """What a rule says of a measurement, or the parts say of their claim; only claims are mixed."""

    HOLDS = "holds"
    FAILS = "does not hold"
    MIXED = "mixed"
    UNSETTLED = "not settled"
    UNTESTABLE = "cannot be tested"

    @property
    def singular(self) -> str:
        """As said of one claim: ``"holds"``, ``"is mixed"``."""
        return f"is {self.value}" if self.name in ("MIXED", "UNSETTLED") else self.value

    @property
    def plural(self) -> str:
        """As said of several: ``"hold"``, ``"are mixed"``."""
        words = {"HOLDS": "hold", "FAILS": "do not hold", "UNTESTABLE": "cannot be tested"}
        return words.get(self.name, f"are {self.value}")

    @property
    def symbol(self) -> str:
        """One character that tells verdicts apart without colour."""
        return {"HOLDS": "✓", "FAILS": "✗", "MIXED": "◐", "UNSETTLED": "○", "UNTESTABLE": "?"}[self.name]


def write_value(value: float, unit: Unit, digits: int = 2) -> str:
    """Write a value for readers, such as ``"92.58 %"``, ``"+0.32 points"`` or ``"1.32 times"``.

    Args:
        value: Finite; shares and points as fractions.
        unit: One of :data:`Unit`.
        digits: Decimals. A plain number of which they would leave one digit or none has two significant ones
            instead: ``"0.00069"``, ``"8e-05"``.
    """
    value = float(value)  # a tensor of one number rounds and prints differently
    scale, sign, suffix = _FORMATS[unit]
    if unit == "number" and value != 0 and abs(value) < 10 ** (1 - digits):
        return f"{value:.2g}"
    return f"{scale * value:{sign}z,.{digits}f}{suffix}"


def _write_bound(value: float, unit: Unit) -> str:
    """Write a bound as it was chosen: exact, with no more digits than it needs."""
    scale, _, suffix = _FORMATS[unit]
    text = f"{scale * value:,.10g}"
    return f"{text} point" if text == "1" and unit == "points" else text + suffix


@dataclass(frozen=True)
class Rule:
    """Which values support a claim; made by :func:`above`, :func:`below` and :func:`between`.

    Attributes:
        kind: ``"above"`` and ``"below"`` exclude their bound, ``"between"`` includes both.
        bounds: One finite number, or two in order for ``"between"``, in the unit of the measurement.

    Raises:
        ClaimError: The bounds do not fit the kind.
    """

    __pydantic_config__: ClassVar = ConfigDict(strict=True, revalidate_instances="always")

    kind: RuleKind
    bounds: tuple[float, ...]

    def __post_init__(self) -> None:
        count, wanted = 1, "one finite bound"
        if self.kind == "between":
            count, wanted = 2, "two finite bounds, the lower first"
        finite = [bound for bound in self.bounds if math.isfinite(bound)]
        if not len(finite) == len(self.bounds) == count or finite != sorted(finite):
            raise ClaimError(f"{self.kind!r} needs {wanted}, found {self.bounds}")

    def satisfied(self, value: float) -> bool:
        """Say whether a value supports the claim."""
        if self.kind == "above":
            return value > self.bounds[0]
        if self.kind == "below":
            return value < self.bounds[0]
        return self.bounds[0] <= value <= self.bounds[1]

    def judge(self, value: float, low: float | None = None, high: float | None = None) -> Verdict:
        """Judge a measurement by its whole interval; without one, by its value.

        Returns:
            ``HOLDS`` if the whole interval satisfies the rule, ``FAILS`` if no value does, and otherwise
            ``UNSETTLED``.
        """
        if low is None or high is None:
            low = high = value
        inside = self.satisfied(low), self.satisfied(high)
        # Every rule accepts an unbroken range, so two ends inside mean that all between them is.
        if all(inside):
            return Verdict.HOLDS
        around = self.kind == "between" and low < self.bounds[0] and high > self.bounds[1]
        return Verdict.UNSETTLED if any(inside) or around else Verdict.FAILS

    def text(self, unit: Unit = "number") -> str:
        """Write the rule, such as ``"above 0.1 points"``."""
        words = [_write_bound(bound, unit) for bound in self.bounds]
        if self.kind == "between" and self.bounds[0] == self.bounds[1]:
            return f"exactly {words[0]}"
        return f"{self.kind} {' and '.join(words)}"


def above(bound: float) -> Rule:
    """Make a rule that holds for values greater than the bound, not for the bound itself."""
    return Rule("above", (float(bound),))


def below(bound: float) -> Rule:
    """Make a rule that holds for values smaller than the bound, not for the bound itself."""
    return Rule("below", (float(bound),))


def between(low: float, high: float) -> Rule:
    """Make a rule that holds from one bound to the other, both included."""
    return Rule("between", (float(low), float(high)))


def combine(verdicts: Iterable[Verdict], logic: Logic) -> Verdict:
    """Judge a claim by the verdicts of its parts.

    Parts that cannot be tested decide nothing, and a claim that has no others cannot be tested. Where some
    parts hold and some do not, the claim is mixed, whatever the others turn out to be. Otherwise the logic,
    which is stated with the rules, says what becomes of parts that are not settled:

    * ``"all"``: the claim says all its parts, so it waits for each. It holds if all hold, does not hold if
      none does, and is not settled while a part is open.
    * ``"alternatives"``: the parts are readings of one statement, several ways to put it to the test. One
      that the data cannot settle leaves the word to the others: the claim gets the verdict that those agree
      on, and is not settled if there are none.
    """
    testable = {verdict for verdict in verdicts if verdict is not Verdict.UNTESTABLE}
    settled = testable - {Verdict.UNSETTLED}
    if not testable:
        return Verdict.UNTESTABLE
    if len(settled) > 1:
        return Verdict.MIXED
    if not settled or (logic == "all" and settled != testable):
        return Verdict.UNSETTLED
    return settled.pop()


def p_value(
    rule: Rule,
    value: float,
    low: float,
    high: float,
    *,
    degrees_of_freedom: float | None = None,
    log_scale: bool = False,
) -> float:
    """How much speaks for the side of the rule on which the estimate lies.

    That is the smallest alpha at which the interval of 1 - alpha around the estimate still lies wholly inside
    what the rule accepts, for an estimate inside, or wholly outside. Only the 95 % interval is known, so the
    others are made as if the estimate varied normally, with the standard error that the 95 % interval has
    *towards the bound*; an interval that reaches farther to one side has another one there. Inside two
    bounds, both must be cleared, and the larger of the two values counts (two one-sided tests, Schuirmann
    1987).

    An approximation for all but t intervals, for which it is the t-test against the bound. It agrees with the
    verdict: below 0.05 if and only if the 95 % interval settles the rule.

    Args:
        rule: What is accepted.
        value: The estimate.
        low: Lower end of its 95 % interval.
        high: Upper end.
        degrees_of_freedom: Of Student's t, where the interval is its; None stands for the normal one.
        log_scale: Whether the logarithm varies normally, as that of an odds ratio does.

    Returns:
        A two-sided p-value, 0 to 1.

    Raises:
        ClaimError: The interval of a logarithm reaches down to 0 or below.
    """
    from scipy import stats

    if log_scale:
        if low <= 0:
            raise ClaimError(f"on a log scale an interval lies above 0, found [{low}, {high}]")
        value, low, high = map(math.log, (value, low, high))
    bounds = [(math.log(bound) if bound > 0 else -math.inf) if log_scale else bound for bound in rule.bounds]
    inside = rule.satisfied(math.exp(value) if log_scale else value)
    if not inside:
        bounds = [min(bounds, key=lambda bound: abs(value - bound))]
    spread = stats.norm if degrees_of_freedom is None else stats.t(degrees_of_freedom)
    half_width = spread.isf((1 - CONFIDENCE) / 2)
    found = []
    for bound in bounds:
        distance, reach = abs(value - bound), value - low if bound < value else high - value
        if reach > 0:
            found.append(float(2 * spread.sf(distance / reach * half_width)))
        else:
            found.append(float(distance == 0))
    return max(found)


def holm(p_values: Sequence[float], family: int = 0) -> list[float]:
    """Adjust p-values for being several (Holm 1979): the chance of any wrong verdict stays below 5 %.

    Args:
        p_values: Those at hand.
        family: How many there are in all, where more belong together than are at hand. The others count as
            larger than these, which can make an adjusted value too large, never too small.

    Returns:
        One adjusted value each, at most 1, to be compared with 0.05.
    """
    from statsmodels.stats.multitest import multipletests

    if not p_values:
        return []
    others = [1.0] * (family - len(p_values))
    adjusted = multipletests([*p_values, *others], method="holm")[1]
    return [float(value) for value in adjusted[: len(p_values)]]
