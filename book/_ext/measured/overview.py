"""What each evaluation chapter measured, beside what its source published."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from docutils.statemachine import StringList  # type: ignore[import-untyped]
from sphinx.util.docutils import SphinxDirective

from measured.sources import chapters_in, results_of
from measured.tables import Cell, link_to, make_table
from tutorial_utils.data import catalogue
from tutorial_utils.report import narrate
from tutorial_utils.report.results import Results

EVALUATION = re.compile(r".+/04_evaluation")


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
            "Test loss, nats",
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
