"""Shows on the pages what the chapters measured: results, provenance and run times, read from results files.

Pages are rebuilt when a results file changes, and the build warns when one is missing, so no number on a page
is typed by hand. Everything is built from docutils nodes: text from a file can never become markup.

``sources`` reads, ``tables`` builds, and each other module makes one kind of page from these two.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from measured.advice import MeasuredAdvice
from measured.claims import MeasuredLedger
from measured.overview import MeasuredResults
from measured.provenance import AppendProvenance, MeasuredStatus
from measured.speed import MeasuredSpeed
from measured.sweep import MeasuredSweep


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives with Sphinx."""
    app.add_config_value("measured_results", "../results", "env")
    app.add_config_value("measured_sweeps", "../sweeps", "env")
    app.add_config_value("measured_speed", "../../benchmarks/results.json", "env")
    app.add_config_value("measured_published", {}, "env")
    app.add_directive("measured-results", MeasuredResults)
    app.add_directive("measured-advice", MeasuredAdvice)
    app.add_directive("measured-status", MeasuredStatus)
    app.add_directive("measured-ledger", MeasuredLedger)
    app.add_directive("measured-sweep", MeasuredSweep)
    app.add_directive("measured-speed", MeasuredSpeed)
    app.add_transform(AppendProvenance)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
