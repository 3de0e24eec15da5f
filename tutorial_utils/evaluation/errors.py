"""Which mistakes a model makes, how sure it is of them, and how two versions of it differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from tutorial_utils.evaluation.predictions import Predictions, align


def collect_errors(true_labels: Tensor, predictions: Predictions) -> pd.DataFrame:
    """List every wrong prediction.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images.

    Returns:
        One row per error, in image order. Index: position of the image. Columns: ``true``, ``predicted``,
        ``confidence`` (probability of the predicted class), ``p_true`` (probability of the true class),
        ``margin`` (the difference), and ``p0`` … with all probabilities.

    Raises:
        PredictionError: Lengths differ, or a label is not a class.
    """
    align(true_labels, predictions)
    positions = (predictions.labels != true_labels).nonzero().squeeze(1)
    rows = predictions.probabilities[positions]
    true, predicted = true_labels[positions], predictions.labels[positions]
    confidence = rows.gather(1, predicted[:, None]).squeeze(1)
    p_true = rows.gather(1, true[:, None]).squeeze(1)
    columns = {
        "true": true,
        "predicted": predicted,
        "confidence": confidence,
        "p_true": p_true,
        "margin": confidence - p_true,
        **{f"p{label}": column for label, column in enumerate(rows.T)},
    }
    index = pd.Index(positions.numpy(), name="image")
    return pd.DataFrame({name: column.numpy() for name, column in columns.items()}, index=index)


def error_patterns(errors: pd.DataFrame, support: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each true class that was read as each wrong class.

    Args:
        errors: From :func:`collect_errors`.
        support: Images of every class, shape (k,).

    Returns:
        Shape (k, k), rows true, columns predicted, zero on the diagonal; NaN rows for classes without images.
    """
    counts = np.zeros((len(support), len(support)))
    np.add.at(counts, (errors["true"].to_numpy(), errors["predicted"].to_numpy()), 1)
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = counts / support[:, None]
    return shares


def average_images(images: Tensor, errors: pd.DataFrame, pairs: list[tuple[int, int, int]]) -> list[Tensor]:
    """Average the images of each confusion.

    Args:
        images: uint8, shape (n, channels, height, width), those that the errors' index points to.
        errors: From :func:`collect_errors`.
        pairs: Tuples (true, predicted, count), from
            :func:`~tutorial_utils.evaluation.metrics.most_common_confusions`.

    Returns:
        One image per pair, float64 in [0, 1], shape (channels, height, width).
    """
    averages = []
    for true, predicted, _ in pairs:
        chosen = errors.index[(errors["true"] == true) & (errors["predicted"] == predicted)].to_numpy()
        averages.append(images[torch.tensor(chosen.tolist())].double().mean(dim=0) / 255)
    return averages


@dataclass(frozen=True)
class VersionDifference:
    """How the errors of a new version of a model differ from an old one's: sorted positions of images.

    Attributes:
        fixed: Images that only the old version got wrong.
        new: Images that only the new version got wrong.
        kept: Images that both got wrong.
    """

    fixed: list[int]
    new: list[int]
    kept: list[int]


def compare_errors(old: pd.DataFrame, new: pd.DataFrame) -> VersionDifference:
    """Compare two error lists of the same images.

    Args:
        old: Errors of the old version, from :func:`collect_errors`, or stored and read again.
        new: Errors of the new version.
    """
    before, after = set(map(int, old.index)), set(map(int, new.index))
    return VersionDifference(
        fixed=sorted(before - after), new=sorted(after - before), kept=sorted(before & after)
    )
