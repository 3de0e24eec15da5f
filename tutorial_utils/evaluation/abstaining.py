"""What a classifier may say when it is unsure: nothing, or several classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from tutorial_utils.evaluation.predictions import Floats, Predictions, align
from tutorial_utils.evaluation.statistics import wilson_bounds
from tutorial_utils.exceptions import DataError, PredictionError

COVERAGES = tuple(step / 20 for step in range(1, 21))
"""Shares of the images at which a curve is given."""


@dataclass(frozen=True)
class RiskCoverage:
    """Accuracy among the images that are answered, by how many are.

    Attributes:
        coverage: Share of images answered, shape (m,); above what was asked where confidences are equal.
        accuracy: Share of these that is right, shape (m,).
        low: Lower bounds of the accuracy's 95 % Wilson intervals, shape (m,).
        high: Upper bounds, shape (m,).
        threshold: Confidence from which on images are answered, shape (m,).
        area: Mean share of errors among the answered, over all coverages (area under the risk-coverage
            curve): 0 for no errors, the share of errors if confidence says nothing of them.
    """

    coverage: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    threshold: Floats
    area: float


def risk_coverage(
    true_labels: Tensor, predictions: Predictions, coverages: ArrayLike = COVERAGES
) -> RiskCoverage:
    """Answer the most confident images only, and measure accuracy among them (El-Yaniv and Wiener 2010).

    The curve asks whether confidence tells right answers from wrong ones; whether it is calibrated plays no
    part. Equally confident images are answered together. The Wilson intervals hold for the thresholds given,
    point by point, and for independent images; points share images, so they rise and fall together. A
    threshold that is to be used belongs chosen on validation images.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.
        coverages: Shares of images to answer, above 0 to 1, shape (m,).

    Raises:
        PredictionError: Labels and predictions do not belong together.
        DataError: Not such shares.
    """
    shares = np.asarray(coverages, dtype=float)
    if shares.ndim != 1 or not ((shares > 0) & (shares <= 1)).all():
        raise DataError(f"coverages must be shares above 0, up to 1, shape (m,); found {shares.tolist()}")
    aligned = align(true_labels, predictions)
    n = len(aligned.truth)
    levels, counts = np.unique(-aligned.confidence, return_counts=True)  # the surest first
    hits = np.bincount(np.searchsorted(levels, -aligned.confidence), weights=aligned.right)
    answered, right = counts.cumsum(), hits.cumsum()
    # Ten per cent of 30 images are 3 images, although 0.1 * 30 is a little more than 3.
    asked = np.searchsorted(answered, np.ceil((shares * n).round(6)))
    low, high = wilson_bounds(right[asked], answered[asked])
    return RiskCoverage(
        coverage=answered[asked] / n,
        accuracy=right[asked] / answered[asked],
        low=low,
        high=high,
        threshold=-levels[asked],
        area=float(counts @ (1 - right / answered) / n),
    )


def conformal_threshold(true_labels: Tensor, predictions: Predictions, error: float = 0.1) -> float:
    """Find the probability that a class needs to be in a prediction set, from images kept for that.

    Split conformal prediction with the score 1 - p of the true class (Vovk et al. 2005; Angelopoulos and
    Bates 2021): the threshold is the score of rank ceil((n + 1) (1 - error)), in increasing order. A new
    image's true class is then in its set with a probability of at least 1 - error, whatever the model is, on
    average over calibration sets and new images, if all images are exchangeable. It need not be so within
    each class, nor for the images of one writer. With n images the coverage of one threshold has a standard
    deviation of about sqrt(error (1 - error) / n).

    Args:
        true_labels: int64, shape (n,), of images that the model was not trained on and that are not those
            for which sets are made.
        predictions: Of the same n images in the same order.
        error: Share of sets that may miss the true class, between 0 and 1.

    Returns:
        The smallest probability that a class in the set may have; 0 if n is too small to leave any class
        out.

    Raises:
        PredictionError: Labels and predictions do not belong together.
        ValueError: The error is no such share.
    """
    if not 0 < error < 1:
        raise ValueError(f"error must lie between 0 and 1, found {error}")
    needed = np.sort(align(true_labels, predictions).p_true)[::-1]
    # Rounded, so that 10 images at an error of 0.1 need no more than 11 * 0.9.
    rank = int(np.ceil(round((len(needed) + 1) * (1 - error), 9)))
    return float(needed[rank - 1]) if rank <= len(needed) else 0.0


def conformal_sets(predictions: Predictions, threshold: float) -> NDArray[np.bool_]:
    """Put every class into an image's set that has at least this probability.

    Sets may hold several classes, or none: then no class is probable enough.

    Args:
        predictions: Of n images.
        threshold: From :func:`conformal_threshold`, 0 to 1.

    Returns:
        Shape (n, num_classes), True for the classes in the set.

    Raises:
        ValueError: The threshold is no probability.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be a probability, 0 to 1; found {threshold}")
    # The truth plays no part, so predictions beside themselves do.
    return align(predictions.labels, predictions).probabilities >= threshold


def set_report(true_labels: Tensor, sets: NDArray[np.bool_]) -> pd.DataFrame:
    """Say how often sets hold the true class, and how large they are, overall and by class.

    Args:
        true_labels: int64, shape (n,).
        sets: Of the same n images in the same order, shape (n, num_classes).

    Returns:
        Index: ``"all"``, then each class that occurs, as a number. Columns: ``n`` (images); ``coverage``
        (share of sets with the true class) with ``low`` and ``high`` (95 %, Wilson); ``size`` (mean number of
        classes in a set), ``single`` and ``empty`` (shares of sets with one class and with none).

    Raises:
        PredictionError: Labels and sets do not belong together.
    """
    truth = true_labels.cpu().numpy()
    usable = sets.ndim == 2 and sets.dtype == bool and truth.shape == sets.shape[:1] and len(truth) > 0
    if not usable or truth.min() < 0 or truth.max() >= sets.shape[1]:
        raise PredictionError(
            "sets must be bool of shape (n, classes), one row per true label, and the labels classes; found "
            f"{sets.dtype} of shape {sets.shape} and labels of shape {truth.shape}"
        )
    sizes = sets.sum(axis=1)
    images = pd.DataFrame(
        {
            "label": truth,
            "n": 1,
            "hit": sets[np.arange(len(truth)), truth],
            "size": sizes,
            "single": sizes == 1,
            "empty": sizes == 0,
        }
    )
    sums = images.groupby("label").sum()
    table = pd.concat([sums.sum().to_frame("all").T, sums])
    low, high = wilson_bounds(table["hit"], table["n"])
    shares = (
        table[["hit", "size", "single", "empty"]].div(table["n"], axis=0).rename(columns={"hit": "coverage"})
    )
    shares.insert(1, "low", low)
    shares.insert(2, "high", high)
    shares.insert(0, "n", table["n"])
    return shares


def conformal_report(
    kept_labels: Tensor,
    kept_predictions: Predictions,
    true_labels: Tensor,
    predictions: Predictions,
    errors: Sequence[float] = (0.1, 0.05, 0.01),
) -> pd.DataFrame:
    """Ask for sets that miss the true class at most so often, and say how often they hold it.

    Args:
        kept_labels: int64, shape (m,), of the images kept for the threshold, see :func:`conformal_threshold`.
        kept_predictions: Of these m images in the same order.
        true_labels: int64, shape (n,), of the images that get sets.
        predictions: Of these n images in the same order.
        errors: Shares of sets that may miss the true class, each between 0 and 1.

    Returns:
        Index: shares of sets that should hold the true class, ``1 - error``, rounded to nine digits. Columns:
        ``threshold``, and those of :func:`set_report` for all images.

    Raises:
        PredictionError: Labels and predictions do not belong together.
        ValueError: An error is no such share.
    """
    rows = {}
    for error in errors:
        threshold = conformal_threshold(kept_labels, kept_predictions, error)
        report = set_report(true_labels, conformal_sets(predictions, threshold))
        rows[round(1 - error, 9)] = {"threshold": threshold, **report.loc["all"]}
    return pd.DataFrame.from_dict(rows, orient="index")
