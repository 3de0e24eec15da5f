"""Draws Mermaid diagrams from plain ``mermaid`` fences, with a local script, so that pages work offline.

The same fences are drawn by Jupyter and by GitHub. Describe each diagram for those who cannot see it with
``accTitle`` and ``accDescr`` lines of its own.
"""

from __future__ import annotations

import html
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

SCRIPT = "mermaid.min.js"
START = "mermaid.initialize({startOnLoad: true, theme: 'neutral', securityLevel: 'strict'});"


class Mermaid(SphinxDirective):
    """``mermaid``: a diagram in Mermaid's language."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Write the diagram's source where the script will find it."""
        source = "\n".join(self.content)
        if "accDescr" not in source:
            raise self.error("a diagram needs an accDescr line that says what is drawn")
        return [nodes.raw("", f'<pre class="mermaid">{html.escape(source)}</pre>', format="html")]


def add_script(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the script on the pages that have a diagram, and on no other."""
    if doctree and any('class="mermaid"' in node.astext() for node in doctree.findall(nodes.raw)):
        app.add_js_file(SCRIPT)
        app.add_js_file(None, body=START)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive with Sphinx."""
    if "mermaid" not in app.config.myst_fence_as_directive:
        raise ExtensionError("set myst_fence_as_directive: [mermaid], so that plain fences are drawn")
    app.add_directive("mermaid", Mermaid)
    app.connect("html-page-context", add_script)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
