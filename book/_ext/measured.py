"""Shows on the pages what the chapters measured: results, provenance and run times, read from results files.

Pages are rebuilt when a results file changes, and the build warns when one is missing, so no number on a page
is typed by hand. Everything is built from docutils nodes: text from a file can never become markup.
"""

from __future__ import annotations

import os
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import matplotlib.pyplot as plt
import pandas as pd
import yaml  # type: ignore[import-untyped]
from docutils import nodes  # type: ignore[import-untyped]
from docutils.parsers.rst import directives  # type: ignore[import-untyped]
from docutils.statemachine import StringList  # type: ignore[import-untyped]
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from tutorial_utils import catalogue, narrate, sweep_report
from tutorial_utils.exceptions import DataError
from tutorial_utils.files import whole_file
from tutorial_utils.ledger import NUM_CLAIMS, Claim, Part, Verdict, from_entry, tally
from tutorial_utils.plots.style import use_book_style
from tutorial_utils.results import Results, read

logger = logging.getLogger(__name__)

CHAPTERS = "notebooks/"
EVALUATION = re.compile(r".+/04_evaluation")
CLAIMS = "claims/"

Cell: TypeAlias = str | nodes.Node
"""One cell of a table: text, or a node such as a link."""


def results_of(env: BuildEnvironment, chapter: str) -> Results | None:
    """Read a chapter's results for the page that is being read, which then depends on them.

    Args:
        env: Sphinx's environment; its current document is the page.
        chapter: Such as ``"mnist/03_training"``.

    Returns:
        The results, or None after a warning when there are none.
    """
    path = Path(env.srcdir, env.config.measured_results, f"{chapter}.json").resolve()
    env.note_dependency(str(path))
    try:
        return read(path)
    except DataError as error:
        logger.warning("%s", error, location=env.docname, type="measured")
        return None


def chapters_in(env: BuildEnvironment) -> list[str]:
    """Names of the book's chapters, in order of their paths."""
    return sorted(name.removeprefix(CHAPTERS) for name in env.found_docs if name.startswith(CHAPTERS))


def link_to(env: BuildEnvironment, chapter: str, text: str) -> nodes.Node:
    """Make a link to a chapter's page, resolved (and checked) by Sphinx."""
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


def minutes(seconds: float) -> str:
    """Write a duration for readers: ``"48 s"`` or ``"3 min 05 s"``."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class MeasuredResults(SphinxDirective):
    """``{measured-results}``: what each evaluation chapter measured, beside what its source published."""

    def run(self) -> list[nodes.Node]:
        """Make the table, one row for each data set."""
        header = (
            "Data set",
            "Test accuracy",
            "95 % sampling interval",
            "Test images",
            "Spread over seeds",
            "Test loss",
            "Published accuracy",
        )
        rows = []
        for chapter in filter(EVALUATION.fullmatch, chapters_in(self.env)):
            results = results_of(self.env, chapter)
            if results is not None:
                rows.append(self._row(chapter, results))
        return [make_table(header, rows)]

    def _row(self, chapter: str, results: Results) -> list[Cell]:
        dataset, metrics = results.parameters["dataset"], results.metrics
        return [
            link_to(self.env, chapter, catalogue.describe(dataset).title),
            narrate.percent(metrics["test_accuracy"]),
            narrate.interval(metrics["test_accuracy_low"], metrics["test_accuracy_high"]),
            f"{metrics['n_test']:,}",
            _spread_over_seeds(metrics),
            f"{metrics['test_loss']:.4f}",
            self._markdown(self.config.measured_published.get(dataset, "none")),
        ]

    def _markdown(self, text: str) -> nodes.Node:
        """Parse text from the settings, which may cite; text from results files never comes here."""
        container = nodes.container()
        self.state.nested_parse(StringList([text], source="_config.yml"), 0, container)
        return container


def _spread_over_seeds(metrics: dict[str, Any]) -> str:
    """Say how the test accuracy varies over seeds, in words that cannot be taken for a sampling interval."""
    accuracies = metrics["accuracy_over_seeds"]
    mean, deviation = metrics["accuracy_seed_mean"], metrics["accuracy_seed_deviation"]
    return f"mean {narrate.percent(mean)}, sd {100 * deviation:.2f} points, n = {len(accuracies)} seeds"


class MeasuredStatus(SphinxDirective):
    """``{measured-status}``: every chapter of the book, how long it ran, with how much memory, and when."""

    def run(self) -> list[nodes.Node]:
        """Make the table, one row for each chapter."""
        rows: list[list[Cell]] = []
        for chapter in chapters_in(self.env):
            results = results_of(self.env, chapter)
            if results is not None:
                link = link_to(self.env, chapter, chapter)
                rows.append([link, *(text for _, text in describe_run(results))])
        return [make_table(("Chapter", "Run time", "Peak memory", "Threads", "Executed"), rows)]


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
        ("Executed", provenance["date"].replace("T", " ").replace("+00:00", " UTC")),
    ]


def make_provenance(results: Results) -> nodes.Node:
    """Make the box at a page's foot that says where its numbers come from.

    Args:
        results: What the chapter wrote.

    Returns:
        A box that opens on a click.
    """
    provenance = results.provenance
    rows = [
        ("Parameters", _pairs(results.parameters, " = ")),
        ("Seed", str(results.parameters.get("seed", "none"))),
        ("Data", f"{results.parameters.get('dataset', 'none')}, fingerprint {provenance['data_hash']}"),
        ("Versions", f"Python {provenance['python']}, {_pairs(provenance['versions'], ' ')}"),
        ("Processor", f"{provenance['cpu']} ({provenance['system']})"),
        *describe_run(results),
        ("Commit", provenance["commit"]),
    ]
    fields = nodes.field_list("")
    for label, text in rows:
        fields += nodes.field(
            "", nodes.field_name("", label), nodes.field_body("", nodes.paragraph("", text))
        )
    title = nodes.title("", "How the numbers on this page were made")
    return nodes.admonition("", title, fields, classes=["dropdown", "provenance"])


def _pairs(values: dict[str, Any], separator: str) -> str:
    return ", ".join(f"{name}{separator}{value}" for name, value in values.items())


class MeasuredProvenance(SphinxDirective):
    """``{measured-provenance} mnist/03_training``: the box of one chapter, anywhere in the book."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the box."""
        results = results_of(self.env, self.arguments[0])
        return [] if results is None else [make_provenance(results)]


VALUE = re.compile(r"\{([^|{}]+)\|([^|{}]+)\|([^|{}]*)\}")
"""A number in a sentence: ``{chapter|path|format}``; ``/`` stands between the parts of the path."""


def fill_in(env: BuildEnvironment, sentence: str) -> str:
    """Put measured values into a sentence.

    Args:
        env: Sphinx's environment; the page comes to depend on the results files.
        sentence: With values written as :data:`VALUE` says.

    Returns:
        The sentence with numbers; a value that is not there stays as it was written, after a warning.
    """

    def look_up(match: re.Match[str]) -> str:
        chapter, path, specification = match.groups()
        results = results_of(env, chapter)
        value: Any = results and {"metrics": results.metrics, "timings": results.timings}
        try:
            for part in path.split("/"):
                value = value[int(part)] if isinstance(value, list) else value[part]
            if value is None:
                raise ValueError("it is undefined")
            return format(value, specification)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            text = f"{match[0]}: no such value ({error!r})"
            logger.warning("%s", text, location=env.docname, type="measured")
            return match[0]

    return VALUE.sub(look_up, " ".join(sentence.split()))


class MeasuredAdvice(SphinxDirective):
    """``{measured-advice} FILE``: a table of advice, where the book keeps it and what it did."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make one section and table for each group of the YAML file beside the page."""
        path = Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]
        self.env.note_dependency(str(path))
        made: list[nodes.Node] = []
        for group in yaml.safe_load(path.read_text()):
            title = group["group"]
            section = nodes.section(ids=[f"advice-{nodes.make_id(title)}"])
            section += nodes.title("", title)
            rows = [
                [row["advice"], link_to_section(self.env, row["where"]), fill_in(self.env, row["effect"])]
                for row in group["rows"]
            ]
            section += make_table(("Advice", "Where", "Measured effect"), rows)
            made.append(section)
        return made


def claims_of(env: BuildEnvironment) -> list[Claim]:
    """Read every claim that the chapters recorded, for the page that is being read.

    Args:
        env: Sphinx's environment; the page comes to depend on the results files.

    Returns:
        Claims sorted by id, judged anew; after warnings when one is missing, doubled or cannot be judged.
    """
    claims = []
    for chapter in chapters_in(env):
        results = results_of(env, chapter) if chapter.startswith(CLAIMS) else None
        for values in (results.metrics, results.timings) if results else ():
            for stored in values.get("claims", []):
                try:
                    claims.append(from_entry(stored))
                except DataError as error:
                    logger.warning("%s: %s", chapter, error, location=env.docname, type="measured")
    times = Counter(claim.id for claim in claims)
    missing = [number for number in range(1, NUM_CLAIMS + 1) if not times[number]]
    doubled = [number for number, count in sorted(times.items()) if count > 1]
    for problem, ids in (("in no chapter", missing), ("more than once", doubled)):
        if ids:
            text = f"recorded {problem}: claim {narrate.enumerate_words(ids)}; each needs one `Ledger.record`"
            logger.warning("%s", text, location=env.docname, type="measured")
    return sorted(claims, key=lambda claim: claim.id)


def count_verdicts(claims: Sequence[Claim]) -> str:
    """Say how many claims got which verdict.

    Args:
        claims: All of them.

    Returns:
        One sentence.
    """
    return f"Of {len(claims)} claims, {tally(claims)}."


class MeasuredLedger(SphinxDirective):
    """``{measured-ledger}``: every claim with its measurement, the rule that judges it and the verdict."""

    def run(self) -> list[nodes.Node]:
        """Make the counts, the list of what does not hold, and the table."""
        claims = claims_of(self.env)
        header = ("No.", "Claim", "Measurement", "Rule", "Verdict", "Where")
        table = make_table(header, map(self._row, claims), "ledger")
        return [nodes.paragraph("", count_verdicts(claims)), *self._contradicted(claims), table]

    def _contradicted(self, claims: Sequence[Claim]) -> list[nodes.Node]:
        """Name the claims that do not hold, with a caution that holds whatever their number."""
        failed = [claim for claim in claims if claim.verdict is Verdict.FAILS]
        if not failed:
            return [nodes.paragraph("", "No claim is contradicted as a whole.")]
        caution = (
            "Where a claim does not hold, the estimate speaks against it. If its interval reaches into the "
            "rule, the question is open rather than settled. The source may have had other settings, "
            "versions or definitions in mind, so look at what was measured before you judge."
        )
        items = nodes.bullet_list("", classes=["contradicted"])
        for claim in failed:
            line = link_to_section(self.env, claim.anchor, f"Claim {claim.id}")
            line += nodes.Text(f" (source {claim.source}): {claim.text.rstrip('.')}.")
            items += nodes.list_item("", line)
        return [nodes.paragraph("", caution), items]

    def _row(self, claim: Claim) -> list[Cell]:
        name = claim.verdict.name.lower().replace("_", "-")
        verdict = nodes.inline("", f"{claim.verdict.symbol} {claim.verdict}", classes=["verdict", name])
        return [
            nodes.paragraph("", str(claim.id), ids=[f"ledger-{claim.id}"]),
            f"{claim.text} (source {claim.source})",  # its remark stands where it is measured
            _lines(_lettered([part.finding for part in claim.parts])),
            _lines(_lettered([self._judgement(part, claim) for part in claim.parts])),
            nodes.paragraph("", "", verdict),
            link_to_section(self.env, claim.anchor, "measured here"),
        ]

    def _judgement(self, part: Part, claim: Claim) -> str:
        """Write a part's rule, and its verdict where the claim's does not say it."""
        return part.rule_text if len(claim.parts) == 1 else f"{part.rule_text} ({part.verdict})"


def _lines(texts: Iterable[str]) -> nodes.Node:
    return nodes.line_block("", *(nodes.line("", text) for text in texts))


def _lettered(texts: Sequence[str]) -> list[str]:
    """Mark texts that belong together across cells, when there are several."""
    if len(texts) == 1:
        return list(texts)
    return [f"{letter}. {text}" for letter, text in zip(string.ascii_lowercase, texts, strict=False)]


class MeasuredSweep(SphinxDirective):
    """``{measured-sweep} FOLDER``: what a sweep over one parameter and seeds found; inside, the caption.

    Options: ``parameter``, ``metrics`` (the first is the one to be low), ``name`` and ``alt`` of the figure.
    """

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "parameter": directives.unchanged_required,
        "metrics": directives.unchanged_required,
        "name": directives.unchanged_required,
        "alt": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        """Make a sentence, a table and a figure."""
        absent = sorted(set(self.option_spec) - set(self.options))
        if absent or not self.content:
            raise self.error(f"needs a caption and the options {', '.join(sorted(self.option_spec))}")
        path = Path(self.env.srcdir, self.config.measured_sweeps, self.arguments[0], "results.csv").resolve()
        self.env.note_dependency(str(path))
        parameter, metrics = self.options["parameter"], self.options["metrics"].split()
        try:
            table = pd.read_csv(path)
            best = sweep_report.compare_with_lowest(table, parameter, metrics[0])
            summary = sweep_report.summarise(table, [parameter, sweep_report.SEED], metrics)
        except (OSError, ValueError, KeyError) as error:
            text = f"no sweep to show at {path} ({error}); `make book` runs it"
            logger.warning("%s", text, location=self.env.docname, type="measured")
            return []
        return [
            nodes.paragraph("", say_lowest(table, parameter, metrics[0], *best)),
            summarise_sweep(summary, parameter, metrics),
            self._figure(table, parameter, metrics, path.parent / f"{self.options['name']}.png"),
        ]

    def _figure(self, table: pd.DataFrame, parameter: str, metrics: Sequence[str], path: Path) -> nodes.Node:
        """Draw the metrics side by side into a file beside the sweep, and refer to that."""
        with plt.rc_context(), whole_file(path) as temporary:
            use_book_style()
            figure, axes = plt.subplots(ncols=len(metrics), squeeze=False)
            for ax, metric in zip(axes[0], metrics, strict=True):
                sweep_report.draw_metric(table, parameter, metric, ax=ax)
                ax.set(xlabel=_words(parameter), ylabel=_words(metric))
            figure.savefig(temporary, format="png", dpi=150)
            plt.close(figure)
        page = Path(self.env.doc2path(self.env.docname)).parent.resolve()
        figure_node = nodes.figure("", nodes.image(uri=Path(os.path.relpath(path, page)).as_posix()))
        figure_node[0]["alt"] = self.options["alt"]
        figure_node += nodes.caption("", "", *self._caption())
        self.set_source_info(figure_node)
        self.add_name(figure_node)
        return figure_node

    def _caption(self) -> list[nodes.Node]:
        container = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, container)
        return [node for paragraph in container.children for node in paragraph.children]


def say_lowest(
    table: pd.DataFrame,
    parameter: str,
    metric: str,
    best: float,
    neighbours: Sequence[sweep_report.Neighbour],
) -> str:
    """Say where a metric was lowest, and whether the values next to that can be told from it.

    Args:
        table: One row for each point.
        parameter: What was varied, beside the seed.
        metric: What should be low.
        best: Value of the parameter with the lowest mean.
        neighbours: The values next to it.

    Returns:
        A few sentences.
    """
    there = table[(table[parameter] == best) & table[metric].notna()][metric]
    failed = int((table[sweep_report.STATUS] == sweep_report.FAILED).sum())
    sentences = [
        f"Of {len(table)} runs, {failed or 'none'} failed. The lowest mean {_words(metric)}, "
        f"{there.mean():.4f} over {len(there)} seed{'s' * (len(there) != 1)}, came with "
        f"{_words(parameter)} {best:g}."
    ]
    for near in neighbours:
        direction = "higher" if near.difference >= 0 else "lower"
        higher = f"At {near.value:g} it is {abs(near.difference):.4f} {direction}"
        if near.interval is None:
            sentences.append(f"{higher}, from one seed alone, which says nothing about chance.")
            continue
        low, high = near.interval
        apart = low > 0 or high < 0
        meaning = (
            "so the interval tells the two apart" if apart else "so the interval does not tell the two apart"
        )
        sentences.append(
            f"{higher}, compared seed by seed (95 % interval of the difference [{low:+.4f}, {high:+.4f}], "
            f"n = {near.seeds} seeds), {meaning}."
        )
    return " ".join(sentences)


def summarise_sweep(summary: pd.DataFrame, parameter: str, metrics: Sequence[str]) -> nodes.table:
    """Make the table of a sweep over seeds, in which an interval cannot be taken for single runs.

    Args:
        summary: From :func:`tutorial_utils.sweep_report.summarise`.
        parameter: What was varied, beside the seed.
        metrics: What to show.

    Returns:
        One row for each value: its seeds, and mean, standard deviation and interval of each metric.
    """
    header = [_words(parameter).capitalize(), "Seeds"]
    for metric in metrics:
        header += [f"Mean {_words(metric)}", "sd over seeds", "95 % interval of the mean"]
    rows = []
    for value, group in summary.groupby(parameter):
        by_metric = group.set_index("metric")
        cells = [f"{value:g}", str(int(group["seeds"].max()))]
        for metric in metrics:
            row = by_metric.loc[metric]
            single = pd.isna(row["low"])
            interval: str = "none: one seed" if single else f"[{row['low']:.4f}, {row['high']:.4f}]"
            cells += [f"{row['mean']:.4f}", "none" if single else f"{row['deviation']:.4f}", interval]
        rows.append(cells)
    return make_table(header, rows)


def _words(name: str) -> str:
    return name.replace("_", " ")


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
            section += make_provenance(results)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives with Sphinx."""
    app.add_config_value("measured_results", "../results", "env")
    app.add_config_value("measured_sweeps", "../sweeps", "env")
    app.add_config_value("measured_published", {}, "env")
    app.add_directive("measured-results", MeasuredResults)
    app.add_directive("measured-advice", MeasuredAdvice)
    app.add_directive("measured-status", MeasuredStatus)
    app.add_directive("measured-provenance", MeasuredProvenance)
    app.add_directive("measured-ledger", MeasuredLedger)
    app.add_directive("measured-sweep", MeasuredSweep)
    app.add_transform(AppendProvenance)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
