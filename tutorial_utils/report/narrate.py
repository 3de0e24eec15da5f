"""Sentences and tables made from computed values, shown alike in Jupyter, in Colab and on the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd


def say(*paragraphs: str) -> None:
    """Show paragraphs of Markdown under the cell, f-strings around computed values; nothing for none."""
    from IPython.display import Markdown, display  # a notebook always has it; a script may not

    if paragraphs:
        display(Markdown("\n\n".join(paragraphs)))  # type: ignore[no-untyped-call]


def percent(share: float, digits: int = 2) -> str:
    """Write a fraction as per cent: ``0.9257`` becomes ``"92.57 %"``."""
    return f"{100 * share:.{digits}f} %"


def interval(low: float, high: float, digits: int = 2) -> str:
    """Write an interval of fractions as per cent: ``"[92.04 %, 93.07 %]"``."""
    return f"[{percent(low, digits)}, {percent(high, digits)}]"


def p_value(p: float) -> str:
    """Write a p-value: two significant digits, ``"0.031"``, and below 0.0001 only that it is, ``"< 0.0001"``.

    Raises:
        ValueError: Not between 0 and 1.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"a p-value must lie between 0 and 1, found {p}; check the test that gave it")
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def enumerate_words(items: Iterable[Any]) -> str:
    """Write a list in prose: ``"5, 8 and 2"``; nothing for an empty one."""
    words = [str(item) for item in items]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


@dataclass(frozen=True)
class Table:
    """A table for readers: whole texts, no numbered index."""

    frame: pd.DataFrame

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            return str(self.frame.to_html(index=False, border=0, classes="measured"))

    def __repr__(self) -> str:
        return str(self.frame.to_string(index=False))


def table(rows: Sequence[dict[str, Any]] | pd.DataFrame, formats: dict[str, str] | None = None) -> Table:
    """Make a table for readers, to be shown as the last line of a cell.

    Args:
        rows: One dict per row, or a data frame whose index is not shown.
        formats: Format specification per column, such as ``{"recall": ".3f"}``; other columns are left alone.
            Per cent, ``".1%"``, get the space that the book writes, ``25.0 %``.
    """
    frame = pd.DataFrame(rows).copy()
    for column, specification in (formats or {}).items():
        frame[column] = [format(value, specification).replace("%", " %") for value in frame[column]]
    return Table(frame)
