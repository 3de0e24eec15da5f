"""Tables and links of pages, built from docutils nodes: text from a file can never become markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from docutils import nodes  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.environment import BuildEnvironment

from measured.sources import CHAPTERS

Cell: TypeAlias = str | nodes.Node
"""One cell of a table: text, or a node such as a link."""


def link_to(env: BuildEnvironment, chapter: str, text: str = "") -> nodes.Node:
    """Make a link to a chapter's page, resolved (and checked) by Sphinx; its title if text is empty."""
    return nodes.paragraph("", "", _reference(env, "doc", f"/{CHAPTERS}{chapter}", text))


def link_to_section(env: BuildEnvironment, anchor: str, text: str = "") -> nodes.Node:
    """Make a link to an anchor, resolved (and checked) by Sphinx; its section's title if text is empty."""
    return nodes.paragraph("", "", _reference(env, "ref", anchor, text))


def _reference(env: BuildEnvironment, kind: str, target: str, text: str) -> nodes.Node:
    return addnodes.pending_xref(
        "",
        nodes.inline("", text or target),
        refdoc=env.docname,
        refdomain="std",
        reftype=kind,
        reftarget=target,
        refexplicit=bool(text),
        refwarn=True,
    )


def make_table(header: Sequence[str], rows: Iterable[Sequence[Cell]], *classes: str) -> nodes.table:
    """Make a table with one header row.

    Args:
        header: Column titles.
        rows: Cells in the order of the columns.
        *classes: Names for the style sheet, beside ``measured``.

    Returns:
        The table.
    """
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in header), cols=len(header))
    group += nodes.thead("", _make_row(header))
    group += nodes.tbody("", *(_make_row(row) for row in rows))
    return nodes.table("", group, classes=["measured", *classes])


def _make_row(cells: Sequence[Cell]) -> nodes.row:
    contents = (nodes.paragraph("", cell) if isinstance(cell, str) else cell for cell in cells)
    return nodes.row("", *(nodes.entry("", content) for content in contents))
