"""Figures that move in the book and stand still elsewhere, each as the last line of a cell.

``live.show("softmax")`` displays a still picture with a caption, an alt text and a link to where the figure
moves. In the book, ``book/_ext/live_figures.py`` makes it a numbered figure, and ``book/_static/figures.js``
puts controls and drawings in the still's place.

What a chapter computed may move, too: ``live.show("running_logit", ink=ink, votes=votes, start=start)`` hands
numbers to both.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from tutorial_utils.exceptions import ConfigurationError, did_you_mean
from tutorial_utils.lessons import stills
from tutorial_utils.lessons.markup import inline
from tutorial_utils.lessons.show import display_picture
from tutorial_utils.plots.style import use_book_style

PUBLISHED = "https://logistic-regression-measured.github.io/book/"
"""Where the book is, with figures that move."""

METADATA = "live_figure"
"""Under this name an output says which figure it is the still of, for the book."""

VALUES = "live_values"
"""Under this name it gives the numbers that the chapter handed over."""


@dataclass(frozen=True)
class MovingFigure:
    """What there is to know of a figure besides its script.

    Attributes:
        page: The page of the book that it is explained on, such as ``"notebooks/foundations/02_gradients"``.
        caption: What it shows, in a sentence, whether it moves or not.
        alt: What one sees in the still, in words.
        draw: Draws the still, with what the moving figure starts with; takes the values by name.
        values: Names of what a chapter hands over, if anything.
        prepare: Turns that into the values that the page gets, by name; without it they are the same.
    """

    page: str
    caption: str
    alt: str
    draw: Callable[..., Figure]
    values: tuple[str, ...] = ()
    prepare: Callable[..., dict[str, Any]] = dict


def show(name: str, **values: Any) -> None:
    """Display a figure that moves in the book.

    Args:
        name: One of :data:`FIGURES`; each at most once on a page.
        values: Numbers, tensors or arrays, by the names that the figure asks for. In the book, its script
            finds what is made of them, as JSON with six digits, in the element ``live-values-NAME``.

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
    numbers = {key: _rounded(value) for key, value in figure.prepare(**values).items()}
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
    place = "" if page == FIGURES[name].page else f"-{page.removeprefix('notebooks/')}"
    return f"live-{name}{place}".translate(str.maketrans("/_", "--"))  # as the page's HTML writes it


def _rounded(value: Any) -> Any:
    """Six significant digits of each number, none where it is not finite; text as it is."""
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, str | int):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _draw_still(figure: MovingFigure, values: dict[str, Any]) -> bytes:
    """Draw a still in the book's style, whatever the notebook's, as PNG."""
    buffer = io.BytesIO()
    with plt.rc_context():
        use_book_style()
        drawn = figure.draw(**values)
        drawn.savefig(buffer, format="png", bbox_inches="tight")
        plt.close(drawn)  # or Jupyter would show it a second time
    return buffer.getvalue()


FIGURES = {
    "descent": MovingFigure(
        page="notebooks/foundations/03_gradient_descent",
        caption="A loss of two weights as contour lines, and thirty steps of gradient descent, each from all "
        "examples, at a learning rate of 1.6.",
        alt="Tilted ellipses around a minimum on the right. A path begins on the left, jumps to and fro "
        "across the valley, ever less, and then follows its floor to the minimum.",
        draw=stills.draw_descent,
    ),
    "log_loss": MovingFigure(
        page="notebooks/foundations/01_softmax_and_cross_entropy",
        caption="One example of two classes, by the probability of the true one: what its loss is, and "
        "whether it counts as right.",
        alt="Left, a curve falls from a loss of 5 near probability 0 to 0 at probability 1, steeply first; a "
        "point marks 0.31. Right, accuracy: a level line at wrong up to one half, and one at right beyond.",
        draw=stills.draw_log_loss,
    ),
    "learning_rates": MovingFigure(
        page="notebooks/mnist/03b_tuning",
        caption="Validation loss by epoch for each learning rate, at a constant rate, and the accuracy after "
        "the last epoch. One rate is bright.",
        alt="Left, curves of loss by epoch, one for each rate: those of small rates fall slowly, those of "
        "large rates jump up and down, high above the others. Right, a hill of accuracies, highest in "
        "between.",
        draw=stills.draw_learning_rates,
        values=("rates", "validation_loss", "validation_accuracy", "start"),
        prepare=stills.prepare_learning_rates,
    ),
    "running_logit": MovingFigure(
        page="notebooks/mnist/02_model",
        caption="A 5, read row by row: what its ink adds to the lead of the logit of 3 over that of 5. Blue "
        "speaks for 3, red for 5.",
        alt="Left, the outline of a 5 filled with blue and red pixels. Right, the lead of 3 over 5 by rows "
        "read, from the top: it starts below 0 on a blank sheet, rises with the bar, falls back with the "
        "neck, rises again with the stroke in the middle, and ends above 0.",
        draw=stills.draw_running_logit,
        values=("ink", "votes", "start"),
    ),
    "sample_size": MovingFigure(
        page="notebooks/mnist/04_evaluation",
        caption="An accuracy and its 95 % interval by number of test images, and the smallest difference "
        "between two models that such a test shows four times in five.",
        alt="Left, a band around an accuracy: wide at 20 images, narrow at 100,000; a bar marks 100. Right, "
        "two falling lines: with both models on the same images, smaller differences can be seen.",
        draw=stills.draw_sample_size,
        values=("accuracy",),
    ),
    "shear": MovingFigure(
        page="notebooks/mnist/05_error_analysis",
        caption="A digit, and what the model says of it when it is sheared to the left or right.",
        alt="Left, the handwritten digit as it is. Right, two curves of probability by shear, that of the "
        "true digit and that of the model's other favourite; a line at 0 marks the digit as it is.",
        draw=stills.draw_shear,
        values=("shears", "images", "probabilities", "truth"),
        prepare=stills.prepare_shear,
    ),
    "softmax": MovingFigure(
        page="notebooks/foundations/01_softmax_and_cross_entropy",
        caption="Three scores, the probabilities that softmax makes of them, and the loss of the true digit.",
        alt="Left, three bars of probability: for scores of 2, 1 and minus 1 the digit 3 has about 0.7, the "
        "true digit 5 about 0.26 and the digit 8 about 0.04. Right, the loss falls along a curve from 5 near "
        "probability 0 to 0 at probability 1; a point marks the true digit, at a loss of about 1.35.",
        draw=stills.draw_softmax,
    ),
    "threshold": MovingFigure(
        page="notebooks/mnist/04_evaluation",
        caption="One digit against the rest: the log odds that the model gives test images, and what every "
        "threshold makes of them. The line and the points mark a probability of one half. False positive "
        "rates are on a logarithmic axis.",
        alt="Left, two histograms of log odds, on a logarithmic scale: the digit's images upwards, mostly "
        "right of the threshold at 0, all others downwards, mostly left of it; they overlap. In the middle "
        "the ROC curve rises towards 1, right precision falls as recall rises; a point on each marks the "
        "threshold.",
        draw=stills.draw_threshold,
        values=("probabilities", "labels", "images", "digit"),
        prepare=stills.prepare_threshold,
    ),
}
"""All of them, by the name that their script has in :file:`book/_static/figure_NAME.js`."""
