"""Figures with the words that belong to them, shown alike in Jupyter, on Colab and on the page.

One figure a cell, and nothing but the call as its last line::

    ax = plots.training.loss_curves(history)
    show(ax, caption="Loss by epoch.", alt="Two falling lines; the lower one, training, ends near 0.27.")

Jupyter shows the picture with its caption below. The book makes it a numbered figure, see
``book/_ext/lesson_pages.py``.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.lessons.markup import inline

METADATA = "lesson_figure"
"""Under this name an output says caption, alt text and name of its figure, for the book."""

SHORTEST_ALT = 20
"""Characters: fewer describe nothing."""

FURTHEST = 12
"""Levels of 255 that a colour may move when a picture is stored with a palette; nobody sees as little."""


def show(drawn: Axes | Figure | Iterable[Any], *, caption: str, alt: str, name: str = "") -> None:
    """Show a figure with its caption, and an alt text for those who do not see it; then close it.

    Args:
        drawn: A figure, its axes, or several axes of one figure.
        caption: What the figure shows, in a sentence or two of plain text. Code may stand in backticks.
        alt: What one sees in it, in words, for the settings as shipped; at least 20 characters, and not the
            caption again.
        name: Anchor on the book's page, such as ``"fig-loss-curves"``; by default a number.

    Raises:
        ConfigurationError: Caption or alt text is missing, too short or both the same; or nothing is drawn.
    """
    if not caption.strip() or len(alt.strip()) < SHORTEST_ALT or alt.strip() == caption.strip():
        raise ConfigurationError(
            f"a figure needs a caption, and another alt text of at least {SHORTEST_ALT} characters; "
            f"found caption={caption!r}, alt={alt!r}"
        )
    figure = _figure_of(drawn)
    buffer = io.BytesIO()
    # As Jupyter itself would draw it: its size, cut to what is drawn.
    figure.savefig(buffer, format="png", dpi=figure.dpi, bbox_inches="tight")
    plt.close(figure)  # or Jupyter would show it a second time
    words = {"caption": caption, "alt": alt} | ({"name": name} if name else {})
    display_picture(
        buffer.getvalue(), inline(caption), alt, plain=f"{caption}\n[{alt}]", metadata={METADATA: words}
    )


def display_picture(picture: bytes, caption: str, alt: str, *, plain: str, metadata: dict[str, Any]) -> None:
    """Display a picture with words, where there is no book around it; small, for it is stored twice.

    Args:
        picture: A PNG file.
        caption: As HTML.
        alt: As plain text.
        plain: All of it for those who see text alone.
        metadata: By which the book knows what it is.
    """
    from IPython.display import display  # a notebook always has it; a script may not

    encoded = base64.b64encode(with_palette(picture)).decode("ascii")
    page = (
        f'<figure style="margin: 0 0 1em"><img style="background: #fff; max-width: 100%; height: auto"'
        f' src="data:image/png;base64,{encoded}" alt="{html.escape(alt)}">'
        f'<figcaption style="margin-top: 0.4em">{caption}</figcaption></figure>'
    )
    bundle = {"text/html": page, "image/png": encoded, "text/plain": plain}
    display(bundle, raw=True, metadata=metadata)  # type: ignore[no-untyped-call]


def with_palette(picture: bytes) -> bytes:
    """Store a picture with 256 colours where nobody sees a difference: a drawn figure, not a sheet of photos.

    Args:
        picture: A PNG file without transparent parts.

    Returns:
        A PNG file of about 40 % of its size, or the same one where more than one pixel in a thousand would
        move by more than :data:`FURTHEST` levels in a channel.
    """
    full = Image.open(io.BytesIO(picture)).convert("RGB")
    few = full.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    moved = np.abs(np.asarray(few.convert("RGB"), dtype=int) - np.asarray(full, dtype=int)).max(axis=-1)
    if (moved > FURTHEST).mean() > 1e-3:
        return picture
    buffer = io.BytesIO()
    few.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _figure_of(drawn: Any) -> Figure:
    """The figure that something drawn belongs to."""
    if isinstance(drawn, Figure):
        return drawn
    if isinstance(drawn, Axes):
        figure = drawn.get_figure(root=True)
        if figure is not None:
            return figure
    flat = getattr(drawn, "flat", drawn)  # an array of axes, as plt.subplots gives it
    figures = {_figure_of(ax) for ax in flat} if isinstance(flat, Iterable) else set()
    if len(figures) != 1:
        raise ConfigurationError(
            f"show() takes a figure, its axes, or several axes of one figure; found {type(drawn).__name__}"
        )
    return figures.pop()
