"""Figures that a directive draws into a file, with the caption that stands inside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import matplotlib.pyplot as plt
from docutils import nodes  # type: ignore[import-untyped]
from docutils.parsers.rst import directives  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from sphinx.util.docutils import SphinxDirective

from tutorial_utils.files import whole_file
from tutorial_utils.plots.style import use_book_style


class FigureDirective(SphinxDirective):
    """A directive with ``name`` and ``alt`` of a figure; inside, its caption."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "name": directives.unchanged_required,
        "alt": directives.unchanged_required,
    }

    def draw_figure(
        self,
        path: Path,
        draw: Callable[[Sequence[Axes]], None],
        *,
        rows: int = 1,
        columns: int = 1,
        size: tuple[float, float] | None = None,
    ) -> nodes.figure:
        """Draw into a file and refer to that.

        Args:
            path: The file.
            draw: Draws into the panels, given row by row.
            rows: Of panels.
            columns: Of panels.
            size: In inches; by default that of all figures.

        Returns:
            The figure with its caption.
        """
        with plt.rc_context(), whole_file(path) as temporary:
            use_book_style()
            figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
            draw(list(axes.flat))
            figure.savefig(temporary, format="png", dpi=150)
            plt.close(figure)
        page = Path(self.env.doc2path(self.env.docname)).parent.resolve()
        node = nodes.figure("", nodes.image(uri=Path(os.path.relpath(path, page)).as_posix()))
        node[0]["alt"] = self.options["alt"]
        node += nodes.caption("", "", *self._caption())
        self.set_source_info(node)
        self.add_name(node)
        return node

    def _caption(self) -> list[nodes.Node]:
        container = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, container)
        return [node for paragraph in container.children for node in paragraph.children]
