"""The rules stand in one file, say when they were written, and none changes unseen."""

import dataclasses
import datetime
import re
import string
from pathlib import Path

import pytest
import rules_seen

from tutorial_utils.exceptions import ClaimError
from tutorial_utils.report import rules
from tutorial_utils.report.verdicts import Rule

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks" / "claims").glob("*.py"))

SMALL = """
[margins]
accuracy = {value = 0.002, why = "small"}

[[dropped]]
claim = 3
what = "another"
was = "above 1"
date = 2026-01-03
why = "the source never said it"

[claim.3]
text = "it is so"
source = "M"
theme = "data"
logic = "all"

[claim.3.a]
what = "share of {digit}"
between = [0.25, 1]
unit = "share"
date = 2026-01-02
results_seen = false
why = "what rounds to it"
was = "above 50 %"

[claim.3.b]
what = "a count"
none = "nothing could"
exact = "counted"
date = 2026-01-01
results_seen = true
why = "a theorem"
"""


def read_text(folder: Path, text: str) -> rules.Rulebook:
    file = folder / "rules.toml"
    file.write_text(text)
    rules.read.cache_clear()
    return rules.read(file)


def test_a_file_becomes_claims_with_parts(tmp_path: Path) -> None:
    book = read_text(tmp_path, SMALL)
    claim = book.claim(3)
    assert (claim.text, claim.source, claim.theme) == ("it is so", "M", "data")
    assert (claim.logic, claim.kind) == ("all", "metric")
    first, second = claim.parts["a"], claim.parts["b"]
    assert first.rule == Rule("between", (0.25, 1.0))
    assert (first.text, first.names) == ("between 25 % and 100 %", {"digit"})
    assert (first.title, second.title) == ("share of …", "a count")
    assert (first.date, first.results_seen, first.was) == (datetime.date(2026, 1, 2), False, "above 50 %")
    assert (second.rule, second.text, second.exact) == (None, "none: nothing could", "counted")
    assert (book.margins, book.num_tests) == ({"accuracy": 0.002}, 1)
    assert [(one.claim, one.was) for one in book.dropped] == [(3, "above 1")]
    with pytest.raises(ClaimError, match="no claim 4; the rules know 3 to 3"):
        book.claim(4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('none = "nothing could"\n', "", "claim 3: give one of .*found nothing"),
        ('none = "nothing could"', 'none = "x"\nabove = 1', "claim 3: give one of .*found above, none"),
        ('none = "nothing could"', 'none = ""', "parts.b: .*needs to say why"),
        ("[0.25, 1]", "[1, 0.25]", "parts.a.rule: .*the lower first"),
        ("[0.25, 1]", '["a", "b"]', "parts.a.rule.bounds"),
        ('why = "what rounds to it"\n', "", "parts.a.why: Field required"),
        ("results_seen = false\n", "", "parts.a.results_seen: Field required"),
        ("date = 2026-01-02", 'date = "soon"', "parts.a.date"),
        ('unit = "share"', 'unit = "metres"', "parts.a.unit"),
        ('unit = "share"', 'units = "share"', "parts.a.units"),
        ('theme = "data"', 'theme = "weather"', "claim 3, theme: .*'data', 'model'"),
        ('logic = "all"', 'logic = "any"', "claim 3, logic: .*'all' or 'alternatives'"),
        ("[claim.3.b]", "[claim.3.c]", "letters a, b, found a, c"),
        ("claim = 3", "claim = 51", "dropped 0.claim"),
        ("[margins]", "[margins", "cannot be read"),
    ],
)
def test_a_file_that_lacks_something_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert SMALL.count(old) == 1
    with pytest.raises(ClaimError, match=f"(?s)rules.toml.*{message}"):
        read_text(tmp_path, SMALL.replace(old, new))


def test_the_books_rules_are_complete() -> None:
    book = rules.read()
    assert list(book.claims) == list(range(1, rules.NUM_CLAIMS + 1))
    assert all(part.date >= datetime.date(2026, 11, 22) for part in book.parts.values())
    first_edition = [part for part in book.parts.values() if part.date == datetime.date(2026, 11, 22)]
    assert all(part.results_seen for part in first_edition)


@pytest.mark.parametrize("change", ["rule", "what", "text", "logic", "results_seen"])
def test_a_rule_that_changes_without_a_new_date_is_found(tmp_path: Path, change: str) -> None:
    swap = {
        "rule": ("[0.25, 1]", "[0.26, 1]"),
        "what": ("share of {digit}", "part of {digit}"),
        "text": ("it is so", "it is not so"),
        "logic": ('"all"', '"alternatives"'),
        "results_seen": ("false", "true"),
    }[change]
    seen = rules_seen.look(read_text(tmp_path, SMALL))
    changed = SMALL.replace(*swap)
    found = rules_seen.find_undated(seen, rules_seen.look(read_text(tmp_path, changed)))
    assert found[0] == "the rule of 3a changed, but its date is still 2026-01-02"
    assert len(found) == (2 if change in ("text", "logic") else 1)
    dated = changed.replace("2026-01-01", "2026-02-01").replace("2026-01-02", "2026-02-01")
    assert rules_seen.find_undated(seen, rules_seen.look(read_text(tmp_path, dated))) == []
    earlier = changed.replace("2026-01-02", "2025-12-31")
    assert rules_seen.find_undated(seen, rules_seen.look(read_text(tmp_path, earlier)))


def test_no_rule_of_the_book_changed_unseen() -> None:
    seen, now = rules_seen.read(), rules_seen.look(rules.read())
    assert rules_seen.find_undated(seen, now) == []
    assert seen == now, "rules are new, gone or changed with their dates: accept them by `make rules`"


def test_reasons_and_layout_may_change_under_the_same_date() -> None:
    book = rules.read()
    claim = book.claims[1]
    part = dataclasses.replace(claim.parts["a"], why="another", digits=5)
    other = dataclasses.replace(book, claims={1: dataclasses.replace(claim, parts={"a": part})})
    assert other.fingerprints()["1a"] == book.fingerprints()["1a"]


def test_chapters_state_no_rules_of_their_own_and_record_every_claim_once() -> None:
    recorded = []
    for path in NOTEBOOKS:
        text = path.read_text()
        before_exercises = text.split("## Exercises")[0]
        assert not re.findall(r"\b(above|below|between)\(|\bRule\(", before_exercises), path.name
        recorded += [int(number) for number in re.findall(r"ledger\.record\(\s*(\d+)", text)]
    assert sorted(recorded) == list(rules.read().claims)
    assert set(rules.read().parts) >= {f"{number}a" for number in recorded}
    assert all(name[-1] in string.ascii_lowercase for name in rules.read().parts)
