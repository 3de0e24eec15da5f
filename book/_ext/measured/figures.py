"""Figures that a page draws into a file, for its ``figure`` directive."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from markupsafe import Markup
from matplotlib.axes import Axes
from sphinx.environment import BuildEnvironment

from tutorial_utils.files import whole_file
from tutorial_utils.plots.style import use_book_style


def draw_figure(
    env: BuildEnvironment,
    name: str,
    draw: Callable[[Sequence[Axes]], None],
    *,
    rows: int = 1,
    columns: int = 1,
    size: tuple[float, float] | None = None,
) -> Markup:
    """Draw into a file.

    Args:
        env: Of Sphinx.
        name: Of the file, without ending.
        draw: Draws into the panels, given row by row.
        rows: Of panels.
        columns: Of panels.
        size: In inches; by default that of all figures.

    Returns:
        The file's path as the page names it.
    """
    # Not among the sources, which `make book` replaces: a figure that is gone is drawn again.
    path = Path(env.doctreedir, f"{name}.png").resolve()
    with plt.rc_context(), whole_file(path) as temporary:
        use_book_style()
        figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
        draw(list(axes.flat))
        figure.savefig(temporary, format="png", dpi=150)
        plt.close(figure)
    page = Path(env.doc2path(env.docname)).parent.resolve()
    return Markup(Path(os.path.relpath(path, page)).as_posix())
