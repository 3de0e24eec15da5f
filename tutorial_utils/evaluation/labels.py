"""Labels that may be wrong: confident learning finds candidates, and a reader looks at the images."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from tutorial_utils.evaluation.predictions import Aligned, Predictions, align

ROUNDING = 1e-6
"""How far below a threshold a probability still reaches it: a mean of equal numbers may differ from them."""

NO_CLASS = -1
"""Stands where a model is confident of no class."""


def confident_joint(given_labels: Tensor, predictions: Predictions) -> NDArray[np.int64]:
    """Count given labels against confident classes (Northcutt, Jiang and Chuang 2021).

    A model is confident of a class if its probability reaches the mean probability that images with this
    label give it: a threshold for each class, because a model can be surer of some. If there are
    several such classes, the most probable counts; images with none are left out. Off the diagonal are
    images whose label may be wrong.

    Args:
        given_labels: int64, shape (n,): the labels as they are, right or wrong.
        predictions: Of the same n images in the same order, by a model that was not trained on them: trained
            on a wrong label, it would repeat it.

    Returns:
        Counts, shape (num_classes, num_classes), rows given labels, columns confident classes; at most n in
        all.

    Raises:
        PredictionError: Labels and predictions do not belong together.
    """
    aligned = align(given_labels, predictions)
    guess = _confident_class(aligned)
    counts = np.zeros((predictions.num_classes,) * 2, dtype=np.int64)
    np.add.at(counts, (aligned.truth[guess != NO_CLASS], guess[guess != NO_CLASS]), 1)
    return counts


def label_candidates(given_labels: Tensor, predictions: Predictions) -> pd.DataFrame:
    """List images whose label may be wrong, the most suspicious first (Northcutt, Jiang and Chuang 2021).

    They are those off the diagonal of :func:`confident_joint` whose label is not the predicted one either.
    Most of what a weak model is confident of is its own mistake: the list says where to look, not what is
    wrong.

    Args:
        given_labels: int64, shape (n,).
        predictions: As in :func:`confident_joint`.

    Returns:
        One row per candidate. Index: position of the image. Columns: ``given`` (its label), ``suggested``
        (the class that the model is confident of), ``p_given``, ``p_suggested`` (their probabilities) and
        ``margin`` (that of the label less that of the predicted class, -1 to 0), by which rows are sorted.

    Raises:
        PredictionError: Labels and predictions do not belong together.
    """
    aligned = align(given_labels, predictions)
    guess, top = _confident_class(aligned), aligned.probabilities.max(axis=1)
    suspicious = (guess != NO_CLASS) & (guess != aligned.truth) & (aligned.p_true < top)
    positions = np.flatnonzero(suspicious)
    table = pd.DataFrame(
        {
            "given": aligned.truth[positions],
            "suggested": guess[positions],
            "p_given": aligned.p_true[positions],
            "p_suggested": aligned.probabilities[positions, guess[positions]],
            "margin": (aligned.p_true - top)[positions],
        },
        index=pd.Index(positions, name="image"),
    )
    return table.sort_values("margin", kind="stable")


def _confident_class(aligned: Aligned) -> NDArray[np.int64]:
    """The most probable of the classes that reach their thresholds, shape (n,), or ``NO_CLASS``."""
    rows = aligned.probabilities
    thresholds = np.full(rows.shape[1], np.inf)  # a class that no label names is never confident
    for label in np.unique(aligned.truth):
        thresholds[label] = rows[aligned.truth == label, label].mean()
    reached = np.where(rows >= thresholds - ROUNDING, rows, NO_CLASS)
    return np.where(reached.max(axis=1) > NO_CLASS, reached.argmax(axis=1), NO_CLASS)
