"""Verdicts follow from measurements by stated rules, survive a file, and show as text."""

import functools
import itertools
import json
import math
import operator
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

from tutorial_utils.exceptions import ClaimError, DataError
from tutorial_utils.report import results
from tutorial_utils.report.ledger import (
    NUM_CLAIMS,
    Claim,
    Ledger,
    Part,
    Rule,
    Verdict,
    above,
    below,
    between,
    entry,
    from_entry,
    tally,
    write_value,
)

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "_build"
MARKUP = "<script>x</script> **b** *i* _u_ `c` [l](y) $z$ {ref}`x` &amp; <b>x</b> ~s~ a|b # \\alpha"
HOLDS, IN_PART, FAILS, UNTESTABLE = Verdict


def make_part(value: float = 0.5, rule: Rule | None = None, **changes: Any) -> Part:
    """A part that holds, without an interval unless one is given."""
    fields: dict[str, Any] = {"n": 10, "of_what": "images", "no_interval": "a count"} | changes
    if "low" in fields:
        fields["no_interval"] = changes.get("no_interval", "")
    return Part("share of it", value, rule or above(0), **fields)


PARTS = {
    HOLDS: make_part(),
    IN_PART: make_part(low=-0.5, high=1.5),
    FAILS: make_part(-0.5),
    UNTESTABLE: Part(
        "minima", 1, None, n=1, of_what="losses", no_interval="a count", reason="there are none"
    ),
}


def claim_of(*parts: Part, **changes: Any) -> Claim:
    fields: dict[str, Any] = {"id": 7, "text": "no weights are needed", "source": "M"} | changes
    return Claim(parts=parts, **fields)


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


# Verdicts


@pytest.mark.parametrize(
    ("low", "value", "high", "rule", "verdict"),
    [
        (0.2, 0.3, 0.4, above(0.1), HOLDS),
        (0.1, 0.3, 0.4, above(0.1), IN_PART),
        (0.0, 0.1, 0.4, above(0.1), FAILS),
        (0.2, 0.3, 0.4, below(0.5), HOLDS),
        (0.2, 0.3, 0.5, below(0.5), IN_PART),
        (0.2, 0.5, 0.6, below(0.5), FAILS),
        (0.2, 0.3, 0.4, between(0.2, 0.4), HOLDS),
        (0.1, 0.3, 0.4, between(0.2, 0.4), IN_PART),
        (0.2, 0.3, 0.5, between(0.2, 0.4), IN_PART),
        (0.1, 0.15, 0.3, between(0.2, 0.4), FAILS),
        (None, 0.3, None, above(0.1), HOLDS),
        (None, 0.1, None, above(0.1), FAILS),
    ],
)
def test_a_part_is_judged_by_its_estimate_and_its_whole_interval(
    low: float | None, value: float, high: float | None, rule: Rule, verdict: Verdict
) -> None:
    assert make_part(value, rule, low=low, high=high).verdict is verdict


def test_a_claim_has_the_verdict_of_all_its_parts_or_holds_in_part() -> None:
    for verdicts in itertools.product(Verdict, repeat=3):
        found = claim_of(*(PARTS[verdict] for verdict in verdicts)).verdict
        if len(set(verdicts)) == 1:
            assert found is verdicts[0]
        elif not {HOLDS, IN_PART} & set(verdicts):
            assert found is FAILS
        else:
            assert found is IN_PART, verdicts


def test_verdicts_are_told_apart_by_symbols() -> None:
    assert len({verdict.symbol for verdict in Verdict}) == 4
    assert [str(verdict) for verdict in Verdict] == [
        "holds",
        "holds in part",
        "does not hold",
        "cannot be tested as stated",
    ]


# Sentences


def test_a_sentence_says_the_measurement_its_interval_n_rule_and_verdict() -> None:
    part = Part(
        "accuracy with deskewing minus without",
        0.0032,
        below(0.001),
        0.0012,
        0.0052,
        n=10_000,
        of_what="test images",
        unit="points",
    )
    assert claim_of(part, remark="One seed.").sentence == (
        "Claim 7 does not hold. Accuracy with deskewing minus without: +0.32 points, 95 % interval "
        "[+0.12 points, +0.52 points], n = 10,000 test images. Rule: below 0.1 points. "
        "Verdict: does not hold. One seed."
    )


def test_a_sentence_says_why_there_is_no_interval_and_no_test() -> None:
    claim = claim_of(PARTS[UNTESTABLE], make_part(3, digits=0))
    assert claim.sentence == (
        "Claim 7 holds in part. Minima: 1.00, no interval (a count), n = 1 losses. "
        "Rule: none: there are none. Verdict: cannot be tested as stated. "
        "Share of it: 3, no interval (a count), n = 10 images. Rule: above 0. Verdict: holds."
    )


def shown(claim: Claim) -> BeautifulSoup:
    """What a notebook shows."""
    return BeautifulSoup(MarkdownIt("commonmark").render(claim._repr_markdown_()), "html.parser")


def test_a_notebook_shows_verdict_and_claim_and_a_sentence_for_each_part() -> None:
    claim = Ledger().record(
        7, "no weights are needed.", source="C", parts=[PARTS[HOLDS], PARTS[FAILS]], remark="So."
    )
    page = shown(claim)
    assert [tag.get_text() for tag in page.select("strong")] == ["◐ Claim 7 holds in part"]
    first, last = page.select("p")
    assert first.get_text() == "◐ Claim 7 holds in part: no weights are needed (source C)."
    assert [tag.get_text() for tag in page.select("li")] == [PARTS[HOLDS].sentence, PARTS[FAILS].sentence]
    assert last.get_text() == "So."
    assert repr(claim) == f"◐ no weights are needed (source C). {claim.sentence}"


def test_text_that_looks_like_markup_stays_text_in_a_notebook() -> None:
    part = Part(MARKUP, 1, None, n=1, of_what=MARKUP, no_interval=MARKUP, reason=MARKUP)
    claim = claim_of(part, text=MARKUP, remark=MARKUP)
    page = shown(claim)
    assert page.get_text().count(MARKUP) == 6
    assert {tag.name for tag in page.find_all(True)} == {"p", "strong", "ul", "li"}
    assert not re.findall(r"[$\\`{}|~]", claim._repr_markdown_()), "MyST and MathJax read these"


# Recording


def record(ledger: Ledger, id: int = 7, **changes: Any) -> Claim:
    fields: dict[str, Any] = {"text": "no weights are needed", "source": "M", "parts": [make_part()]}
    fields |= changes
    return ledger.record(id, **fields)


REFUSED = [
    ({"id": 0}, "id .* 1, found 0"),
    ({"id": 51}, "id .* 50, found 51"),
    ({"id": "7"}, "id .*found '7'"),
    ({"text": " "}, "text is empty"),
    ({"text": 3}, "text .*found 3"),
    ({"remark": None}, "remark .*found None"),
    ({"source": "X"}, "source .*'M' or 'C', found 'X'"),
    ({"kind": "timings"}, "kind .*'metric' or 'timing', found 'timings'"),
    ({"parts": []}, "parts is empty"),
]
REFUSED_PARTS = [
    ({"value": math.nan}, "measurement .*finite.*found nan"),
    ({"value": "0.5"}, "measurement .*found '0.5'"),
    ({"low": -math.inf, "high": 1}, "low .*finite"),
    ({"low": 0.25, "no_interval": "a count"}, "both ends, found low=0.25, high=None"),
    ({"high": 0.75, "no_interval": ""}, "both ends, found low=None, high=0.75"),
    ({"no_interval": ""}, "no_interval saying why"),
    ({"low": 0.25, "high": 0.75, "no_interval": "a count"}, "no_interval saying why"),
    ({"low": 0.51, "high": 0.75}, r"0\.5 is not in its interval \[0\.51, 0\.75\]"),
    ({"low": 0.25, "high": 0.49}, r"0\.5 is not in its interval \[0\.25, 0\.49\]"),
    ({"reason": "why not"}, "a reason why the claim cannot be tested"),
    ({"n": 0}, "n .* 1, found 0"),
    ({"n": 2.5}, "n .*integer, found 2.5"),
    ({"digits": -1}, "digits .* 0, found -1"),
    ({"unit": "second"}, "unit .*'seconds'.*found 'second'"),
    ({"of_what": ""}, "of_what is empty"),
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *REFUSED,
        *(({"parts": [make_part(), make_part(**bad)]}, f"part 2: .*{said}") for bad, said in REFUSED_PARTS),
        (
            {"parts": [Part("minima", 1, None, n=1, of_what="x", no_interval="c")]},
            "either a rule, or a reason",
        ),
    ],
)
def test_a_claim_that_lacks_something_is_refused(changes: dict[str, Any], message: str) -> None:
    ledger = Ledger()
    with pytest.raises(ClaimError, match=message):
        record(ledger, **changes)
    assert ledger.entries("metric") == ledger.entries("timing") == []


def test_all_problems_are_listed_at_once() -> None:
    with pytest.raises(ClaimError) as caught:
        record(Ledger(), source="X", parts=[make_part(n=0), make_part(low=1, high=2)])
    first, *problems = str(caught.value).splitlines()
    assert "claim 7" in first
    assert len(problems) == 3
    for said in ("source", "part 1: n", "part 2: 0.5 is not in its interval"):
        assert sum(said in problem for problem in problems) == 1, problems


def test_entries_are_sorted_kept_apart_by_kind_and_recorded_once() -> None:
    ledger = Ledger()
    for id, kind in ((NUM_CLAIMS, "metric"), (20, "timing"), (1, "metric"), (3, "timing")):
        record(ledger, id, kind=kind)
    with pytest.raises(ClaimError, match="claim 20 cannot be recorded:\n  - it is there already"):
        record(ledger, 20, text="another")
    assert [stored["id"] for stored in ledger.entries("metric")] == [1, 50]
    assert [(stored["id"], stored["claim"]) for stored in ledger.entries("timing")] == [
        (3, "no weights are needed"),
        (20, "no weights are needed"),
    ]
    with pytest.raises(ClaimError, match="did you mean 'metric'"):
        ledger.entries("metrics")  # type: ignore[arg-type]


def test_verdicts_are_counted_in_prose_without_those_that_nothing_got() -> None:
    ledger = Ledger()
    assert ledger.tally() == "none was judged"
    for id, verdict in enumerate([FAILS, HOLDS, IN_PART, HOLDS, FAILS, FAILS, UNTESTABLE], start=1):
        record(ledger, id, parts=[PARTS[verdict]], kind="timing" if id == 1 else "metric")
    assert ledger.tally() == "2 hold, 1 holds in part, 3 do not hold and 1 cannot be tested as stated"
    others = [claim_of(PARTS[verdict]) for verdict in (HOLDS, IN_PART, IN_PART, FAILS)]
    assert tally(iter(others)) == "1 holds, 2 hold in part and 1 does not hold"


# Files


def test_an_entry_says_what_pages_and_tests_need() -> None:
    part = make_part(0.25, above(0.125), low=0.0625, high=0.5, unit="share", digits=1)
    claim = Ledger().record(34, "shuffle", source="M", parts=[part], remark="So.", kind="timing")
    both = {"measurement": 0.25, "low": 0.0625, "high": 0.5, "no_interval": "", "n": 10}
    assert entry(claim) == {
        **both,
        "id": 34,
        "claim": "shuffle",
        "source": "M",
        "kind": "timing",
        "rule": part.rule_text,
        "verdict": "holds in part",
        "sentence": claim.sentence,
        "remark": "So.",
        "anchor": "claim-34",
        "parts": [
            {
                **both,
                "what": "share of it",
                "reason": "",
                "of_what": "images",
                "unit": "share",
                "digits": 1,
                "rule": {"kind": "above", "bounds": [0.125]},
                "rule_text": part.rule_text,
                "verdict": "holds in part",
            },
        ],
    }


def read_back(claim: Claim) -> Claim:
    return from_entry(json.loads(json.dumps(entry(claim), allow_nan=False)))


@pytest.mark.parametrize("kind", ["metric", "timing"])
def test_a_claim_survives_a_file(kind: Any) -> None:
    exact = make_part(2, between(-1, 4), low=2, high=2, unit="ratio", digits=0)  # ends belong to intervals
    claim = record(Ledger(), parts=[*PARTS.values(), exact], remark="So. ", kind=kind)
    assert read_back(claim) == claim


def test_a_claim_may_be_made_of_numbers_of_any_kind() -> None:
    part = Part(
        "mean",
        torch.tensor(0.5),  # type: ignore[arg-type]
        between(np.float64(0.25), torch.tensor(1.0)),  # type: ignore[arg-type]
        np.float32(0.25),  # type: ignore[arg-type]
        np.float64(0.75),
        n=np.int64(12),  # type: ignore[arg-type]
        of_what="seeds",
    )
    claim = record(Ledger(), parts=[part])
    plain = Part("mean", 0.5, between(0.25, 1), 0.25, 0.75, n=12, of_what="seeds")
    assert read_back(claim) == claim == claim_of(plain)


def stored_claim() -> dict[str, Any]:
    claim = claim_of(make_part(0.5, above(0.25), low=0.375, high=0.625), make_part(3, below(4)))
    stored: dict[str, Any] = json.loads(json.dumps(entry(claim)))
    return stored


@pytest.mark.parametrize(
    ("name", "value", "said", "verdict"),
    [
        ("measurement", 0.4, "0.40, 95 % interval [0.38, 0.62], n = 10", HOLDS),
        ("low", 0.125, "0.50, 95 % interval [0.12, 0.62], n = 10", IN_PART),
        ("high", 0.75, "0.50, 95 % interval [0.38, 0.75], n = 10", HOLDS),
        ("n", 20, "0.50, 95 % interval [0.38, 0.62], n = 20", HOLDS),
    ],
)
def test_sentence_and_verdict_follow_the_numbers_of_an_entry(
    name: str, value: float, said: str, verdict: Verdict
) -> None:
    stored = stored_claim()
    stored["verdict"] = stored["parts"][0]["verdict"] = "cannot be tested as stated"  # never believed
    assert from_entry(stored).verdict is HOLDS
    stored["parts"][0][name] = value
    claim = from_entry(stored)
    assert f"Share of it: {said} images." in claim.sentence
    assert claim.verdict is verdict
    assert claim.sentence.startswith(f"Claim 7 {verdict}. ")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        *(([key], ..., f"{key} is missing") for key in ("id", "claim", "source", "parts")),
        (["parts"], [], "parts is empty"),
        (["parts"], [1], "part 1: .*found 1"),
        (["id"], 51, "id .*found 51"),
        *(
            (["parts", 0, key], ..., f"part 1: {key} is missing")
            for key in ("what", "measurement", "rule", "n", "of_what")
        ),
        (["parts", 0, "measurement"], None, "part 1: measurement .*found None"),
        (["parts", 0, "low"], None, "part 1: an interval needs both ends"),
        (["parts", 0, "rule", "kind"], "over", "part 1: rule.*'above'.*found 'over'"),
    ],
)
def test_an_entry_that_lacks_something_or_means_nothing_is_refused(
    place: list[Any], value: object, message: str
) -> None:
    stored = stored_claim()
    changed = functools.reduce(operator.getitem, place[:-1], stored)
    changed[place[-1]] = value
    if value is ...:
        del changed[place[-1]]
    with pytest.raises(DataError, match=rf"claim \w+ .*make book(?s:.*){message}"):
        from_entry(stored)


def test_something_else_than_an_entry_is_refused() -> None:
    for value in (None, [], "claim", 3):
        with pytest.raises(DataError, match="claim None cannot be read"):
            from_entry(value)  # type: ignore[arg-type]


# The built book


@pytest.mark.book
def test_the_built_ledger_shows_every_claim_as_its_results_file_has_it() -> None:
    built = BUILD / "html" / "book" / "claims.html"
    assert built.exists(), f"{built.relative_to(ROOT)} is missing: run `make book`"
    rows = BeautifulSoup(built.read_text(encoding="utf-8"), "html.parser").select("table.ledger tbody tr")
    files = map(results.read, (BUILD / "results" / "claims").glob("*.json"))
    stored = [
        one for file in files for kind in (file.metrics, file.timings) for one in kind.get("claims", [])
    ]
    claims = {one["id"]: from_entry(one) for one in stored}
    assert len(stored) == NUM_CLAIMS
    assert sorted(claims) == list(range(1, NUM_CLAIMS + 1))
    for id, row in enumerate(rows, 1):
        cells = row.select("td")
        assert cells[0].get_text(strip=True) == str(id)
        for part in claims[id].parts:
            assert write_value(part.measurement, part.unit, part.digits) in cells[2].get_text()
            assert f"n = {part.n:,}" in cells[2].get_text()
        assert cells[4].get_text(strip=True) == f"{claims[id].verdict.symbol} {claims[id].verdict}"
        assert cells[5].select_one(f'a[href$="#claim-{id}"]') is not None
    assert len(rows) == NUM_CLAIMS
