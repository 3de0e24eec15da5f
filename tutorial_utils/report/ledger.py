"""Claims with what was measured and the rules that judge it: a verdict is computed, never typed."""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Annotated, Any, ClassVar, Self, TypeAlias, get_args

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
from tutorial_utils.report import rules
from tutorial_utils.report.narrate import enumerate_words, percent
from tutorial_utils.report.rules import NUM_CLAIMS, ClaimRules, Kind, PartRule, Rulebook, Source
from tutorial_utils.report.verdicts import Logic, Rule, Unit, Verdict, combine, holm, p_value, write_value

# Characters that Markdown, MyST or MathJax could act on. Entities never do, in Jupyter and on the page alike.
_ENTITIES = str.maketrans({sign: f"&#{ord(sign)};" for sign in "\\`*_{}[]<>$|~#&"})

# Instances are checked too: what an author made, when it is recorded.
_STRICT = ConfigDict(strict=True, revalidate_instances="always")


def _refuse_empty(given: Any) -> Any:
    if not (given.strip() if isinstance(given, str) else given):
        raise ValueError("is empty")
    return given


CHANCE_RANGE = "range that chance leaves"
"""How ends are made that say what a null model leaves of the estimate: a range, no confidence interval."""

_Unpacked = BeforeValidator(lambda value: value.item() if hasattr(value, "item") else value)
"""Takes the number out of a tensor or array of one."""

_Number: TypeAlias = Annotated[FiniteFloat, _Unpacked]
_Share: TypeAlias = Annotated[float, _Unpacked, Field(ge=0, le=1)]
_Text: TypeAlias = Annotated[str, AfterValidator(_refuse_empty)]


@dataclass(frozen=True)
class Measurement:
    """What a chapter measured for one part of a claim; the rules say what it is and what it is held against.

    Attributes:
        value: The estimate, finite; shares and points as fractions.
        low: Lower end of the 95 % interval, or None with ``high``.
        high: Upper end.
        n: How many were measured, at least 1.
        of_what: Of what: ``"test images"``, ``"seeds"``.
        how: How the interval was made, such as ``"t over seeds"``, or :data:`CHANCE_RANGE`.
        no_interval: Why there is no interval, where there usually is one.
        degrees_of_freedom: Of Student's t, where the interval is its.
        log_scale: Whether the interval was made of logarithms.
        exact_p: p-value against the rule's bound, where an exact test gives one; two-sided.
        confidence: Level of the interval, 0.95 or, where few values leave no choice, more.
        names: What the rule's text leaves open, such as the digit.
    """

    value: float
    low: float | None = None
    high: float | None = None
    _: KW_ONLY
    n: int
    of_what: str
    how: str = ""
    no_interval: str = ""
    degrees_of_freedom: float | None = None
    log_scale: bool = False
    exact_p: float | None = None
    confidence: float = CONFIDENCE
    names: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One measurement and the rule that judges it; a claim has one or more.

    Attributes:
        what: What was measured, and how, such as ``"accuracy with deskewing minus without (t over seeds)"``.
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
        degrees_of_freedom: As in :class:`Measurement`.
        log_scale: As in :class:`Measurement`.
        exact_p: As in :class:`Measurement`.
        confidence: As in :class:`Measurement`; one above 0.95 needs the p-value of an exact test.
        p_holm: The p-value after Holm's correction, as :func:`correct` sets it.
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
    degrees_of_freedom: Annotated[FiniteFloat, _Unpacked, Field(gt=0)] | None = None
    log_scale: bool = False
    exact_p: _Share | None = None
    confidence: Annotated[float, _Unpacked, Field(ge=CONFIDENCE, lt=1)] = CONFIDENCE
    p_holm: _Share | None = None

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
        if self.log_scale and self.low is not None and self.low <= 0:
            raise ValueError(f"an interval of logarithms lies above 0, found low={self.low}")
        if self.confidence != CONFIDENCE and self.rule is not None and self.exact_p is None:
            raise ValueError(
                f"an interval at {percent(self.confidence, 1)} needs exact_p, a p-value of its test"
            )
        return self

    @property
    def verdict(self) -> Verdict:
        """What the rule says of the whole interval, or of the value where there is none."""
        if self.rule is None:
            return Verdict.UNTESTABLE
        return self.rule.judge(self.measurement, self.low, self.high)

    @property
    def p_value(self) -> float | None:
        """The exact test's, or what the interval says; None without a rule or an interval."""
        if self.rule is None or self.low is None or self.high is None:
            return None
        if self.exact_p is not None:
            return self.exact_p
        shape = {"degrees_of_freedom": self.degrees_of_freedom, "log_scale": self.log_scale}
        return p_value(self.rule, self.measurement, self.low, self.high, **shape)  # type: ignore[arg-type]

    @property
    def verdict_holm(self) -> Verdict:
        """The verdict that is left after Holm's correction; the same where there is no interval.

        Before :func:`correct` has counted the other parts, it is that of this part alone.
        """
        p = self.p_value if self.p_holm is None else self.p_holm
        return self.verdict if p is None or p <= 1 - CONFIDENCE else Verdict.UNSETTLED

    @property
    def finding(self) -> str:
        """What was measured, the estimate, its ends or why it has none, and n; no full stop."""
        if self.low is None or self.high is None:
            interval = f"no interval ({self.no_interval})"
        else:
            ends = (write_value(end, self.unit, self.digits) for end in (self.low, self.high))
            level = percent(self.confidence, 0 if self.confidence == CONFIDENCE else 1)
            kind = "range" if self.what.endswith(f"({CHANCE_RANGE})") else "interval"
            interval = f"{level} {kind} [{', '.join(ends)}]"
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


def make_part(measured: Measurement, stated: PartRule) -> Part:
    """Hold a measurement against the rule of its part.

    Raises:
        ClaimError: The rule's text has names that the measurement does not fill in.
    """
    missing = sorted(stated.names - set(measured.names))
    if missing:
        raise ClaimError(f"needs names for {enumerate_words(missing)} in {stated.what!r}")
    what = stated.what.format_map(dict(measured.names))
    return Part(
        f"{what} ({measured.how})" if measured.how and measured.low is not None else what,
        measured.value,
        stated.rule,
        measured.low,
        measured.high,
        n=measured.n,
        of_what=measured.of_what,
        unit=stated.unit,
        digits=stated.digits,
        no_interval=measured.no_interval or (stated.exact if measured.low is None else ""),
        reason=stated.reason,
        degrees_of_freedom=measured.degrees_of_freedom,
        log_scale=measured.log_scale,
        exact_p=measured.exact_p,
        confidence=measured.confidence,
    )


@dataclass(frozen=True)
class Claim:
    """A claim of a source with everything that judges it; shown in a notebook as its verdict.

    Attributes:
        id: 1 to :data:`tutorial_utils.report.rules.NUM_CLAIMS`, the number of the claim in the book.
        text: The claim in the book's words.
        source: Who makes it.
        parts: At least one; the decisive one first.
        logic: What the parts are to the claim; see :func:`tutorial_utils.report.verdicts.combine`.
        remark: What a reader should know besides.
        kind: Whether the measurement depends on the clock.
    """

    __pydantic_config__: ClassVar = _STRICT

    id: Annotated[int, Field(ge=1, le=NUM_CLAIMS)]
    text: Annotated[_Text, Field(validation_alias=AliasChoices("claim", "text"), serialization_alias="claim")]
    source: Source
    parts: Annotated[tuple[Part, ...], AfterValidator(_refuse_empty)]
    logic: Logic = "all"
    remark: str = ""
    kind: Kind = "metric"

    @property
    def verdict(self) -> Verdict:
        """What the verdicts of the parts make, by the claim's logic."""
        return combine((part.verdict for part in self.parts), self.logic)

    @property
    def verdict_holm(self) -> Verdict:
        """The same verdict if the parts still make it after Holm's correction, otherwise not settled.

        Never another: a reading that the correction opens must not leave a mixed claim to the other readings.
        """
        corrected = combine((part.verdict_holm for part in self.parts), self.logic)
        return corrected if corrected is self.verdict else Verdict.UNSETTLED

    @property
    def anchor(self) -> str:
        """Label of the section that measures the claim."""
        return f"claim-{self.id}"

    @property
    def sentence(self) -> str:
        """Verdict, findings, rules and remark in prose."""
        opening = f"Claim {self.id} {self.verdict.singular}."
        return " ".join(filter(None, [opening, *(part.sentence for part in self.parts), self.remark]))

    def _repr_markdown_(self) -> str:
        title = f"**{self.verdict.symbol} Claim {self.id} {self.verdict.singular}**"
        text = f"{self.text.rstrip('.')} (source {self.source}).".translate(_ENTITIES)
        sentences = "\n".join(f"- {part.sentence.translate(_ENTITIES)}" for part in self.parts)
        return "\n\n".join(filter(None, [f"{title}: {text}", sentences, self.remark.translate(_ENTITIES)]))

    def __repr__(self) -> str:
        return f"{self.verdict.symbol} {self.text.rstrip('.')} (source {self.source}). {self.sentence}"


_CLAIM = TypeAdapter(Claim)
"""Checks, writes and reads claims."""


def _problems_of(error: ValidationError) -> Iterator[str]:
    """Say what pydantic found, such as ``"part b: n must be a valid integer, found 2.5"``."""
    for found in error.errors():
        match found["loc"]:
            case ("parts", int(index), *inner):
                place = f"part {string.ascii_lowercase[index]}: {'.'.join(map(str, inner))}"
            case names:
                place = ".".join(map(str, names)) or "it"
        if found["type"] == "missing":
            yield f"{place} is missing"
        elif found["type"] == "value_error":  # our own checks say what they found
            yield f"{place.rstrip()} {found['msg'].removeprefix('Value error, ')}"
        else:
            yield f"{place} {found['msg'].replace('Input should', 'must')}, found {found['input']!r}"


def tally(claims: Iterable[Claim], corrected: bool = False) -> str:
    """Say how many claims got which verdict: ``"8 hold, 1 is mixed and 6 do not hold"``.

    Args:
        claims: What to count.
        corrected: Whether to count the verdicts after Holm's correction.
    """
    times = Counter(claim.verdict_holm if corrected else claim.verdict for claim in claims)
    found = (verdict for verdict in Verdict if times[verdict])
    counts = (
        f"{times[verdict]} {verdict.singular if times[verdict] == 1 else verdict.plural}" for verdict in found
    )
    return enumerate_words(counts) or "none was judged"


def correct(claims: Iterable[Claim], family: int = 0) -> list[Claim]:
    """Correct the p-values of all parts that have one for being several, by Holm's method.

    Args:
        claims: As recorded or read.
        family: How many tests belong together, where these claims are not all; see
            :func:`tutorial_utils.report.verdicts.holm`.

    Returns:
        The same claims, with ``p_holm`` set anew.
    """
    claims = list(claims)
    p_values = [part.p_value for claim in claims for part in claim.parts]
    adjusted = iter(holm([p for p in p_values if p is not None], family))
    return [
        replace(
            claim,
            parts=tuple(
                replace(part, p_holm=None if part.p_value is None else next(adjusted)) for part in claim.parts
            ),
        )
        for claim in claims
    ]


class Ledger:
    """The claims that one chapter measured.

    Attributes:
        rulebook: The rules that judge them; by default the book's.
    """

    def __init__(self, rulebook: Rulebook | None = None) -> None:
        self.rulebook = rulebook or rules.read()
        self._claims: dict[int, Claim] = {}

    def record(self, id: int, *, remark: str = "", **parts: Measurement) -> Claim:
        """Judge a claim by its rules and keep it.

        Args:
            id: Its number in the rules.
            remark: What a reader should know besides.
            **parts: What was measured for each of its parts, by letter: ``a=...``, ``b=...``.

        Returns:
            The claim, which shows its verdict as the last line of a cell.

        Raises:
            ClaimError: The rules do not know the claim, it is there already, parts are missing or unknown, or
                one lacks what its verdict needs; lists all problems.
        """
        stated = self.rulebook.claim(id)
        problems = _compare_letters(parts, stated)
        if id in self._claims:
            problems.append("it is there already; make the ledger anew to record it again")
        made = []
        for letter, measured in sorted(parts.items()) if not problems else ():
            try:
                made.append(make_part(measured, stated.parts[letter]))
            except ClaimError as error:
                problems.append(f"part {letter}: {error}")
        if not problems:
            claim = Claim(
                id=id,
                text=stated.text,
                source=stated.source,
                parts=tuple(made),
                logic=stated.logic,
                remark=remark,
                kind=stated.kind,
            )
            try:
                return self._claims.setdefault(id, _CLAIM.validate_python(claim))
            except ValidationError as error:
                problems += _problems_of(error)
        raise ClaimError(join_problems(f"claim {id} cannot be recorded:", problems))

    def entries(self, kind: Kind) -> list[dict[str, Any]]:
        """List what was recorded, one :func:`entry` a claim, sorted by id.

        Holm's correction counts all tests of the rules, those of other chapters with larger p-values than any
        here. So it may leave a verdict open that all chapters together settle, never the other way round.

        Args:
            kind: ``"metric"`` for the ``metrics`` of a results file, ``"timing"`` for its ``timings``.

        Raises:
            ClaimError: There is no such kind.
        """
        if kind not in get_args(Kind):
            raise ClaimError(f"no kind {kind!r}; {did_you_mean(str(kind), get_args(Kind))}")
        recorded = [claim for _, claim in sorted(self._claims.items())]
        corrected = correct(recorded, self.rulebook.num_tests)
        return [entry(claim) for claim in corrected if claim.kind == kind]

    def metrics(self) -> dict[str, Any]:
        """What a chapter without timings writes: its claims, and which rules judged them."""
        return {"claims": self.entries("metric"), "rules_sha256": self.rulebook.sha256}

    def tally(self) -> str:
        """Say how many of the recorded claims got which verdict, as :func:`tally` does."""
        return tally(self._claims.values())


def _compare_letters(parts: Mapping[str, Measurement], stated: ClaimRules) -> list[str]:
    """Say which parts are missing, with what they measure, and which the rules do not know."""
    missing = [
        f"part {letter} is missing: {part.what}"
        for letter, part in stated.parts.items()
        if letter not in parts
    ]
    unknown = [f"no rule for a part {name!r}" for name in parts if name not in stated.parts]
    wrong = [
        f"part {name} is no Measurement, but {value!r}"
        for name, value in parts.items()
        if not isinstance(value, Measurement)
    ]
    return missing + unknown + wrong


def entry(claim: Claim) -> dict[str, Any]:
    """Turn a claim, complete as :meth:`Ledger.record` returns it, into plain values for a results file.

    Returns:
        The claim and what follows from it, for readers without this package: verdict, the one after Holm's
        correction, sentence, the anchor of its section, and of each part its letter, p-value, both verdicts
        and the rule in words. ``measurement``, ``low``, ``high``, ``n``, ``no_interval`` and ``rule`` are
        those of the first part. :func:`from_entry` reads none of these.
    """
    stored = _CLAIM.dump_python(claim, mode="json", by_alias=True)
    for letter, part, values in zip(string.ascii_lowercase, claim.parts, stored["parts"], strict=False):
        values |= {"letter": letter, "rule_text": part.rule_text, "p_value": part.p_value}
        values |= {"verdict": str(part.verdict), "verdict_holm": str(part.verdict_holm)}
    first = stored["parts"][0]
    stored |= {key: first[key] for key in ("measurement", "low", "high", "n", "no_interval")}
    stored |= {"rule": first["rule_text"], "sentence": claim.sentence}
    verdicts = {"verdict": str(claim.verdict), "verdict_holm": str(claim.verdict_holm)}
    return {**stored, **verdicts, "anchor": claim.anchor}


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
