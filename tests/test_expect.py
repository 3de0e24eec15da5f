"""Sentences that rest on numbers: silent when they hold, an error in the book, told in the open elsewhere."""

import json
import math
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from tutorial_utils.exceptions import ChapterError, ConfigurationError, ExpectationError
from tutorial_utils.lessons import expect as guards
from tutorial_utils.lessons.expect import expect, recorded
from tutorial_utils.report import results
from tutorial_utils.runs import reruns, status


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a fresh kernel of a reader."""
    monkeypatch.setattr(guards, "_made", {})
    monkeypatch.delenv(guards.STRICT_VARIABLE, raising=False)
    InteractiveShell.clear_instance()
    InteractiveShell.instance()


@pytest.mark.parametrize(
    ("value", "bound", "holds", "margin"),
    [
        (8, {"below": 10}, True, 0.2),
        (10, {"below": 10}, False, 0),
        (12.5, {"below": 10}, False, -0.2),
        (torch.tensor([0.8]), {"above": 0.4}, True, 0.5),
        (np.float64(-1), {"above": -4}, True, 0.75),
        (0.1, {"between": (0.08, 0.2)}, True, 0.2),
        (0.08, {"between": (0.08, 0.2)}, True, 0),
        (0.4, {"between": (0.08, 0.2)}, False, -0.5),
        (torch.tensor(7), {"equals": 7}, True, None),
        ([1, 2], {"equals": (1, 2)}, True, None),
        ("a", {"equals": "b"}, False, None),
        (math.nan, {"below": 1}, False, math.nan),
    ],
)
def test_a_statement_holds_within_its_bound_and_its_margin_is_recorded(
    monkeypatch: pytest.MonkeyPatch, value: Any, bound: dict[str, Any], holds: bool, margin: float | None
) -> None:
    with capture_output() as said:
        expect("it is so", value, **bound)
    assert bool(said.outputs) is not holds
    (entry,) = recorded()
    assert (entry["statement"], entry["holds"]) == ("it is so", holds)
    assert entry["margin"] == (margin if margin is None else pytest.approx(margin, nan_ok=True))
    monkeypatch.setenv(guards.STRICT_VARIABLE, "1")
    if holds:
        expect("it is so", value, **bound)
    else:
        with pytest.raises(ExpectationError, match=r"does not hold: it is so \(found .*, expected"):
            expect("it is so", value, **bound)
    assert len(recorded()) == 1, "a cell that ran again says the same"


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        (1, {}),
        (1, {"below": 2, "above": 0}),
        ("x", {"below": 2}),
        (True, {"above": 0}),
        ([1, 2], {"above": 0}),
        (1, {"between": (2, 1)}),
    ],
)
def test_a_bound_that_is_none_is_refused_wherever_it_runs(value: Any, bounds: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        expect("it is so", value, **bounds)


CELLS = [
    ("# A lesson\n\nThe seed is small.", None),
    ("seed: int = 0  # fixes it, 0 or more", "parameters"),
    (
        "from tutorial_utils.lessons.expect import expect\n"
        'expect("the seed is small", seed, below=5, see="the seeds")\n'
        'expect("two epochs are few", 1, equals=1)',
        "remove-input",
    ),
    (
        "from tutorial_utils.report import results\n"
        'results.write("part/lesson", parameters={"seed": seed}, metrics={}, data_hash="x")',
        "remove-cell",
    ),
]
HEAD = "With these settings this does not hold: the seed is small."


@pytest.fixture
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small chapter in a repository of its own, in which this process works."""
    cells = [
        nbformat.v4.new_code_cell(text, metadata={"tags": [tag]})
        if tag
        else nbformat.v4.new_markdown_cell(text)
        for text, tag in CELLS
    ]
    path = tmp_path / "notebooks" / "part" / "lesson.ipynb"
    path.parent.mkdir(parents=True)
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.mark.fault(89)
def test_a_rerun_with_other_parameters_prints_what_no_longer_holds_and_hides_the_code(lesson: Path) -> None:
    ran = reruns.run("part/lesson", {"seed": 7}, html=True)
    assert ran.page is not None
    text = " ".join(BeautifulSoup(ran.page.read_text(), "html.parser").get_text(" ").split())
    assert f"{HEAD} Found 7, expected below 5. Look instead at the seeds." in text
    assert "expect(" not in text.replace(" ", "") and "two epochs" not in text
    first, second = ran.results.metrics["expectations"]
    assert (first["holds"], first["value"], first["bound"]) == (False, 7, {"below": 5})
    assert second["holds"]


def test_the_books_own_build_stops_at_a_statement_that_does_not_hold_and_a_preview_does_not(
    lesson: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = Path("_build")
    measured = reruns.execute_chapter("part/lesson", build)
    assert [entry["margin"] for entry in measured.metrics["expectations"]] == [1, None]
    monkeypatch.chdir(lesson.parents[2])
    said = status.describe_build(build)
    assert "Of 1 sentences that rest on a number" in said and "part/lesson: the seed is small" in said
    lesson.write_text(lesson.read_text().replace("seed: int = 0", "seed: int = 7"))
    with pytest.raises(ChapterError, match="ExpectationError: this does not hold: the seed is small"):
        reruns.execute_chapter("part/lesson", build)
    assert not results_of(build).exists()
    monkeypatch.setenv(guards.STRICT_VARIABLE, "1")  # a shell's own setting changes nothing
    reruns.execute_chapter("part/lesson", build, preview=True)
    assert results.read(results_of(build)).metrics["expectations"][0]["holds"] is False
    shown = json.loads((build / "executed" / "part" / "lesson.ipynb").read_text())["cells"][2]["outputs"]
    assert HEAD in "".join(shown[0]["data"]["text/markdown"]).replace("**", "")


def results_of(build: Path) -> Path:
    return build / "results" / "part" / "lesson.json"
