"""Claims, the rules that judge them, and verdicts: a verdict is computed from a measurement, never typed."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, get_args

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from tutorial_utils.evaluation.statistics import CONFIDENCE
from tutorial_utils.exceptions import ClaimError, DataError, did_you_mean, join_problems
from tutorial_utils.report.narrate import enumerate_words, percent

NUM_CLAIMS = 50
"""The book measures the claims 1 to this."""

Source: TypeAlias = Literal["M", "C"]
"""The tutorial that makes the claim: M on MNIST, C on CIFAR-10."""

Kind: TypeAlias = Literal["metric", "timing"]
"""Timing claims depend on the clock or on memory, metric claims do not."""

RuleKind: TypeAlias = Literal["above", "below", "between"]
"""Which values a rule accepts."""

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

# Characters that Markdown, MyST or MathJax could act on. Entities never do, in Jupyter and on the page alike.
_ENTITIES = str.maketrans({sign: f"&#{ord(sign)};" for sign in "\\`*_{}[]<>$|~#&"})

# Instances are checked too: what an author made, when it is recorded.
_STRICT = ConfigDict(strict=True, revalidate_instances="always")


def _refuse_empty(given: Any) -> Any:
    if not (given.strip() if isinstance(given, str) else given):
        raise ValueError("is empty")
    return given


_Unpacked = BeforeValidator(lambda value: value.item() if hasattr(value, "item") else value)
"""Takes the number out of a tensor or array of one."""

_Number: TypeAlias = Annotated[FiniteFloat, _Unpacked]
_Text: TypeAlias = Annotated[str, AfterValidator(_refuse_empty)]


class Verdict(StrEnum):
    """What a rule says of a measurement."""

    HOLDS = "holds"
    IN_PART = "holds in part"
    FAILS = "does not hold"
    UNTESTABLE = "cannot be tested as stated"

    @property
    def plural(self) -> str:
        """As said of several claims: ``"hold"``."""
        return {"HOLDS": "hold", "IN_PART": "hold in part", "FAILS": "do not hold"}.get(self.name, self.value)

    @property
    def symbol(self) -> str:
        """One character that tells verdicts apart without colour."""
        return {"HOLDS": "✓", "IN_PART": "◐", "FAILS": "✗", "UNTESTABLE": "?"}[self.name]


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

    __pydantic_config__: ClassVar = _STRICT

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


@dataclass(frozen=True)
class Part:
    """One measurement and the rule that judges it; a claim has one or more.

    Attributes:
        what: What was measured, such as ``"accuracy with deskewing minus without, on test images"``.
        measurement: The estimate, finite; shares and points as fractions.
        rule: Which values support the claim; None when no measurement could decide it.
        low: Lower end of the 95 % interval, or None with ``high``.
        high: Upper end.
        n: How many were measured, at least 1.
        of_what: Of what: ``"test images"``, ``"seeds"``.
        unit: How to write the measurement, the interval and the rule's bounds.
        digits: Decimals of the measurement and the interval.
        no_interval: Why there is no interval; needed exactly when there is none.
        reason: Why the claim cannot be tested; needed exactly when there is no rule.
    """

    __pydantic_config__: ClassVar = _STRICT

    what: _Text
    measurement: _Number
    rule: Rule | None
    low: _Number | None = None
    high: _Number | None = None
    _: KW_ONLY
    n: Annotated[int, _Unpacked, Field(ge=1)]
    of_what: _Text
    unit: Unit = "number"
    digits: Annotated[int, Field(ge=0)] = 2
    no_interval: str = ""
    reason: str = ""

    @model_validator(mode="after")
    def _gives_a_verdict_its_ground(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"an interval needs both ends, found low={self.low}, high={self.high}")
        if (self.low is None) != bool(self.no_interval):
            raise ValueError("give either low and high, or no_interval saying why there are none")
        if (self.rule is None) != bool(self.reason):
            raise ValueError("give either a rule, or a reason why the claim cannot be tested")
        if self.low is not None and self.high is not None and not self.low <= self.measurement <= self.high:
            raise ValueError(f"{self.measurement} is not in its interval [{self.low}, {self.high}]")
        return self

    @property
    def verdict(self) -> Verdict:
        """What the rule says of the estimate first, then of the whole interval."""
        if self.rule is None:
            return Verdict.UNTESTABLE
        if not self.rule.satisfied(self.measurement):
            return Verdict.FAILS
        # Every rule accepts an unbroken range, so two ends inside mean that all between them is.
        ends = [end for end in (self.low, self.high) if end is not None]
        return Verdict.HOLDS if all(map(self.rule.satisfied, ends)) else Verdict.IN_PART

    @property
    def finding(self) -> str:
        """What was measured, the estimate, its interval or why there is none, and n; no full stop."""
        if self.low is None or self.high is None:
            interval = f"no interval ({self.no_interval})"
        else:
            ends = (write_value(end, self.unit, self.digits) for end in (self.low, self.high))
            interval = f"{percent(CONFIDENCE, 0)} interval [{', '.join(ends)}]"
        estimate = write_value(self.measurement, self.unit, self.digits)
        what = self.what[:1].upper() + self.what[1:]
        return f"{what}: {estimate}, {interval}, n = {self.n:,} {self.of_what}"

    @property
    def rule_text(self) -> str:
        """The rule in the part's unit, or why there is none."""
        return f"none: {self.reason}" if self.rule is None else self.rule.text(self.unit)

    @property
    def sentence(self) -> str:
        """Finding, rule and verdict."""
        return f"{self.finding}. Rule: {self.rule_text}. Verdict: {self.verdict}."


@dataclass(frozen=True)
class Claim:
    """A claim of a source with everything that judges it; shown in a notebook as its verdict.

    Attributes:
        id: 1 to :data:`NUM_CLAIMS`, the number of the claim in the book.
        text: The claim in the book's words.
        source: Who makes it.
        parts: At least one; the decisive one first.
        remark: What a reader should know besides.
        kind: Whether the measurement depends on the clock.
    """

    __pydantic_config__: ClassVar = _STRICT

    id: Annotated[int, Field(ge=1, le=NUM_CLAIMS)]
    text: Annotated[_Text, Field(validation_alias=AliasChoices("claim", "text"), serialization_alias="claim")]
    source: Source
    parts: Annotated[tuple[Part, ...], AfterValidator(_refuse_empty)]
    remark: str = ""
    kind: Kind = "metric"

    @property
    def verdict(self) -> Verdict:
        """The verdict that all parts share; it fails if none that can be tested supports it; else in part."""
        verdicts = {part.verdict for part in self.parts}
        if verdicts == {Verdict.FAILS, Verdict.UNTESTABLE}:
            return Verdict.FAILS
        return verdicts.pop() if len(verdicts) == 1 else Verdict.IN_PART

    @property
    def anchor(self) -> str:
        """Label of the section that measures the claim."""
        return f"claim-{self.id}"

    @property
    def sentence(self) -> str:
        """Verdict, findings, rules and remark in prose."""
        opening = f"Claim {self.id} {self.verdict}."
        return " ".join(filter(None, [opening, *(part.sentence for part in self.parts), self.remark]))

    def _repr_markdown_(self) -> str:
        title = f"**{self.verdict.symbol} Claim {self.id} {self.verdict}**"
        text = f"{self.text.rstrip('.')} (source {self.source}).".translate(_ENTITIES)
        sentences = "\n".join(f"- {part.sentence.translate(_ENTITIES)}" for part in self.parts)
        return "\n\n".join(filter(None, [f"{title}: {text}", sentences, self.remark.translate(_ENTITIES)]))

    def __repr__(self) -> str:
        return f"{self.verdict.symbol} {self.text.rstrip('.')} (source {self.source}). {self.sentence}"


_CLAIM = TypeAdapter(Claim)
"""Checks, writes and reads claims."""


def _problems_of(error: ValidationError) -> Iterator[str]:
    """Say what pydantic found, such as ``"part 2: n must be a valid integer, found 2.5"``."""
    for found in error.errors():
        match found["loc"]:
            case ("parts", int(index), *inner):
                place = f"part {index + 1}: {'.'.join(map(str, inner))}"
            case names:
                place = ".".join(map(str, names)) or "it"
        if found["type"] == "missing":
            yield f"{place} is missing"
        elif found["type"] == "value_error":  # our own checks say what they found
            yield f"{place.rstrip()} {found['msg'].removeprefix('Value error, ')}"
        else:
            yield f"{place} {found['msg'].replace('Input should', 'must')}, found {found['input']!r}"


def tally(claims: Iterable[Claim]) -> str:
    """Say how many claims got which verdict: ``"8 hold, 1 holds in part and 6 do not hold"``."""
    times = Counter(claim.verdict for claim in claims)
    found = (verdict for verdict in Verdict if times[verdict])
    counts = (f"{times[verdict]} {verdict if times[verdict] == 1 else verdict.plural}" for verdict in found)
    return enumerate_words(counts) or "none was judged"


class Ledger:
    """The claims that one chapter measured."""

    def __init__(self) -> None:
        self._claims: dict[int, Claim] = {}

    def record(
        self,
        id: int,
        text: str,
        *,
        source: Source,
        parts: Sequence[Part],
        remark: str = "",
        kind: Kind = "metric",
    ) -> Claim:
        """Judge a claim, given as in :class:`Claim`, and keep it.

        Returns:
            The claim, which shows its verdict as the last line of a cell.

        Raises:
            ClaimError: The claim is already there, or lacks what its verdict needs; lists all problems.
        """
        claim = Claim(id=id, text=text, source=source, parts=tuple(parts), remark=remark, kind=kind)
        problems: list[str] = []
        try:
            claim = _CLAIM.validate_python(claim)
        except ValidationError as error:
            problems += _problems_of(error)
        if id in self._claims:
            problems.append("it is there already; give this one another id, or make the ledger anew")
        if problems:
            raise ClaimError(join_problems(f"claim {id} cannot be recorded:", problems))
        self._claims[id] = claim
        return claim

    def entries(self, kind: Kind) -> list[dict[str, Any]]:
        """List what was recorded, one :func:`entry` a claim, sorted by id.

        Args:
            kind: ``"metric"`` for the ``metrics`` of a results file, ``"timing"`` for its ``timings``.

        Raises:
            ClaimError: There is no such kind.
        """
        if kind not in get_args(Kind):
            raise ClaimError(f"no kind {kind!r}; {did_you_mean(str(kind), get_args(Kind))}")
        return [entry(claim) for _, claim in sorted(self._claims.items()) if claim.kind == kind]

    def tally(self) -> str:
        """Say how many of the recorded claims got which verdict, as :func:`tally` does."""
        return tally(self._claims.values())


def entry(claim: Claim) -> dict[str, Any]:
    """Turn a claim, complete as :meth:`Ledger.record` returns it, into plain values for a results file.

    Returns:
        The claim and what follows from it, for readers without this package: verdict, sentence, the anchor of
        its section, and of each part verdict and rule in words. ``measurement``, ``low``, ``high``, ``n``,
        ``no_interval`` and ``rule`` are those of the first part. :func:`from_entry` reads none of these.
    """
    stored = _CLAIM.dump_python(claim, mode="json", by_alias=True)
    for part, values in zip(claim.parts, stored["parts"], strict=True):
        values |= {"rule_text": part.rule_text, "verdict": str(part.verdict)}
    first = stored["parts"][0]
    stored |= {key: first[key] for key in ("measurement", "low", "high", "n", "no_interval")}
    stored |= {"rule": first["rule_text"], "sentence": claim.sentence}
    return {**stored, "verdict": str(claim.verdict), "anchor": claim.anchor}


def from_entry(stored: dict[str, Any]) -> Claim:
    """Make a claim of what :func:`entry` made of one, so that sentence and verdict follow from its numbers.

    What follows from the parts is ignored where it is stored.

    Raises:
        DataError: Something is missing or has no meaning; lists all problems.
    """
    try:
        return _CLAIM.validate_json(json.dumps(stored))
    except ValidationError as error:
        number = stored.get("id") if isinstance(stored, dict) else None
        opening = f"the entry of claim {number} cannot be read; run `make book` to write it again:"
        raise DataError(join_problems(opening, _problems_of(error))) from None
