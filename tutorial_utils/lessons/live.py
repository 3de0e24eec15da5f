"""Figures that move in the book and stand still elsewhere, each as the last line of a cell.

``live.show("softmax")`` displays a still picture with a caption, an alt text and a link to where the figure
moves. In the book, ``book/_ext/live_figures.py`` makes it a numbered figure, and ``book/_static/figures.js``
puts controls and drawings in the still's place.

What a chapter computed may move, too: ``live.show("running_logit", ink=ink, votes=votes, start=start)`` hands
numbers to both.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from tutorial_utils.exceptions import ConfigurationError, did_you_mean
from tutorial_utils.lessons.markup import inline
from tutorial_utils.lessons.show import display_picture
from tutorial_utils.plots import foundations, model
from tutorial_utils.plots.style import use_book_style

PUBLISHED = "https://logistic-regression-measured.github.io/book/"
"""Where the book is, with figures that move."""

METADATA = "live_figure"
"""Under this name an output says which figure it is the still of, for the book."""

VALUES = "live_values"
"""Under this name it gives the numbers that the chapter handed over."""

DIGITS = (3, 5, 8)
SCORES = (2.0, 1.0, -1.0)
TRUE_DIGIT = 5
"""What the softmax figure starts with, as in ``book/_static/figure_softmax.js``."""


@dataclass(frozen=True)
class MovingFigure:
    """What there is to know of a figure besides its script.

    Attributes:
        page: The page of the book that it is explained on, such as ``"notebooks/foundations/02_gradients"``.
        caption: What it shows, in a sentence, whether it moves or not.
        alt: What one sees in the still, in words.
        draw: Draws the still, with what the moving figure starts with; takes the values by name.
        values: Names of the numbers that a chapter hands over, if any.
    """

    page: str
    caption: str
    alt: str
    draw: Callable[..., Figure]
    values: tuple[str, ...] = ()


def show(name: str, **values: Any) -> None:
    """Display a figure that moves in the book.

    Args:
        name: One of :data:`FIGURES`; each at most once on a page.
        values: Numbers, tensors or arrays, by the names that the figure asks for. In the book, its script
            finds them, as JSON with six digits, in the element ``live-values-NAME``.

    Raises:
        ConfigurationError: There is no such figure, or it asks for other values.
    """
    if name not in FIGURES:
        raise ConfigurationError(f"there is no moving figure {name!r}; {did_you_mean(name, FIGURES)}")
    figure = FIGURES[name]
    if set(values) != set(figure.values):
        raise ConfigurationError(
            f"the figure {name!r} takes {list(figure.values) or 'no values'}, found {list(values)}"
        )
    numbers = {key: _rounded(torch.as_tensor(value).tolist()) for key, value in values.items()}
    address = f"{PUBLISHED}{figure.page}.html#{anchor(name, figure.page)}"
    display_picture(
        _draw_still(figure, numbers),
        f'{inline(figure.caption)} <a href="{address}">In the book you can move it.</a>',
        figure.alt,
        plain=f"{figure.caption}\n[{figure.alt}]\nIn the book you can move it: {address}",
        metadata={METADATA: name} | ({VALUES: numbers} if numbers else {}),
    )


def anchor(name: str, page: str) -> str:
    """Name its place on a page: ``live-NAME`` where it is explained, elsewhere with the page's name."""
    if page == FIGURES[name].page:
        return f"live-{name}"
    return f"live-{name}-{page.removeprefix('notebooks/')}".translate(str.maketrans("/_", "--"))


def _rounded(value: Any) -> Any:
    """Six significant digits of each number."""
    return [_rounded(item) for item in value] if isinstance(value, list) else float(f"{value:.6g}")


def _draw_still(figure: MovingFigure, values: dict[str, Any]) -> bytes:
    """Draw a still in the book's style, whatever the notebook's, as PNG."""
    buffer = io.BytesIO()
    with plt.rc_context():
        use_book_style()
        drawn = figure.draw(**values)
        drawn.savefig(buffer, format="png", bbox_inches="tight")
        plt.close(drawn)  # or Jupyter would show it a second time
    return buffer.getvalue()


def _draw_softmax() -> Figure:
    """Draw the probabilities of three scores, and the loss of the true one."""
    scores, truth = torch.tensor(SCORES, dtype=torch.float64), DIGITS.index(TRUE_DIGIT)
    probability = torch.linspace(0.0067, 1, 200, dtype=torch.float64)  # from a loss of 5
    left, _ = foundations.scores_to_loss(
        [str(digit) for digit in DIGITS],
        SCORES,
        scores.softmax(0).tolist(),
        truth,
        loss=torch.nn.functional.cross_entropy(scores, torch.tensor(truth)).item(),
        curve=(probability.tolist(), (-probability.log()).tolist()),
    )
    drawn: Any = left.get_figure(root=True)
    assert isinstance(drawn, Figure)
    return drawn


def _draw_running_logit(ink: list[list[float]], votes: list[list[float]], start: float) -> Figure:
    """Draw a digit's votes, and the lead of the 3 over the 5 after each of its rows."""
    steps = torch.tensor(votes, dtype=torch.float64).sum(dim=1).cumsum(dim=0)
    picture, _ = model.running_lead(ink, votes, [start, *(start + steps).tolist()], ("3", "5"))
    drawn: Any = picture.get_figure(root=True)
    assert isinstance(drawn, Figure)
    return drawn


FIGURES = {
    "running_logit": MovingFigure(
        page="notebooks/mnist/02_model",
        caption="A 5, read row by row: what its ink adds to the lead of the logit of 3 over that of 5. Blue "
        "speaks for 3, red for 5.",
        alt="Left, the outline of a 5 filled with blue and red pixels. Right, the lead of 3 over 5 by rows "
        "read, from the top: it starts below 0 on a blank sheet, rises with the bar, falls back with the "
        "neck, rises again with the stroke in the middle, and ends above 0.",
        draw=_draw_running_logit,
        values=("ink", "votes", "start"),
    ),
    "softmax": MovingFigure(
        page="notebooks/foundations/01_softmax_and_cross_entropy",
        caption="Three scores, the probabilities that softmax makes of them, and the loss of the true digit.",
        alt="Left, three bars of probability: for scores of 2, 1 and minus 1 the digit 3 has about 0.7, the "
        "true digit 5 about 0.26 and the digit 8 about 0.04. Right, the loss falls along a curve from 5 near "
        "probability 0 to 0 at probability 1; a point marks the true digit, at a loss of about 1.35.",
        draw=_draw_softmax,
    ),
}
"""All of them, by the name that their script has in :file:`book/_static/figure_NAME.js`."""
