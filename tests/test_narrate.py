"""Computed values become sentences and tables."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from tutorial_utils.report.narrate import enumerate_words, interval, p_value, percent, say, table


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.9257, 2, "92.57 %"),
        (0.9257, 0, "93 %"),
        (0.0, 1, "0.0 %"),
        (-0.015, 1, "-1.5 %"),
    ],
)
def test_a_share_is_written_as_per_cent(share: float, digits: int, text: str) -> None:
    assert percent(share, digits) == text


def test_an_interval_is_written_with_the_unit_at_both_ends() -> None:
    assert interval(0.9204, 0.9307) == "[92.04 %, 93.07 %]"
    assert interval(0.9204, 0.9307, digits=0) == "[92 %, 93 %]"


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "1"),
        (0.0314159, "0.031"),
        (0.05, "0.05"),
        (0.000123, "0.00012"),
        (1e-4, "0.0001"),
        (9.99e-5, "< 0.0001"),
        (0.0, "< 0.0001"),
    ],
)
def test_a_p_value_has_two_digits_or_is_only_called_small(p: float, text: str) -> None:
    assert p_value(p) == text
    assert p_value(np.float64(p)) == text


@pytest.mark.parametrize("p", [-0.01, 1.01, float("nan")])
def test_what_is_no_p_value_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        p_value(p)


@pytest.mark.parametrize(
    ("items", "text"),
    [([5], "5"), ([5, 8], "5 and 8"), ([5, 8, 2], "5, 8 and 2"), (("a", "b", "c", "d"), "a, b, c and d")],
)
def test_a_list_is_written_as_in_prose(items: list[Any], text: str) -> None:
    assert enumerate_words(items) == text
    assert enumerate_words(iter(items)) == text


def test_sentences_are_shown_as_one_markdown_output_with_a_paragraph_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from IPython.display import Markdown

    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda *values: shown.extend(values))
    say(*[])  # nothing, and so nothing is shown
    say("The accuracy is **92 %**.", "That is good.")
    (output,) = shown
    assert isinstance(output, Markdown)
    assert output.data == "The accuracy is **92 %**.\n\nThat is good."


ROWS = [{"class": "cat", "recall": 0.987, "support": 10}, {"class": "<dog>", "recall": 0.5, "support": 20}]


def test_a_table_formats_only_the_columns_that_were_named() -> None:
    frame = table(ROWS, {"recall": ".2f"}).frame
    assert frame.columns.tolist() == ["class", "recall", "support"]
    assert frame["class"].tolist() == ["cat", "<dog>"]
    assert frame["recall"].tolist() == ["0.99", "0.50"]
    assert frame["support"].tolist() == [10, 20]


def test_a_table_is_shown_without_a_numbered_index_and_with_its_texts_whole() -> None:
    long = "a very long remark " * 10 + "END"
    shown = table([{**row, "remark": long} for row in ROWS], {"recall": ".2f"})
    read = BeautifulSoup(shown._repr_html_(), "html.parser")
    cells = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in read.find_all("tr")]
    assert cells == [
        ["class", "recall", "support", "remark"],
        ["cat", "0.99", "10", long],
        ["<dog>", "0.50", "20", long],
    ]
    first, *others = repr(table(ROWS)).splitlines()
    assert first.split() == ["class", "recall", "support"]
    assert [line.split() for line in others] == [["cat", "0.987", "10"], ["<dog>", "0.500", "20"]]


def test_a_frame_is_not_changed_and_lacks_no_column_that_is_formatted() -> None:
    frame = pd.DataFrame({"recall": [0.25]})
    assert table(frame, {"recall": ".1%"}).frame.loc[0, "recall"] == "25.0 %"
    assert frame.loc[0, "recall"] == 0.25
    with pytest.raises(KeyError, match="recal"):
        table(frame, {"recal": ".2f"})
