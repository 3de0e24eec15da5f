"""Measurements become verdicts by stated rules, survive a file, and show as text."""

import dataclasses
import datetime
import functools
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
from tutorial_utils.report.ledger import (
    CHANCE_RANGE,
    Claim,
    Ledger,
    Measurement,
    Part,
    correct,
    entry,
    from_entry,
    tally,
)
from tutorial_utils.report.rules import NUM_CLAIMS, ClaimRules, PartRule, Rulebook
from tutorial_utils.report.verdicts import Rule, Verdict, above, below, between

MARKUP = "<script>x</script> **b** *i* _u_ `c` [l](y) $z$ {ref}`x` &amp; <b>x</b> ~s~ a|b # \\alpha"
HOLDS, FAILS, MIXED, UNSETTLED, UNTESTABLE = Verdict


def make_part(value: float = 0.5, rule: Rule | None = None, **changes: Any) -> Part:
    """A part that holds, without an interval unless one is given."""
    fields: dict[str, Any] = {"n": 10, "of_what": "images", "no_interval": "a count"} | changes
    if "low" in fields:
        fields["no_interval"] = changes.get("no_interval", "")
    return Part("share of it", value, rule or above(0), **fields)


PARTS = {
    HOLDS: make_part(),
    FAILS: make_part(-0.5),
    UNSETTLED: make_part(low=-0.5, high=1.5),
    UNTESTABLE: Part(
        "minima", 1, None, n=1, of_what="losses", no_interval="a count", reason="there are none"
    ),
}


def claim_of(*parts: Part, **changes: Any) -> Claim:
    fields: dict[str, Any] = {"id": 7, "text": "no weights are needed", "source": "M"} | changes
    return Claim(parts=parts, **fields)


# The made-up rules: every claim has a share above a half, claim 8 a count besides, claim 9 takes time.
STATED = PartRule("share of {what}", above(0.5), datetime.date(2026, 1, 1), True, "most", "share")
COUNT = dataclasses.replace(STATED, what="a count", rule=below(2), unit="number", exact="counted", digits=0)
UNRULED = dataclasses.replace(STATED, what="minima", rule=None, reason="there are none", exact="a count")


def rulebook(**parts: PartRule) -> Rulebook:
    one = ClaimRules("no weights are needed", "M", "data", "all", parts or {"a": STATED})
    claims = {number: one for number in range(1, NUM_CLAIMS + 1)}
    claims[8] = dataclasses.replace(one, parts={"a": STATED, "b": COUNT}, logic="alternatives")
    claims[9] = dataclasses.replace(one, kind="timing")
    return Rulebook(claims, {}, (), "0" * 64)


def measured(value: Any = 0.75, **changes: Any) -> Measurement:
    """A share that holds, from 0.65 to 0.85 unless told otherwise."""
    fields: dict[str, Any] = {"n": 10, "of_what": "images", "names": {"what": "it"}} | changes
    if "no_interval" not in fields:
        fields = {"low": float(value) - 0.1, "high": float(value) + 0.1} | fields
    return Measurement(value, **fields)


# Verdicts


def test_a_claim_combines_its_parts_before_and_after_the_correction() -> None:
    strong, weak = make_part(0.5, low=0.3, high=0.7), make_part(0.5, low=0.01, high=0.99)
    for logic, after in (("all", UNSETTLED), ("alternatives", HOLDS)):
        (claim,) = correct([claim_of(strong, weak, PARTS[HOLDS], logic=logic)], family=3)
        assert (claim.verdict, claim.verdict_holm) == (HOLDS, after)
        assert [part.verdict_holm for part in claim.parts] == [HOLDS, UNSETTLED, HOLDS]


def test_a_mixed_claim_is_open_where_the_correction_opens_one_of_its_readings() -> None:
    against = make_part(-0.5, low=-0.99, high=-0.01)
    (claim,) = correct([claim_of(make_part(low=0.4, high=0.6), against, logic="alternatives")], family=9)
    assert [part.verdict_holm for part in claim.parts] == [HOLDS, UNSETTLED]
    assert (claim.verdict, claim.verdict_holm) == (MIXED, UNSETTLED)


def test_the_correction_counts_every_part_with_a_rule_and_an_interval() -> None:
    part = make_part(0.5, low=0.1, high=0.9)
    others = [claim_of(PARTS[HOLDS]), claim_of(PARTS[UNTESTABLE])]
    corrected = correct([claim_of(part), *others, claim_of(part, part)])
    assert part.p_value is not None
    found = [one.p_holm for claim in corrected for one in claim.parts]
    assert found == [pytest.approx(3 * part.p_value), None, None, *[pytest.approx(3 * part.p_value)] * 2]
    assert correct([claim_of(part)], family=20)[0].parts[0].p_holm == pytest.approx(20 * part.p_value)
    assert correct(corrected) == corrected, "nothing is corrected twice"


def test_the_correction_opens_verdicts_and_turns_none() -> None:
    draw = np.random.default_rng(5)
    parts = [make_part(v, low=v - w, high=v + w) for v, w in draw.uniform([-1, 0], [1, 0.8], (60, 2))]
    (claim,) = correct([claim_of(*parts)])
    pairs = {(part.verdict, part.verdict_holm) for part in claim.parts}
    assert pairs == {
        (HOLDS, HOLDS), (FAILS, FAILS), (UNSETTLED, UNSETTLED), (HOLDS, UNSETTLED), (FAILS, UNSETTLED),
    }  # fmt: skip


def test_an_exact_test_speaks_before_the_interval() -> None:
    part = make_part(0.5, low=0.1, high=0.9, exact_p=0.0625)
    assert (part.verdict, part.p_value, part.verdict_holm) == (HOLDS, 0.0625, UNSETTLED)
    assert "98.4 % interval [" in make_part(low=0.1, high=0.9, exact_p=0.0156, confidence=1 - 2**-6).finding


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
        "Claim 7 holds. Minima: 1.00, no interval (a count), n = 1 losses. "
        "Rule: none: there are none. Verdict: cannot be tested. "
        "Share of it: 3, no interval (a count), n = 10 images. Rule: above 0. Verdict: holds."
    )


def test_what_chance_leaves_of_an_estimate_is_called_a_range() -> None:
    count = measured(3, no_interval="all of them")
    claim = Ledger(rulebook()).record(8, a=measured(how=CHANCE_RANGE, names={"what": "it"}), b=count)
    assert "(range that chance leaves): 75.00 %, 95 % range [" in claim.parts[0].finding
    page = Path(__file__).parents[1] / "notebooks" / "claims" / "01c_mnist_evaluation.py"
    assert page.read_text(encoding="utf-8").count(f'how="{CHANCE_RANGE}"') == 2, "claims 17 and 38"


def shown(claim: Claim) -> BeautifulSoup:
    """What a notebook shows."""
    return BeautifulSoup(MarkdownIt("commonmark").render(claim._repr_markdown_()), "html.parser")


def test_a_notebook_shows_verdict_and_claim_and_a_sentence_for_each_part() -> None:
    claim = Ledger(rulebook()).record(8, a=measured(), b=measured(3, no_interval="all of them"), remark="So.")
    page = shown(claim)
    assert [tag.get_text() for tag in page.select("strong")] == ["◐ Claim 8 is mixed"]
    first, last = page.select("p")
    assert first.get_text() == "◐ Claim 8 is mixed: no weights are needed (source M)."
    assert [tag.get_text() for tag in page.select("li")] == [part.sentence for part in claim.parts]
    assert last.get_text() == "So."
    assert repr(claim) == f"◐ no weights are needed (source M). {claim.sentence}"


def test_text_that_looks_like_markup_stays_text_in_a_notebook() -> None:
    part = Part(MARKUP, 1, None, n=1, of_what=MARKUP, no_interval=MARKUP, reason=MARKUP)
    claim = claim_of(part, text=MARKUP, remark=MARKUP)
    page = shown(claim)
    assert page.get_text().count(MARKUP) == 6
    assert {tag.name for tag in page.find_all(True)} == {"p", "strong", "ul", "li"}
    assert not re.findall(r"[$\\`{}|~]", claim._repr_markdown_()), "MyST and MathJax read these"


# Recording


def test_a_measurement_meets_the_rule_of_its_part() -> None:
    ledger = Ledger(rulebook())
    names = {"what": "digits", "unused": 1}
    claim = ledger.record(
        8, b=measured(3, no_interval="", low=None, high=None), a=measured(how="t", names=names)
    )
    assert [part.what for part in claim.parts] == ["share of digits (t)", "a count"]
    assert [part.unit for part in claim.parts] == ["share", "number"]
    assert [part.rule for part in claim.parts] == [above(0.5), below(2)]
    assert [part.no_interval for part in claim.parts] == ["", "counted"]
    assert (claim.text, claim.source, claim.logic) == ("no weights are needed", "M", "alternatives")
    untestable = Ledger(rulebook(a=UNRULED)).record(1, a=measured(1, low=None, high=None))
    assert (untestable.verdict, untestable.parts[0].reason) == (UNTESTABLE, "there are none")


REFUSED = [
    ({"value": math.nan}, "measurement .*finite.*found nan"),
    ({"value": "0.5", "low": 0, "high": 1}, "measurement .*found '0.5'"),
    ({"low": -math.inf}, "low .*finite"),
    ({"low": None}, "both ends, found low=None, high=0.85"),
    ({"low": None, "high": None}, "no_interval saying why"),
    ({"low": 0.25, "high": 0.95, "no_interval": "a count"}, "no_interval saying why"),
    ({"low": 0.76}, r"0\.75 is not in its interval \[0\.76, 0\.85\]"),
    ({"high": 0.74}, r"0\.75 is not in its interval \[0\.65, 0\.74\]"),
    ({"low": -1, "log_scale": True}, "logarithms lies above 0, found low=-1"),
    ({"exact_p": 1.5}, "exact_p .* 1, found 1.5"),
    ({"confidence": 0.984375}, r"interval at 98.4 % needs exact_p"),
    ({"confidence": 0.9, "exact_p": 0.5}, "confidence .* 0.95, found 0.9"),
    ({"degrees_of_freedom": 0}, "degrees_of_freedom .* 0, found 0"),
    ({"n": 0}, "n .* 1, found 0"),
    ({"n": 2.5}, "n .*integer, found 2.5"),
    ({"of_what": ""}, "of_what is empty"),
    ({"names": {"digit": 3}}, "needs names for what in 'share of {what}'"),
]


@pytest.mark.parametrize(("changes", "message"), REFUSED)
def test_a_measurement_that_lacks_something_is_refused(changes: dict[str, Any], message: str) -> None:
    ledger = Ledger(rulebook())
    bad = measured(**{"value": 0.75, "low": 0.65, "high": 0.85} | changes)
    with pytest.raises(ClaimError, match=f"claim 8 cannot be recorded(?s:.*)part a: .*{message}"):
        ledger.record(8, a=bad, b=measured(3, no_interval="a count"))
    assert ledger.entries("metric") == ledger.entries("timing") == []


def test_parts_that_are_missing_unknown_or_no_measurements_are_named_all_at_once() -> None:
    with pytest.raises(ClaimError) as caught:
        Ledger(rulebook()).record(8, b=3, c=measured())  # type: ignore[arg-type]
    assert str(caught.value).splitlines() == [
        "claim 8 cannot be recorded:",
        "  - part a is missing: share of {what}",
        "  - no rule for a part 'c'",
        "  - part b is no Measurement, but 3",
    ]
    with pytest.raises(ClaimError, match="no claim 51; the rules know 1 to 50"):
        Ledger(rulebook()).record(51, a=measured())


def test_all_problems_of_all_parts_are_listed_at_once() -> None:
    with pytest.raises(ClaimError) as caught:
        Ledger(rulebook()).record(8, a=measured(n=0, of_what=""), b=measured(3, low=4))
    _, *problems = str(caught.value).splitlines()
    for said in ("part a: n", "part a: of_what", "part b: 3"):
        assert sum(said in problem for problem in problems) == 1, problems


def test_entries_are_sorted_kept_apart_by_kind_and_recorded_once() -> None:
    ledger = Ledger(rulebook())
    for id in (NUM_CLAIMS, 9, 1):
        ledger.record(id, a=measured())
    with pytest.raises(ClaimError, match="claim 9 cannot be recorded:\n  - it is there already"):
        ledger.record(9, a=measured())
    assert [stored["id"] for stored in ledger.entries("metric")] == [1, 50]
    assert [(stored["id"], stored["claim"]) for stored in ledger.entries("timing")] == [
        (9, "no weights are needed")
    ]
    with pytest.raises(ClaimError, match="did you mean 'metric'"):
        ledger.entries("metrics")  # type: ignore[arg-type]


def test_entries_count_the_tests_of_all_chapters() -> None:
    ledger = Ledger(rulebook())
    for id in (1, 9):
        ledger.record(id, a=measured())
    (stored,) = ledger.entries("metric")
    (part,) = stored["parts"]
    assert ledger.rulebook.num_tests == 50
    assert part["p_holm"] == pytest.approx(50 * part["p_value"]), "the other one is as small"


def test_verdicts_are_counted_in_prose_without_those_that_nothing_got() -> None:
    ledger = Ledger(rulebook())
    assert ledger.tally() == "none was judged"
    for id, value in enumerate([0.25, 0.75, 0.5, 0.75, 0.25, 0.25], start=1):
        ledger.record(id, a=measured(value))
    assert ledger.tally() == "2 hold, 3 do not hold and 1 is not settled"
    both = claim_of(PARTS[HOLDS], PARTS[FAILS])
    others = [both, both, *(claim_of(PARTS[verdict]) for verdict in (HOLDS, UNSETTLED, UNTESTABLE))]
    assert tally(iter(others)) == "1 holds, 2 are mixed, 1 is not settled and 1 cannot be tested"
    weak = claim_of(make_part(0.5, low=0.01, high=0.99))
    assert tally(correct([weak, weak]), corrected=True) == "2 are not settled"


# Files


def test_an_entry_says_what_pages_and_tests_need() -> None:
    ledger = Ledger(rulebook())
    claim = ledger.record(
        9, a=measured(0.75, low=0.625, high=0.875, how="t", degrees_of_freedom=9), remark="So."
    )
    (stored,) = ledger.entries("timing")
    both = {"measurement": 0.75, "low": 0.625, "high": 0.875, "no_interval": "", "n": 10}
    p = claim.parts[0].p_value
    assert p is not None and p > 0.05 / 50
    assert stored == {
        **both,
        "id": 9,
        "claim": "no weights are needed",
        "source": "M",
        "kind": "timing",
        "logic": "all",
        "rule": "above 50 %",
        "verdict": "holds",
        "verdict_holm": "not settled",
        "sentence": claim.sentence,
        "remark": "So.",
        "anchor": "claim-9",
        "parts": [
            {
                **both,
                "letter": "a",
                "what": "share of it (t)",
                "reason": "",
                "of_what": "images",
                "unit": "share",
                "digits": 2,
                "rule": {"kind": "above", "bounds": [0.5]},
                "rule_text": "above 50 %",
                "degrees_of_freedom": 9.0,
                "log_scale": False,
                "exact_p": None,
                "confidence": 0.95,
                "p_value": p,
                "p_holm": pytest.approx(50 * p),
                "verdict": "holds",
                "verdict_holm": "not settled",
            },
        ],
    }


def read_back(claim: Claim) -> Claim:
    return from_entry(json.loads(json.dumps(entry(claim), allow_nan=False)))


@pytest.mark.parametrize("logic", ["all", "alternatives"])
def test_a_claim_survives_a_file(logic: Any) -> None:
    exact = make_part(2, between(-1, 4), low=2, high=2, unit="ratio", digits=0)  # ends belong to intervals
    shaped = make_part(low=0.25, high=1, log_scale=True, degrees_of_freedom=4.0, exact_p=0.5, confidence=0.97)
    claim = claim_of(*PARTS.values(), exact, shaped, remark="So. ", kind="timing", logic=logic)
    assert read_back(claim) == claim
    (corrected,) = correct([claim])
    assert read_back(corrected) == corrected


def test_a_measurement_may_hold_numbers_of_any_kind() -> None:
    odd = Measurement(
        torch.tensor(0.75),  # type: ignore[arg-type]
        np.float32(0.625),  # type: ignore[arg-type]
        np.float64(0.875),
        n=np.int64(12),  # type: ignore[arg-type]
        of_what="seeds",
        degrees_of_freedom=np.int64(11),  # type: ignore[arg-type]
        names={"what": "it"},
    )
    plain = measured(0.75, low=0.625, high=0.875, n=12, of_what="seeds", degrees_of_freedom=11)
    claim = Ledger(rulebook()).record(1, a=odd)
    assert read_back(claim) == claim == Ledger(rulebook()).record(1, a=plain)


def stored_claim() -> dict[str, Any]:
    claim = claim_of(make_part(0.5, above(0.25), low=0.375, high=0.625), make_part(3, below(4)))
    stored: dict[str, Any] = json.loads(json.dumps(entry(claim)))
    return stored


@pytest.mark.parametrize(
    ("name", "value", "said", "verdict"),
    [
        ("measurement", 0.4, "0.40, 95 % interval [0.38, 0.62], n = 10", HOLDS),
        ("low", 0.125, "0.50, 95 % interval [0.12, 0.62], n = 10", UNSETTLED),
        ("high", 0.75, "0.50, 95 % interval [0.38, 0.75], n = 10", HOLDS),
        ("n", 20, "0.50, 95 % interval [0.38, 0.62], n = 20", HOLDS),
    ],
)
def test_sentence_and_verdict_follow_the_numbers_of_an_entry(
    name: str, value: float, said: str, verdict: Verdict
) -> None:
    stored = stored_claim()
    stored["verdict"] = stored["parts"][0]["verdict"] = "cannot be tested"  # never believed
    assert from_entry(stored).verdict is HOLDS
    stored["parts"][0][name] = value
    claim = from_entry(stored)
    assert f"Share of it: {said} images." in claim.sentence
    assert claim.verdict is verdict
    assert claim.sentence.startswith(f"Claim 7 {verdict.singular}. ")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        *(([key], ..., f"{key} is missing") for key in ("id", "claim", "source", "parts")),
        (["parts"], [], "parts is empty"),
        (["parts"], [1], "part a: .*found 1"),
        (["id"], 51, "id .*found 51"),
        *(
            (["parts", 0, key], ..., f"part a: {key} is missing")
            for key in ("what", "measurement", "rule", "n", "of_what")
        ),
        (["parts", 0, "measurement"], None, "part a: measurement .*found None"),
        (["parts", 0, "low"], None, "part a: an interval needs both ends"),
        (["parts", 0, "rule", "kind"], "over", "part a: rule.*'above'.*found 'over'"),
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
