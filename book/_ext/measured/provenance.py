"""Where a chapter's numbers come from, and how it ran: the box at its foot and the table of all chapters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from measured.sources import CHAPTERS, chapters_in, repository_url, results_of
from measured.tables import Cell, link_to, make_table
from tutorial_utils.report.results import Results


def minutes(seconds: float) -> str:
    """Write a duration for readers: ``"48 s"`` or ``"3 min 05 s"``."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class MeasuredStatus(SphinxDirective):
    """``{measured-status}``: how every chapter ran: how long, in how much memory, when, by which commit."""

    def run(self) -> list[nodes.Node]:
        """Make a sentence on all chapters, and the table with one row for each."""
        found = {chapter: results_of(self.env, chapter) for chapter in chapters_in(self.env)}
        ran = {chapter: results for chapter, results in found.items() if results is not None}
        if not ran:
            return []
        header = ["Chapter", "Run time", "Peak memory", "Threads", "Finished"]
        rows: list[list[Cell]] = [
            [link_to(self.env, chapter), *(text for _, text in describe_run(results))]
            for chapter, results in ran.items()
        ]
        commits = [results.provenance["commit"] for results in ran.values()]
        repository = repository_url(self.env)
        said: list[nodes.Node] = [nodes.Text(say_status(list(ran.values())))]
        if len(set(commits)) == 1:
            said += [nodes.Text(" Commit: "), *describe_commit(commits[0], repository), nodes.Text(".")]
        else:
            header.append("Commit")
            for row, commit in zip(rows, commits, strict=True):
                row.append(nodes.paragraph("", "", *describe_commit(commit, repository)))
        return [nodes.paragraph("", "", *said, support_smartquotes=False), make_table(header, rows, "status")]


def say_status(ran: Sequence[Results]) -> str:
    """Say how all chapters ran together.

    Args:
        ran: What the chapters wrote, at least one.

    Returns:
        A few sentences: how many, how long, between which dates, on which machines.
    """
    seconds = sum(results.timings["chapter_seconds"] for results in ran)
    dates = sorted(results.provenance["date"] for results in ran)
    count = "1 chapter" if len(ran) == 1 else f"{len(ran)} chapters"
    between = _date(dates[0]) if dates[0] == dates[-1] else f"{_date(dates[0])} to {_date(dates[-1])}"
    machines = sorted({_machine(results) for results in ran})
    return (
        f"{count}, {minutes(seconds)} of run time in all. Finished: {between}. "
        f"Machine{'s' * (len(machines) > 1)}: {'; '.join(machines)}."
    )


def _machine(results: Results) -> str:
    provenance = results.provenance
    return f"{provenance['cpu']}, {provenance['cores']} cores, {provenance['system']}"


def _date(stamp: str) -> str:
    return stamp.replace("T", " ").replace("+00:00", " UTC")


def describe_run(results: Results) -> list[tuple[str, str]]:
    """Say how a chapter ran.

    Args:
        results: What the chapter wrote.

    Returns:
        Run time, peak memory, threads and date, each with its label.
    """
    timings, provenance = results.timings, results.provenance
    memory = timings.get("peak_memory_bytes")
    return [
        ("Run time", minutes(timings["chapter_seconds"])),
        ("Peak memory", f"{memory / 2**20:,.0f} MiB" if memory else "not known"),
        ("Threads", f"{provenance['threads']} on {provenance['cores']} cores"),
        ("Finished", _date(provenance["date"])),
    ]


COMMIT = re.compile(r"(?:.+-g)?([0-9a-f]{7,40})(-dirty)?")
"""What ``git describe --always --dirty`` says: a commit, after a tag's name if there is one."""


def describe_commit(commit: str, repository: str) -> list[nodes.Node]:
    """Say which state of the repository computed a chapter's numbers, with a link to it.

    Args:
        commit: From ``git describe``, or ``"unknown"``.
        repository: Address of the repository; empty for no link.

    Returns:
        Text and link. A tree that had been edited is not that of the commit, so it says so.
    """
    bare = commit.removesuffix("-dirty")
    if bare == "unknown":
        return [nodes.Text("not known: executed outside a git repository")]
    match = COMMIT.fullmatch(commit)
    state = match[1] if match else bare  # else the name of a tag
    shown = nodes.reference("", bare, refuri=f"{repository}/tree/{state}") if repository else nodes.Text(bare)
    return [shown] if bare == commit else [nodes.Text("edited after "), shown]


def make_provenance(results: Results, repository: str = "") -> nodes.Node:
    """Make the box at a page's foot that says where its numbers come from.

    Args:
        results: What the chapter wrote.
        repository: Address of the repository, to link the commit; empty for no link.

    Returns:
        A box that opens on a click. Its values stand as they are in the file, without typographic quotes.
    """
    provenance = results.provenance
    rows: list[tuple[str, str | list[nodes.Node]]] = [
        ("Parameters", _pairs(results.parameters, " = ")),
        ("Seed", str(results.parameters.get("seed", "none"))),
        ("Data", f"{results.parameters.get('dataset', 'none')}, fingerprint {provenance['data_hash']}"),
        ("Versions", f"Python {provenance['python']}, {_pairs(provenance['versions'], ' ')}"),
        ("Processor", f"{provenance['cpu']} ({provenance['system']})"),
        *describe_run(results),
        ("Commit", describe_commit(provenance["commit"], repository)),
    ]
    fields = nodes.field_list("", support_smartquotes=False)
    for label, content in rows:
        children = [nodes.Text(content)] if isinstance(content, str) else content
        body = nodes.field_body("", nodes.paragraph("", "", *children))
        fields += nodes.field("", nodes.field_name("", label), body)
    title = nodes.title("", "How the numbers on this page were made")
    return nodes.admonition("", title, fields, classes=["dropdown", "provenance"])


def _pairs(values: dict[str, Any], separator: str) -> str:
    return ", ".join(f"{name}{separator}{value}" for name, value in values.items())


class AppendProvenance(SphinxTransform):
    """Puts the box under every chapter, so that no author can forget it."""

    default_priority = 100

    def apply(self, **kwargs: Any) -> None:
        """Append the box to the page's outermost section."""
        section = next(self.document.findall(nodes.section), None)
        if section is None or not self.env.docname.startswith(CHAPTERS):
            return
        results = results_of(self.env, self.env.docname.removeprefix(CHAPTERS))
        if results is not None:
            section += make_provenance(results, repository_url(self.env))
