"""From predictions to metrics: accuracy, loss, the per-class report, the curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sklearn.metrics
from numpy.typing import NDArray
from torch import Tensor

from tutorial_utils.evaluation.predictions import Aligned, Floats, Predictions, align
from tutorial_utils.evaluation.statistics import (
    Interval,
    bootstrap_from_confusion,
    f1_from_confusion,
    wilson_bounds,
    wilson_interval,
)


@dataclass(frozen=True)
class Evaluation:
    """Every number that follows from labels and predictions.

    Arrays have one entry per class. What is undefined, such as the recall of a class that does not occur, is
    NaN, never 0.

    Attributes:
        n: Number of images.
        accuracy: Share of right predictions.
        accuracy_interval: 95 % Wilson interval of the accuracy.
        loss: Mean cross-entropy in nats.
        precision: Of the images predicted as the class, the share that are of it.
        recall: Of the images of the class, the share predicted as it.
        f1: Harmonic mean of the two.
        support: Number of images of the class, int.
        confusion_matrix: Counts, shape (k, k), rows true, columns predicted.
    """

    n: int
    accuracy: float
    accuracy_interval: Interval
    loss: float
    precision: Floats
    recall: Floats
    f1: Floats
    support: NDArray[np.int64]
    confusion_matrix: NDArray[np.int64]

    def undefined(self) -> list[str]:
        """Name the metrics that are undefined, such as ``"recall of class 3"``."""
        return [
            f"{name} of class {index}"
            for name in ("precision", "recall", "f1")
            for index in np.flatnonzero(np.isnan(getattr(self, name)))
        ]

    def metrics(self) -> dict[str, Any]:
        """The entries of a results file, under the names fixed for it."""
        return {
            "test_accuracy": self.accuracy,
            "test_accuracy_low": self.accuracy_interval.low,
            "test_accuracy_high": self.accuracy_interval.high,
            "test_loss": self.loss,
            "n_test": self.n,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "confusion_matrix": self.confusion_matrix,
        }


def evaluate(true_labels: Tensor, predictions: Predictions) -> Evaluation:
    """Compare predictions with the truth by all metrics.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.

    Raises:
        PredictionError: Lengths differ, or a label is not a class.
    """
    aligned = align(true_labels, predictions)
    truth, predicted = aligned.truth, aligned.predicted
    classes = np.arange(predictions.num_classes)
    precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=np.nan
    )
    hits = int((truth == predicted).sum())
    return Evaluation(
        n=len(truth),
        accuracy=hits / len(truth),
        accuracy_interval=wilson_interval(hits, len(truth)),
        loss=log_loss(aligned),
        precision=precision,
        recall=recall,
        f1=f1,
        support=support,
        confusion_matrix=sklearn.metrics.confusion_matrix(truth, predicted, labels=classes),
    )


def per_class_report(evaluation: Evaluation, class_names: Sequence[str]) -> pd.DataFrame:
    """One row per class: each metric with its 95 % interval.

    Recall and precision are proportions of images and get Wilson intervals; F1 is not one and gets a
    bootstrap interval.

    Args:
        evaluation: From :func:`evaluate`.
        class_names: In label order, one for each class.

    Returns:
        Index: class names. Columns: precision, recall, f1, each followed by ``_low`` and ``_high``; support.
    """
    matrix = evaluation.confusion_matrix
    hits = np.diagonal(matrix)
    bounds = {
        "precision": wilson_bounds(hits, matrix.sum(axis=0)),
        "recall": wilson_bounds(hits, matrix.sum(axis=1)),
        "f1": bootstrap_from_confusion(matrix, f1_from_confusion),
    }
    columns: dict[str, Any] = {}
    for name, (low, high) in bounds.items():
        columns |= {name: getattr(evaluation, name), f"{name}_low": low, f"{name}_high": high}
    columns["support"] = evaluation.support
    return pd.DataFrame(columns, index=pd.Index(class_names, name="class"))


def one_vs_rest_accuracy(confusion_matrix: NDArray[np.int64]) -> Floats:
    """Share of images on which "is it this class or not" is answered rightly: (TP + TN) / n, per class.

    Dominated by the many images of other classes: never saying the class already scores about 90 % with ten
    balanced classes.

    Args:
        confusion_matrix: Counts, shape (k, k).

    Returns:
        Shape (k,).
    """
    hits = np.diagonal(confusion_matrix)
    wrong = confusion_matrix.sum(axis=0) + confusion_matrix.sum(axis=1) - 2 * hits
    accuracy: Floats = 1 - wrong / confusion_matrix.sum()
    return accuracy


def most_common_confusions(
    confusion_matrix: NDArray[np.int64], count: int | None = None
) -> list[tuple[int, int, int]]:
    """Pairs of true and predicted class by how often they occur, most frequent first.

    Args:
        confusion_matrix: Counts, shape (k, k), rows true, columns predicted.
        count: How many pairs; None for all that occur.

    Returns:
        Tuples (true, predicted, count); equal counts in label order.
    """
    pairs = [
        (int(true), int(predicted), int(confusion_matrix[true, predicted]))
        for true, predicted in np.argwhere(confusion_matrix > 0)
        if true != predicted
    ]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))[:count]


@dataclass(frozen=True)
class BinnedRate:
    """How often something happened in groups of equal size.

    Attributes:
        centres: Median of the quantity in each group, shape (groups,).
        rates: Share of the group in which it happened, shape (groups,).
        low: Lower bounds of the 95 % Wilson intervals, shape (groups,).
        high: Upper bounds, shape (groups,).
    """

    centres: Floats
    rates: Floats
    low: Floats
    high: Floats


def rate_by_quantile(happened: Tensor, quantity: Tensor, num_groups: int = 5) -> BinnedRate:
    """Sort images by a quantity, cut them into groups of equal size, and count in each.

    Args:
        happened: bool, shape (n,).
        quantity: Shape (n,).
        num_groups: Number of groups.

    Returns:
        Rates with intervals, in order of the quantity.
    """
    groups = [group for group in quantity.argsort(stable=True).tensor_split(num_groups) if len(group)]
    hits = np.array([int(happened[group].sum()) for group in groups])
    sizes = np.array([len(group) for group in groups])
    low, high = wilson_bounds(hits, sizes)
    centres = np.array([quantity[group].double().quantile(0.5).item() for group in groups])
    return BinnedRate(centres, hits / sizes, low, high)


@dataclass(frozen=True)
class Curve:
    """One class's curve, drawn by lowering the threshold on its probability.

    Attributes:
        x: False positive rate (ROC) or recall (precision-recall).
        y: True positive rate (ROC) or precision (precision-recall).
        area: AUC of the ROC curve, or average precision; NaN if the class does not occur or is the only one.
    """

    x: Floats
    y: Floats
    area: float


def roc_curves(true_labels: Tensor, predictions: Predictions) -> list[Curve]:
    """One-vs-rest ROC curve of every class (Fawcett 2006).

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images.
    """
    curves = []
    for is_class, score in _one_vs_rest(true_labels, predictions):
        if is_class.all() or not is_class.any():
            curves.append(Curve(np.array([]), np.array([]), float("nan")))
            continue
        x, y, _ = sklearn.metrics.roc_curve(is_class, score)
        curves.append(Curve(x, y, float(sklearn.metrics.roc_auc_score(is_class, score))))
    return curves


def precision_recall_curves(true_labels: Tensor, predictions: Predictions) -> list[Curve]:
    """One-vs-rest precision-recall curve of every class (Davis and Goadrich 2006).

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images.
    """
    curves = []
    for is_class, score in _one_vs_rest(true_labels, predictions):
        if not is_class.any():
            curves.append(Curve(np.array([]), np.array([]), float("nan")))
            continue
        precision, recall, _ = sklearn.metrics.precision_recall_curve(is_class, score)
        area = float(sklearn.metrics.average_precision_score(is_class, score))
        curves.append(Curve(recall, precision, area))
    return curves


def log_loss(aligned: Aligned) -> float:
    """Mean cross-entropy; scikit-learn's would cap the loss of an image at 36 nats without a word.

    Args:
        aligned: Labels and predictions of n images.

    Returns:
        Nats, infinite if a true class was given probability 0.
    """
    with np.errstate(divide="ignore"):
        return float(-np.log(aligned.p_true).mean())


def _one_vs_rest(true_labels: Tensor, predictions: Predictions) -> list[tuple[NDArray[np.bool_], Floats]]:
    """For every class: is each image of it, and what probability was it given."""
    aligned = align(true_labels, predictions)
    rows = predictions.probabilities.cpu().double().numpy()  # as given: normalised, ties would break anew
    return [(aligned.truth == index, rows[:, index]) for index in range(predictions.num_classes)]
