"""Shows on the pages what was measured: pages are Jinja templates, filled in from results files.

A page is made again when a file that it read changes, and the build warns when a value is missing, so no
number on a page is typed by hand.

``sources`` reads, ``pages`` fills in, and each other module says what one kind of page needs besides.
"""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx

from measured.ledger import link_to_measurements
from measured.pages import fill_in_page
from measured.provenance import AppendProvenance


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("measured_results", "../results", "env")
    app.add_config_value("measured_sweeps", "../sweeps", "env")
    app.add_config_value("measured_speed", "../../benchmarks/results.json", "env")
    app.add_config_value("measured_takeaway", "..", "env")
    app.connect("source-read", fill_in_page)
    app.connect("doctree-resolved", link_to_measurements)
    app.add_transform(AppendProvenance)
    return {"version": "2", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
