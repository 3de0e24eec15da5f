"""What the figures that move look like while they stand still, and what they take along from a chapter."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from tutorial_utils.data import exploration
from tutorial_utils.evaluation.power import detectable
from tutorial_utils.plots import foundations, model, moving

DIGITS = (3, 5, 8)
SCORES = (2.0, 1.0, -1.0)
TRUE_DIGIT = 5
"""What the softmax figure starts with, as in ``book/_static/figure_softmax.js``."""

LOG_ODDS = (torch.arange(61, dtype=torch.float64) - 30) / 5
"""Thresholds that readers may choose from: -6 to 6, which is 0.0025 to 0.9975."""

PARTS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)
SIZES = (*[round(part * 10**power) for power in range(1, 5) for part in PARTS][3:], 100_000)
"""Numbers of images from 20, ten a decade, as in ``book/_static/figure_sample_size.js``."""

START_SIZE = 100
DISAGREEMENT = 0.05
"""Of two models on the same images: the share on which one alone is right. As in the script."""


def figure_of(axes: Any) -> Figure:
    """The figure that several axes belong to."""
    drawn = axes[0].get_figure(root=True)
    assert isinstance(drawn, Figure)
    return drawn


def as_strip(images: Tensor) -> str:
    """Write images as one picture, side by side, at an address that a page can show.

    Args:
        images: uint8, shape (n, height, width), ink on nothing. Kept are 16 shades, which nobody tells apart
            from 256.

    Returns:
        A ``data:`` address of a PNG file, black on white.
    """
    shades = 255 - (images.cpu().float() / 17).round() * 17
    strip = torch.cat(list(shades.to(torch.uint8)), dim=1).numpy()
    buffer = io.BytesIO()
    # A palette of 16 takes half a byte a pixel.
    paletted = Image.fromarray(strip // 17)
    paletted.putpalette([shade * 17 for shade in range(16) for _ in range(3)])
    paletted.save(buffer, format="png", optimize=True, bits=4)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def draw_softmax() -> Figure:
    """Draw the probabilities of three scores, and the loss of the true one."""
    scores, truth = torch.tensor(SCORES, dtype=torch.float64), DIGITS.index(TRUE_DIGIT)
    probability = torch.linspace(0.0067, 1, 200, dtype=torch.float64)  # from a loss of 5
    axes = foundations.scores_to_loss(
        [str(digit) for digit in DIGITS],
        SCORES,
        scores.softmax(0).tolist(),
        truth,
        loss=torch.nn.functional.cross_entropy(scores, torch.tensor(truth)).item(),
        curve=(probability.tolist(), (-probability.log()).tolist()),
    )
    return figure_of(axes)


def draw_running_logit(ink: list[list[float]], votes: list[list[float]], start: float) -> Figure:
    """Draw a digit's votes, and the lead of the 3 over the 5 after each of its rows."""
    steps = torch.tensor(votes, dtype=torch.float64).sum(dim=1).cumsum(dim=0)
    return figure_of(model.running_lead(ink, votes, [start, *(start + steps).tolist()], ("3", "5")))


def prepare_threshold(probabilities: Any, labels: Any, images: Any, digit: int) -> dict[str, Any]:
    """Count images between thresholds, and find the three that lie nearest to each.

    With these counts, every number at every threshold is exact, and a page need not hold 10,000 scores::

        shares, test = predictions.probabilities, data.test
        live.show("threshold", probabilities=shares, labels=test.labels, images=test.images, digit=5)

    Args:
        probabilities: Of each image and class, shape (n, classes).
        labels: True classes, shape (n,).
        images: uint8, shape (n, height, width) or (n, 1, height, width).
        digit: The class that is told from the rest.
    """
    log_odds = torch.logit(torch.as_tensor(probabilities)[:, digit].double())
    classes = torch.as_tensor(labels)
    bins = torch.bucketize(log_odds, LOG_ODDS, right=True)  # thresholds that an image reaches
    counts = [
        bins[chosen].bincount(minlength=len(LOG_ODDS) + 1) for chosen in (classes == digit, classes != digit)
    ]
    # An image may be said to be the digit for certain: its log odds are infinite, and so is its distance.
    near = (log_odds[None] - LOG_ODDS[:, None]).abs().topk(3, largest=False).indices
    kept, places = near.unique(return_inverse=True)
    return {
        "log_odds": LOG_ODDS,
        "positive": counts[0],
        "negative": counts[1],
        "nearest": places,
        "scores": log_odds[kept],
        "labels": classes[kept],
        "pictures": as_strip(torch.as_tensor(images)[kept].flatten(0, -3)),
        "digit": digit,
    }


def draw_threshold(
    log_odds: list[float], positive: list[int], negative: list[int], digit: int, **_: Any
) -> Figure:
    """Draw the scores of a digit and of the rest, ROC, and precision by recall, at one half."""
    true, false = (np.cumsum(counts[::-1])[-2::-1] for counts in (positive, negative))
    recall, alarms = true / sum(positive), false / sum(negative)
    curves = {
        ("false positive rate", "recall"): (np.maximum(alarms, 1e-4), recall),
        ("recall", "precision"): (recall, true / np.maximum(true + false, 1)),
    }
    middle = len(log_odds) // 2
    return figure_of(moving.threshold(log_odds, positive, negative, curves, middle, str(digit)))


def draw_sample_size(accuracy: float) -> Figure:
    """Draw an interval by number of images, and what two models may be told apart by."""
    from statsmodels.stats.proportion import proportion_confint

    sizes = np.array(SIZES)
    low, high = proportion_confint(accuracy * sizes, sizes, method="wilson")
    differences = {
        # The difference d itself lowers the variance, which is (disagreement - d²) / n.
        "both on the same images": detectable(1.0) * (DISAGREEMENT / (sizes + detectable(1.0) ** 2)) ** 0.5,
        "each on its own images": detectable(1.0) * (2 * accuracy * (1 - accuracy) / sizes) ** 0.5,
    }
    return figure_of(moving.sample_size(sizes, (low, high), differences, accuracy, SIZES.index(START_SIZE)))


def prepare_learning_rates(
    rates: list[float],
    validation_loss: list[list[list[float]]],
    validation_accuracy: list[list[list[float]]],
    start: int,
) -> dict[str, Any]:
    """Bring the curves to one length, and keep of the accuracies what a run ended with.

    Args:
        rates: Learning rates, rising.
        validation_loss: By epoch, for each rate, at a constant rate and with a schedule; shorter where a run
            was stopped.
        validation_accuracy: The same, as fractions.
        start: Place of the rate that the figure starts with.
    """
    length = max(len(curve) for schedule in validation_loss for curve in schedule)
    nothing = float("nan")
    return {
        "rates": rates,
        "losses": [
            [(curve + [nothing] * length)[:length] for curve in schedule] for schedule in validation_loss
        ],
        "accuracies": [
            [curve[-1] if len(curve) == length else nothing for curve in schedule]
            for schedule in validation_accuracy
        ],
        "start": start,
    }


def draw_learning_rates(
    rates: list[float], losses: list[list[list[float]]], accuracies: list[list[float]], start: int
) -> Figure:
    """Draw the curves at a constant rate."""
    return figure_of(moving.learning_rates(rates, losses[0], accuracies[0], start))


def prepare_shear(shears: Any, images: Any, probabilities: Any, truth: int) -> dict[str, Any]:
    """Make a strip of the images, and find the one that is as it was and the one that stands upright.

    A chapter shears one test image, number ``mine``::

        shears = torch.linspace(-0.6, 0.6, 61)
        leaning = exploration.shear(data.test.images[mine].expand(61, -1, -1, -1), shears)
        part = datasets.ImageData(leaning, data.test.labels[mine].repeat(61), data.description)
        shares = predict(model, datasets.standardise(part)).probabilities
        live.show("shear", shears=shears, images=leaning, probabilities=shares, truth=5)

    Args:
        shears: Columns per row, shape (n,), rising, 0 among them.
        images: The image at each shear, uint8, shape (n, 1, height, width); see ``exploration.shear``.
        probabilities: Of each digit at each shear, shape (n, classes).
        truth: The true digit.
    """
    amounts, leaning = torch.as_tensor(shears), torch.as_tensor(images)
    return {
        "shears": amounts,
        "pictures": as_strip(leaning.flatten(0, -3)),
        "probabilities": probabilities,
        "truth": int(truth),
        "start": int(amounts.abs().argmin()),
        "upright": int(exploration.slant(leaning).abs().argmin()),
    }


def draw_shear(
    shears: list[float], pictures: str, probabilities: list[list[float]], truth: int, start: int, **_: Any
) -> Figure:
    """Draw the digit as it is, and what shear would make of it."""
    strip = Image.open(io.BytesIO(base64.b64decode(pictures.partition(",")[2])))
    side = strip.height
    image = 255 - np.asarray(strip.convert("L"))[:, start * side : (start + 1) * side]
    rival = max((p, digit) for digit, p in enumerate(probabilities[start]) if digit != truth)[1]
    return figure_of(moving.shear(image, shears, probabilities, start, truth, rival))


def draw_log_loss() -> Figure:
    """Draw minus the logarithm of a probability, and the step of accuracy."""
    probabilities = np.geomspace(np.exp(-5), 1, 200)
    return figure_of(moving.log_loss(probabilities, -np.log(probabilities), (0.31, -np.log(0.31))))


def bowl() -> tuple[Tensor, Tensor, Tensor]:
    """Make 64 examples of a linear model whose mean of half the squared errors is a tilted bowl.

    Its curvature is 1 across and 0.1 along, exactly, and its minimum at (1, -0.4): around a circle, sine,
    cosine and the seventh harmonic, which the model cannot explain, do not go together.

    Returns:
        Inputs, shape (64, 2), targets, shape (64,), and where descent starts, shape (2,); float64. As in
        ``book/_static/figure_descent.js``.
    """
    angle = 2 * np.pi * torch.arange(64, dtype=torch.float64) / 64
    across, along = 2**0.5 * angle.cos(), 0.2**0.5 * angle.sin()
    tilt = np.pi / 3
    inputs = torch.stack(
        [np.cos(tilt) * across - np.sin(tilt) * along, np.sin(tilt) * across + np.cos(tilt) * along], dim=1
    )
    lowest = torch.tensor([1, -0.4], dtype=torch.float64)
    return inputs, inputs @ lowest + 0.8 * (7 * angle).cos(), torch.tensor([-2, -0.6], dtype=torch.float64)


def draw_descent(rate: float = 1.6, steps: int = 30) -> Figure:
    """Draw the way of exact gradients down the bowl."""
    inputs, targets, weights = bowl()
    path = [weights]
    for _ in range(steps):
        path.append(path[-1] - rate * (inputs @ path[-1] - targets) @ inputs / len(targets))
    first, second = (torch.linspace(-most, most, 120, dtype=torch.float64) for most in (2.6, 1.8))
    errors = torch.cartesian_prod(first, second) @ inputs.T - targets
    losses = (errors**2 / 2).mean(dim=1).view(120, 120).T
    paths = {"all examples": torch.stack(path)}
    ax = foundations.loss_paths(first, second, losses, paths, xlabel="first weight", ylabel="second weight")
    ax.set_aspect("equal")
    return figure_of([ax])
