"""Makes the stills of ``live.show`` numbered figures, and has the scripts loaded that let them move.

A page loads the scripts of its own figures and of no others. Without scripts and on paper the stills stay.
"""

from __future__ import annotations

import json
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx

from tutorial_utils.lessons.live import FIGURES, METADATA, VALUES, anchor

CLASS = "live-figure"
SCRIPTS = ("softmax.js", "figures.js")
"""What every figure uses, in this order."""


def name_figures(app: Sphinx, page: str, text: list[str]) -> None:
    """Write in one notebook, before it is read, what MyST-NB looks for: caption, alt text and classes."""
    if f'"{METADATA}"' not in text[0]:
        return
    notebook = json.loads(text[0])
    cells = []
    for cell in notebook["cells"]:
        cells.append(cell)
        for output in cell.get("outputs", []):
            name = output.get("metadata", {}).pop(METADATA, None)
            if name is None:
                continue
            if values := output["metadata"].pop(VALUES, None):
                cells.append(_hand_over(name, values))
            output["data"].pop("text/html", None)  # Jupyter's form of the same
            figure = FIGURES[name]
            cell["metadata"]["mystnb"] = {
                # MyST-NB wants the figure before its image.
                "figure": {
                    "caption": figure.caption,
                    "name": anchor(name, page),
                    "classes": f"{CLASS} live-{name}",
                },
                "image": {"alt": figure.alt},
            }
    notebook["cells"] = cells
    text[0] = json.dumps(notebook)


def _hand_over(name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Make a cell, without code, whose output is a chapter's numbers for the script of a figure."""
    numbers = json.dumps(values, separators=(",", ":"))
    data = f'<script type="application/json" id="live-values-{name}">{numbers}</script>'
    output = {"output_type": "display_data", "data": {"text/html": data}, "metadata": {}}
    tags = {"tags": ["remove-input"]}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": tags,
        "source": "# for the figure",  # MyST-NB drops a cell without a source
        "outputs": [output],
    }


def add_scripts(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load what the figures of a page need."""
    figures = list(doctree.findall(nodes.figure)) if doctree else []
    names = [name for name in FIGURES if any(f"live-{name}" in figure["classes"] for figure in figures)]
    if not names:
        return
    app.add_css_file("figures.css")
    for script in (*SCRIPTS, *(f"figure_{name}.js" for name in names)):
        app.add_js_file(script, loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hooks with Sphinx, the first before those that name other figures."""
    app.connect("source-read", name_figures, priority=400)
    app.connect("html-page-context", add_scripts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
