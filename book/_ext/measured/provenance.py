"""Where a chapter's numbers come from, and how it ran: the box at its foot, and the page of all."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.transforms import SphinxTransform

from measured.sources import CHAPTERS, logger, read_results, repository_url
from tutorial_utils.data.catalogue import DATASETS
from tutorial_utils.exceptions import DataError
from tutorial_utils.report.results import Results


def minutes(seconds: float) -> str:
    """Write a duration for readers: ``"48 s"`` or ``"3 min 05 s"``."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def say_status(ran: Collection[Results]) -> str:
    """Say how all chapters ran together: how many, how long, between which dates, on which machines."""
    seconds = sum(results.timings["chapter_seconds"] for results in ran)
    dates = sorted({_date(results) for results in ran})
    machines = sorted({"{cpu}, {cores} cores, {system}".format(**results.provenance) for results in ran})
    return (
        f"{len(ran)} chapter{'s' * (len(ran) > 1)}, {minutes(seconds)} of run time in all. "
        f"Finished: {' to '.join(dict.fromkeys((dates[0], dates[-1])))}. "
        f"Machine{'s' * (len(machines) > 1)}: {'; '.join(machines)}."
    )


def _date(results: Results) -> str:
    return str(results.provenance["date"]).replace("T", " ").replace("+00:00", " UTC")


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
        ("Finished", _date(results)),
    ]


COMMIT = re.compile(r"(?:.+-g)?([0-9a-f]{7,40})")
"""What ``git describe --always`` says: a commit, after a tag's name if there is one."""


def describe_commit(commit: str, repository: str) -> tuple[str, str, str]:
    """Say which state of the repository computed a chapter's numbers.

    Args:
        commit: From ``git describe``, or ``"unknown"``, which a reason in brackets may follow.
        repository: Address of the repository.

    Returns:
        Words, then the text and the address of a link, both empty where there is none. A tree that had been
        edited is not that of the commit, so the words say so.
    """
    if commit.startswith("unknown"):
        reason = commit.removeprefix("unknown") or ": executed outside a git repository"
        return f"not known{reason}", "", ""
    bare = commit.removesuffix("-dirty")
    match = COMMIT.fullmatch(bare)
    state = match[1] if match else bare  # else the name of a tag
    return "" if bare == commit else "edited after ", bare, f"{repository}/tree/{state}"


def describe_data(data_hash: str) -> str:
    """Name the data set that a chapter loaded by its fingerprint, whether or not it is a parameter.

    Args:
        data_hash: ``LoadedDataset.fingerprint``, after a colon the share that was kept; or ``"none"``.
    """
    if data_hash in ("", "none"):
        return "none"
    names = {each.fingerprint: name for name, each in DATASETS.items()}
    name = names.get(data_hash.partition(":")[0], "a data set that is not in the catalogue")
    return f"{name}, fingerprint {data_hash}"


def make_provenance(results: Results, repository: str) -> nodes.Node:
    """Make the box at a page's foot that says where its numbers come from.

    Args:
        results: What the chapter wrote.
        repository: Address of the repository, to link the commit.

    Returns:
        A box that opens on a click. Its values stand as they are in the file, without typographic quotes.
    """
    provenance = results.provenance
    words, shown, address = describe_commit(provenance["commit"], repository)
    rows = [
        ("Parameters", _pairs(results.parameters, " = ")),
        ("Seed", str(results.parameters.get("seed", "none"))),
        ("Data", describe_data(provenance["data_hash"])),
        ("Versions", f"Python {provenance['python']}, {_pairs(provenance['versions'], ' ')}"),
        ("Processor", f"{provenance['cpu']} ({provenance['system']})"),
        *describe_run(results),
        ("Commit", words),
    ]
    fields = nodes.field_list("", support_smartquotes=False)
    for label, text in rows:
        paragraph = nodes.paragraph("", text)
        fields += nodes.field("", nodes.field_name("", label), nodes.field_body("", paragraph))
    if shown:
        paragraph += nodes.reference("", shown, refuri=address)
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
        try:
            results = read_results(self.env, self.env.docname.removeprefix(CHAPTERS))
        except DataError as error:
            logger.warning("%s", error, location=self.env.docname, type="measured")
        else:
            section += make_provenance(results, repository_url(self.env))
