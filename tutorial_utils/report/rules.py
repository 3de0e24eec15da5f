"""The rules that judge the book's claims, read from ``rules.toml`` beside this file."""

from __future__ import annotations

import datetime
import functools
import hashlib
import json
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias, get_args

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from tutorial_utils.exceptions import ClaimError, join_problems
from tutorial_utils.report.verdicts import Logic, Rule, RuleKind, Unit

FILE = Path(__file__).with_name("rules.toml")

NUM_CLAIMS = 50
"""The book measures the claims 1 to this."""

Source: TypeAlias = Literal["M", "C"]
"""The tutorial that makes the claim: M on MNIST, C on CIFAR-10."""

Theme: TypeAlias = Literal["data", "model", "training", "evaluation", "errors", "timing"]
"""What a claim is about, for readers who look for such claims; it judges nothing."""

Kind: TypeAlias = Literal["metric", "timing"]
"""Timing claims depend on the clock or on memory, metric claims do not."""

_STRICT = ConfigDict(strict=True, extra="forbid")


def _refuse_empty(given: str) -> str:
    if not given.strip():
        raise ValueError("is empty")
    return given


_Text: TypeAlias = Annotated[str, AfterValidator(_refuse_empty)]


@dataclass(frozen=True)
class PartRule:
    """What one part of a claim measures, and which values support the claim.

    Attributes:
        what: What is measured; names in braces are filled in by the chapter.
        rule: Which values support the claim; None when no measurement could decide it.
        date: When the rule was written or last changed.
        results_seen: Whether its author knew what the measurement had given.
        why: What the bounds rest on, and why the rule changed, if it did.
        unit: How the measurement, its interval and the bounds are written.
        digits: Decimals of the measurement and its interval.
        exact: Why there is no interval, such as ``"a count"``; empty when there is one.
        reason: Why nothing could decide the part; given exactly when there is no rule.
        was: The rule before, in words, if it changed.
    """

    __pydantic_config__: ClassVar = _STRICT

    what: _Text
    rule: Rule | None
    date: datetime.date
    results_seen: bool
    why: _Text
    unit: Unit = "number"
    digits: Annotated[int, Field(ge=0)] = 2
    exact: str = ""
    reason: str = ""
    was: str = ""

    @model_validator(mode="after")
    def _has_a_rule_or_a_reason(self) -> Self:
        if (self.rule is None) != bool(self.reason.strip()):
            raise ValueError("none needs to say why nothing could decide the part")
        return self

    @property
    def text(self) -> str:
        """The rule in its unit, or why there is none."""
        return f"none: {self.reason}" if self.rule is None else self.rule.text(self.unit)

    @property
    def title(self) -> str:
        """What is measured, with dots for what chapters fill in."""
        return "".join(
            f"{text}{'…' if name else ''}" for text, name, _, _ in string.Formatter().parse(self.what)
        )

    @property
    def names(self) -> set[str]:
        """Names that a chapter has to fill in."""
        return {name for _, name, _, _ in string.Formatter().parse(self.what) if name}


@dataclass(frozen=True)
class ClaimRules:
    """A claim with the rules of its parts.

    Attributes:
        text: The claim in the book's words.
        source: Who makes it.
        theme: What it is about.
        logic: What the parts are to the claim; see :func:`tutorial_utils.report.verdicts.combine`.
        parts: At least one, by the letters a, b and so on.
        kind: Whether the measurement depends on the clock.
    """

    __pydantic_config__: ClassVar = _STRICT

    text: _Text
    source: Source
    theme: Theme
    logic: Logic
    parts: Annotated[dict[str, PartRule], Field(min_length=1)]
    kind: Kind = "metric"

    @model_validator(mode="after")
    def _has_letters_in_order(self) -> Self:
        wanted = list(string.ascii_lowercase[: len(self.parts)])
        if list(self.parts) != wanted:
            raise ValueError(f"parts need the letters {', '.join(wanted)}, found {', '.join(self.parts)}")
        return self


@dataclass(frozen=True)
class Dropped:
    """A rule that judges nothing any more.

    Attributes:
        claim: The claim that it belonged to.
        what: What was measured.
        was: The rule in words.
        date: When it went.
        why: Why.
    """

    __pydantic_config__: ClassVar = _STRICT

    claim: Annotated[int, Field(ge=1, le=NUM_CLAIMS)]
    what: _Text
    was: _Text
    date: datetime.date
    why: _Text


@dataclass(frozen=True)
class Rulebook:
    """All rules.

    Attributes:
        claims: By number.
        margins: Differences that count as none, by name, as fractions or nats.
        dropped: Rules that went.
        sha256: Hash of the file.
    """

    claims: Mapping[int, ClaimRules]
    margins: Mapping[str, float]
    dropped: tuple[Dropped, ...]
    sha256: str

    def claim(self, number: int) -> ClaimRules:
        """Find a claim.

        Raises:
            ClaimError: There is none of this number.
        """
        if number not in self.claims:
            raise ClaimError(f"no claim {number!r}; the rules know {min(self.claims)} to {max(self.claims)}")
        return self.claims[number]

    @property
    def parts(self) -> dict[str, PartRule]:
        """Every part, by number and letter: ``"12a"``."""
        return {f"{n}{key}": part for n, one in self.claims.items() for key, part in one.parts.items()}

    @property
    def num_tests(self) -> int:
        """How many parts have a rule and an interval, which is how many tests Holm's correction counts."""
        return sum(part.rule is not None and not part.exact for part in self.parts.values())

    def fingerprints(self) -> dict[str, str]:
        """Hash of what each part says, by number and letter: all that may change a verdict or its meaning."""
        hashes = {}
        for number, claim in self.claims.items():
            for letter, part in claim.parts.items():
                said = [claim.text, claim.source, claim.logic, part.what, part.text, part.unit, part.exact]
                content = json.dumps([*said, part.results_seen]).encode()
                hashes[f"{number}{letter}"] = hashlib.sha256(content).hexdigest()[:16]
        return hashes


def _part_of(stored: dict[str, Any]) -> dict[str, Any]:
    """Turn ``above = 1`` and its like into a rule, ``none = "..."`` into the reason."""
    values = dict(stored)
    found = [kind for kind in (*get_args(RuleKind), "none") if kind in values]
    if len(found) != 1:
        raise ClaimError(f"give one of above, below, between and none, found {', '.join(found) or 'nothing'}")
    bounds = values.pop(found[0])
    if found == ["none"]:
        return values | {"rule": None, "reason": bounds}
    return values | {"rule": {"kind": found[0], "bounds": bounds if found == ["between"] else [bounds]}}


def _claim_of(stored: dict[str, Any]) -> dict[str, Any]:
    parts = {key: _part_of(value) for key, value in stored.items() if isinstance(value, dict)}
    return {key: value for key, value in stored.items() if key not in parts} | {"parts": parts}


def _to_json(stored: Any) -> str:
    """TOML's dates as JSON writes them: pydantic reads JSON strictly, and takes a date for one."""
    return json.dumps(stored, default=str)


def _place(found: Any) -> str:
    return ".".join(map(str, found["loc"])) or "as a whole"


_CLAIM, _DROPPED = TypeAdapter(ClaimRules), TypeAdapter(tuple[Dropped, ...])


@functools.cache
def read(file: Path = FILE) -> Rulebook:
    """Read the rules.

    Raises:
        ClaimError: The file is not TOML, or something in it is missing or has no meaning; lists all problems.
    """
    content = file.read_bytes()
    try:
        stored = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClaimError(f"{file.name} cannot be read: {error}") from None
    claims, problems = {}, []
    for number, values in stored.get("claim", {}).items():
        try:
            claims[int(number)] = _CLAIM.validate_json(_to_json(_claim_of(values)))
        except ValidationError as error:
            problems += [f"claim {number}, {_place(found)}: {found['msg']}" for found in error.errors()]
        except (ClaimError, TypeError, ValueError) as error:
            problems.append(f"claim {number}: {error}")
    try:
        dropped = _DROPPED.validate_json(_to_json(stored.get("dropped", [])))
    except ValidationError as error:
        problems += [f"dropped {_place(found)}: {found['msg']}" for found in error.errors()]
    if problems:
        raise ClaimError(join_problems(f"{file.name} cannot be used:", problems))
    margins = {name: float(margin["value"]) for name, margin in stored.get("margins", {}).items()}
    return Rulebook(dict(sorted(claims.items())), margins, dropped, hashlib.sha256(content).hexdigest())
