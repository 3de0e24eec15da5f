"""The ledger as a picture: one row a claim, all on one scale, made when the page is built.

The template ``ledger.html`` beside this file is filled in with plain values, and everything in it is escaped.
It needs no script to be read; ``ledger.js`` filters.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from docutils import nodes  # type: ignore[import-untyped]
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from measured.sources import logger
from tutorial_utils.report import narrate, rules
from tutorial_utils.report.ledger import Claim, Part
from tutorial_utils.report.rules import Dropped, PartRule, Source, Theme
from tutorial_utils.report.scale import Standing, place, stand
from tutorial_utils.report.verdicts import Verdict, write_value

ORDER = (Verdict.HOLDS, Verdict.MIXED, Verdict.UNSETTLED, Verdict.FAILS, Verdict.UNTESTABLE)
"""From the claims that hold to those that do not; what cannot be tested stands outside."""

SOURCES: dict[Source, str] = {"M": "M, on MNIST", "C": "C, on CIFAR-10"}
LIMIT = 10
"""Depth at the ends of the scale. Farther out a mark says only that it is."""
TICKS = (-LIMIT, -4, -1, 0, 1, 4, LIMIT)
HALF = 44
"""Width of either half of the scale in per cent of the picture."""
EXACT = 47.5
"""Where marks without an interval stand, beyond the ends of the scale."""

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def percent_of(depth: float) -> float:
    """Where a depth stands in the picture, in per cent of its width; the bound is at 50."""
    return round(50 + HALF * place(depth, LIMIT), 2)


def is_log(part: Part) -> bool:
    """Whether a part is compared by logarithms: ratios are, and whatever has an interval made of them."""
    return part.log_scale or part.unit == "ratio"


@dataclass(frozen=True)
class Mark:
    """One part of a claim as the picture shows it.

    Attributes:
        letter: Of the part; empty where it is the only one.
        part: What was measured, and the verdicts.
        stated: Its rule with date and reasons; None when today's rules have no such part.
        standing: Where it stands; None without a rule.
    """

    letter: str
    part: Part
    stated: PartRule | None
    standing: Standing | None

    @property
    def name(self) -> str:
        """The verdict as a class of the style sheet."""
        return self.part.verdict.name.lower()

    @property
    def opened(self) -> bool:
        """Whether Holm's correction opens the verdict."""
        return self.part.verdict_holm != self.part.verdict

    @property
    def arm(self) -> tuple[float, float] | None:
        """Ends of the interval in per cent of the width, if there is one."""
        if self.standing is None or self.part.low is None:
            return None
        return percent_of(self.standing.low), percent_of(self.standing.high)

    @property
    def at(self) -> float:
        """Place of the estimate in per cent of the width; the middle without a rule."""
        if self.standing is None:
            return 50.0
        if self.part.low is None:
            return 50 + (EXACT if self.standing.depth > 0 else -EXACT)
        return percent_of(self.standing.depth)

    @property
    def beyond(self) -> str:
        """The side on which an estimate lies beyond the scale, if it does."""
        if self.arm is None or self.standing is None or abs(self.standing.depth) <= LIMIT:
            return ""
        return "right" if self.standing.depth > 0 else "left"

    @property
    def numbers(self) -> tuple[str, str]:
        """Estimate, and interval with the unit: ``("+0.32", "[+0.20, +0.44] points")``."""
        ends = [end for end in (self.part.low, self.part.high) if end is not None]
        texts = [write_value(end, self.part.unit, self.part.digits) for end in (self.part.measurement, *ends)]
        estimate, *interval = (text.partition(" ")[0] for text in texts)
        brackets = f"[{', '.join(interval)}]" if interval else ""
        return estimate, f"{brackets} {texts[0].partition(' ')[2]}".strip()

    @property
    def bounds(self) -> str:
        """What the rule accepts, without the unit, which stands beside: ``"above 0.2"``."""
        *_, unit = write_value(self.part.measurement, self.part.unit, self.part.digits).partition(" ")
        return re.sub(rf" ({re.escape(unit)}|point)(?= and |$)", "", self.part.rule_text)

    @property
    def own(self) -> dict[str, Any] | None:
        """The part on a scale of its own unit, places in per cent of the width; None where there is none."""
        part, rule = self.part, self.part.rule
        if rule is None:
            return None
        ends = [end for end in (part.low, part.high) if end is not None]
        shown = [part.measurement, *ends, *rule.bounds]
        log_scale = is_log(part) and min(shown) > 0
        least, most = (math.log(end) if log_scale else end for end in (min(shown), max(shown)))
        if least == most:
            return None

        def at(value: float) -> float:
            return round(14 + 72 * ((math.log(value) if log_scale else value) - least) / (most - least), 2)

        places = [at(bound) for bound in rule.bounds]
        left = 0.0 if rule.kind == "below" else places[0]
        right = 100.0 if rule.kind == "above" else places[-1]
        words = re.sub(r"^\w+ ", "", self.bounds).split(" and ")
        anchors = ["middle"] if len(words) == 1 else ["end", "start"]
        return {
            "at": at(part.measurement),
            "arm": [at(end) for end in ends],
            "bounds": list(zip(places, words, anchors, strict=False)),
            "region": (left, round(right - left, 2)),
        }

    @property
    def p_values(self) -> tuple[str, str] | None:
        """The p-value, and that after Holm's correction, where there are any: ``"p = 0.03"``."""
        if self.part.p_value is None or self.part.p_holm is None:
            return None
        plain, corrected = (f"p = {narrate.p_value(p)}" for p in (self.part.p_value, self.part.p_holm))
        return plain.replace("= <", "<"), corrected.replace("= <", "<")


@dataclass(frozen=True)
class Row:
    """A claim as the picture shows it."""

    claim: Claim
    theme: Theme
    marks: tuple[Mark, ...]
    dropped: tuple[Dropped, ...]

    @property
    def depth(self) -> float:
        """That of the part that lies least inside; rows are sorted by it."""
        depths = [mark.standing.depth for mark in self.marks if mark.standing is not None]
        return min(depths, default=0.0)

    @property
    def opened(self) -> bool:
        """Whether Holm's correction opens the claim's verdict."""
        return self.claim.verdict_holm != self.claim.verdict


def make_mark(part: Part, letter: str, stated: PartRule | None) -> Mark:
    """Put a part on the scale."""
    standing = None
    if part.rule is not None:
        standing = stand(part.rule, part.measurement, part.low, part.high, log_scale=is_log(part))
    return Mark(letter, part, stated, standing)


def make_rows(claims: Iterable[Claim]) -> list[Row]:
    """Lay out claims, sorted by verdict, and within one from the deepest inside to the farthest outside."""
    book = rules.read()
    rows = []
    for claim in claims:
        stated = book.claim(claim.id)
        letters = string.ascii_lowercase[: len(claim.parts)]
        marks = tuple(
            make_mark(part, letter if len(letters) > 1 else "", stated.parts.get(letter))
            for part, letter in zip(claim.parts, letters, strict=True)
        )
        dropped = tuple(rule for rule in book.dropped if rule.claim == claim.id)
        rows.append(Row(claim, stated.theme, marks, dropped))
    return sorted(rows, key=lambda row: (ORDER.index(row.claim.verdict), -row.depth, row.claim.id))


def facets_of(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What the page can be filtered by: for each property its values, words and how many rows have them."""
    verdicts = {verdict.name.lower(): f"{verdict.symbol} {verdict}" for verdict in ORDER}
    holm = {"stands": "the same", "open": "open"}
    facets: list[tuple[str, str, dict[str, str], list[str]]] = [
        ("verdict", "Verdict", verdicts, [row.claim.verdict.name.lower() for row in rows]),
        ("holm", "After Holm", holm, ["open" if row.opened else "stands" for row in rows]),
        (
            "source",
            "Source",
            {str(source): words for source, words in SOURCES.items()},
            [row.claim.source for row in rows],
        ),
        ("theme", "Theme", {theme: theme for theme in get_args(Theme)}, [row.theme for row in rows]),
    ]
    return [
        {
            "name": name,
            "title": title,
            "options": [(value, text, Counter(found)[value]) for value, text in words.items()],
        }
        for name, title, words, found in facets
    ]


def draw(env: BuildEnvironment, claims: Iterable[Claim]) -> Markup:
    """Draw the picture, as HTML for the page."""
    template = TEMPLATES.get_template("ledger.html")
    env.note_dependency(str(template.filename))
    rows = make_rows(claims)
    groups = [(verdict, [row for row in rows if row.claim.verdict is verdict]) for verdict in ORDER]
    drawn = template.render(
        facets=facets_of(rows),
        groups=[(verdict, members) for verdict, members in groups if members],
        ticks=[
            (f"{tick:+d}".replace("-", "\N{MINUS SIGN}") if tick else "0", percent_of(tick)) for tick in TICKS
        ],
        total=len(rows),
        limit=LIMIT,
    )
    return Markup(f"``````{{raw}} html\n{drawn}\n``````")


def link_to_measurements(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Let the links of the picture, which name a claim, lead to the section that bears its label."""
    labels = app.env.domaindata["std"]["anonlabels"]
    for raw in list(doctree.findall(nodes.raw)):
        before, *links = raw.astext().split(' href="claim:')
        if not links:
            continue
        made = [before]
        for link in links:
            number, _, after = link.partition('"')
            where, anchor = labels.get(f"claim-{number}", ("", ""))
            if not where:
                logger.warning("undefined label: 'claim-%s'", number, location=page, type="measured")
                where, anchor = page, f"ledger-{number}"
            made.append(f' href="{app.builder.get_relative_uri(page, where)}#{anchor}"{after}')
        raw.replace_self(nodes.raw("", "".join(made), format="html"))
