"""Do probabilities mean what they say: reliability, its summaries, and rescaling by a temperature.

A classifier is calibrated if, of the images to which it gives the confidence p, the share p is right.
Confidence is the probability of the predicted class (Guo et al. 2017); it says nothing about the other
classes. Where its model of the data is true and features are not few beside images, logistic regression
without a penalty is over-confident on new images (Bai et al. 2021, for two classes); elsewhere only measuring
tells. All intervals assume that images are independent.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize, special
from statsmodels.discrete.discrete_model import Logit
from torch import Tensor

from tutorial_utils.evaluation.metrics import log_loss
from tutorial_utils.evaluation.predictions import Floats, Predictions, align
from tutorial_utils.evaluation.statistics import (
    CONFIDENCE,
    TAILS,
    Interval,
    bootstrap_interval,
    wilson_bounds,
)
from tutorial_utils.exceptions import PredictionError

SUREST = 1 - 1e-12
"""Logits are taken of confidences no nearer to 1 or 0: there float64 has lost the digits of 1 - p."""

TEMPERATURES = (0.01, 100.0)
"""Range in which a temperature is sought."""

NEGLIGIBLE = 1e-12
"""Differences of mean log loss below this, in nats, are rounding."""


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy in bins of confidence; bins without an image are left out.

    Attributes:
        confidence: Mean confidence of the bin's images, shape (bins,).
        accuracy: Share of them that is right, shape (bins,).
        low: Lower bounds of the accuracy's 95 % Wilson intervals, shape (bins,).
        high: Upper bounds, shape (bins,).
        counts: Number of images, int, shape (bins,).
        edges: Edges of all bins, the empty ones too, shape (num_bins + 1,).
    """

    confidence: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    counts: NDArray[np.int64]
    edges: Floats


class ChanceError(NamedTuple):
    """Calibration error of a calibrated classifier, by chance alone: its mean and the range of 95 %."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class CalibrationLine:
    """Log odds of being right as a line in the log odds that were claimed, with bounds at 95 % (Wald).

    Attributes:
        slope: 1 if calibrated; below 1 the confidences are too extreme, above 1 too timid.
        intercept: 0 if calibrated: the log odds of being right at a confidence of one half.
    """

    slope: float
    slope_low: float
    slope_high: float
    intercept: float
    intercept_low: float
    intercept_high: float


def reliability(
    true_labels: Tensor, predictions: Predictions, num_bins: int = 15, equal_mass: bool = False
) -> Reliability:
    """Sort images into bins by confidence and compare confidence with accuracy in each.

    The Wilson intervals hold bin by bin: of twenty bins of a calibrated classifier, one is expected to miss
    the diagonal. For all bins at once see :func:`ece_if_calibrated`.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.
        num_bins: At least 1.
        equal_mass: Edges at quantiles of the confidence, so that bins hold about equally many images
            (equal confidences stay together), instead of edges at equal distances between 0 and 1.

    Returns:
        One entry per bin that holds an image. A bin includes its upper edge, as in Guo et al. (2017), the
        first its lower one too.

    Raises:
        PredictionError: Labels and predictions do not belong together.
        ValueError: There is no bin.
    """
    aligned = align(true_labels, predictions)
    confidence, right = aligned.confidence, aligned.right
    edges = _edges(confidence, num_bins, equal_mass)
    bins = _bin_of(confidence, edges)
    counts = np.bincount(bins, minlength=num_bins)
    filled = np.flatnonzero(counts)
    hits = np.bincount(bins, weights=right, minlength=num_bins)[filled]
    sums = np.bincount(bins, weights=confidence, minlength=num_bins)[filled]
    low, high = wilson_bounds(hits, counts[filled])
    return Reliability(
        confidence=sums / counts[filled],
        accuracy=hits / counts[filled],
        low=low,
        high=high,
        counts=counts[filled],
        edges=edges,
    )


def expected_calibration_error(
    true_labels: Tensor, predictions: Predictions, num_bins: int = 15, equal_mass: bool = False
) -> float:
    """Expected calibration error (ECE): how far confidence is from accuracy in a bin, on average over images.

    The sum over bins of ``n_b / n * |accuracy_b - confidence_b|`` (Naeini et al. 2015, Guo et al. 2017). It
    depends on the bins; chance alone keeps it above 0, so compare it with :func:`ece_if_calibrated`; and
    over- and under-confidence within a bin cancel. A classifier that always answers with the classes'
    frequencies has next to none of it and knows nothing.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.
        num_bins: At least 1.
        equal_mass: As in :func:`reliability`.

    Returns:
        Between 0 and 1.

    Raises:
        PredictionError: Labels and predictions do not belong together.
        ValueError: There is no bin.
    """
    aligned = align(true_labels, predictions)
    edges = _edges(aligned.confidence, num_bins, equal_mass)
    return _calibration_error(aligned.confidence, aligned.right, edges)


def ece_if_calibrated(
    predictions: Predictions, num_bins: int = 15, resamples: int = 200, seed: int = 0
) -> ChanceError:
    """Compute what the ECE of these predictions would be if every confidence were right.

    Each prediction is drawn right or wrong with its own confidence, again and again (consistency resampling,
    Bröcker and Smith 2007). An ECE above ``high`` is more than chance; one below it proves no calibration.

    Args:
        predictions: Of n images; their true labels play no part.
        num_bins: Equally wide bins, at least 1.
        resamples: Number of draws.
        seed: Of the draws; the same seed gives the same values.

    Raises:
        ValueError: There is no bin, or no draw.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, found {resamples}")
    # The truth plays no part, so predictions beside themselves do.
    confidence = align(predictions.labels, predictions).confidence
    edges = _edges(confidence, num_bins)
    generator = np.random.default_rng(seed)
    errors = [
        _calibration_error(confidence, generator.random(len(confidence)) < confidence, edges)
        for _ in range(resamples)
    ]
    low, high = np.quantile(errors, TAILS)
    return ChanceError(float(np.mean(errors)), float(low), float(high))


def ece_interval(
    true_labels: Tensor, predictions: Predictions, num_bins: int = 15, resamples: int = 2_000, seed: int = 0
) -> Interval:
    """Bootstrap interval of the ECE, for what it would be with very many images and the same bins.

    Noise raises the ECE, and resampling adds noise, so percentiles of resampled ECEs lie too high. Their
    upper bound is kept and reflected about the ECE to make the lower one, which is 0 unless the ECE exceeds
    what :func:`ece_if_calibrated` puts down to chance. In simulations this covers between 89 and 98 %.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.
        num_bins: Equally wide bins, at least 1.
        resamples: Number of bootstrap samples of the images.
        seed: Of the resampling; the same seed gives the same interval.

    Returns:
        Bounds, not below 0.

    Raises:
        PredictionError: Labels and predictions do not belong together.
        ValueError: There is no bin.
    """
    aligned = align(true_labels, predictions)
    confidence, right = aligned.confidence, aligned.right
    edges = _edges(confidence, num_bins)
    error = _calibration_error(confidence, right, edges)
    upper = bootstrap_interval(
        np.column_stack([confidence, right]),
        lambda rows: _calibration_error(rows[:, 0], rows[:, 1], edges),
        resamples=resamples,
        seed=seed,
    ).high
    by_chance = error <= ece_if_calibrated(predictions, num_bins, seed=seed).high
    return Interval(0.0 if by_chance else max(0.0, 2 * error - upper), upper)


def brier_score(true_labels: Tensor, predictions: Predictions) -> float:
    """Brier score (1950): squared distance between the probabilities and the truth, summed over classes.

    It rewards telling images apart as well as calibration, so a lower score alone does not mean better
    calibration. With two classes it is twice the score that looks at one of them.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.

    Returns:
        Mean over images, from 0 (certain and right) to 2 (certain and wrong).

    Raises:
        PredictionError: Labels and predictions do not belong together.
    """
    aligned = align(true_labels, predictions)
    truth = np.eye(predictions.num_classes)[aligned.truth]
    return float(np.square(aligned.probabilities - truth).sum(axis=1).mean())


def calibration_line(true_labels: Tensor, predictions: Predictions) -> CalibrationLine:
    """Fit logit P(right) = intercept + slope * logit(confidence) (Cox 1958), without any bins.

    It sees only deviations that are lines in log odds. Slope and intercept belong together: a slope below 1
    with a positive intercept can leave mean confidence equal to accuracy.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.

    Raises:
        PredictionError: Labels and predictions do not belong together, or no finite line fits best, because
            one confidence separates right from wrong.
    """
    aligned = align(true_labels, predictions)
    right = aligned.right
    claimed = special.logit(aligned.confidence.clip(1 - SUREST, SUREST))
    wrong = ~right
    # The likelihood has a maximum exactly if the two groups overlap (Albert and Anderson 1984).
    if right.all() or wrong.all():
        raise PredictionError(
            f"a calibration line needs right and wrong predictions; all {len(right):,} are "
            f"{'right' if right.all() else 'wrong'}; measure on more images"
        )
    if claimed[wrong].max() <= claimed[right].min() or claimed[right].max() <= claimed[wrong].min():
        raise PredictionError(
            "a calibration line needs confidences of right and wrong predictions that overlap; one threshold "
            f"separates the {right.sum():,} right from the {wrong.sum():,} wrong; measure on more images"
        )
    design = np.column_stack([np.ones_like(claimed), claimed])
    fit = Logit(right.astype(float), design).fit(disp=False)
    bounds = fit.conf_int(alpha=1 - CONFIDENCE)
    intercept, slope = np.column_stack([fit.params, bounds]).tolist()
    return CalibrationLine(*slope, *intercept)


def fit_temperature(true_labels: Tensor, predictions: Predictions) -> float:
    """Find the temperature T with the least mean log loss of softmax(logits / T) (Guo et al. 2017).

    Fit it on validation images: training images look well calibrated, and test images are for measuring. The
    loss is that of all classes, so confidence alone may fit accuracy worse afterwards: measure it again.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order, best in float64.

    Returns:
        Above 1 if the predictions were over-confident, below 1 if they were too timid.

    Raises:
        PredictionError: Labels and predictions do not belong together, a true class was given probability
            0, the loss does not depend on T, or it falls up to the edge of ``TEMPERATURES``.
    """
    aligned = align(true_labels, predictions)
    truth, images = aligned.truth, np.arange(len(aligned.truth))
    with np.errstate(divide="ignore"):
        logits = np.log(aligned.probabilities)  # up to a constant per image, which softmax does not see
    if impossible := int(np.isneginf(logits[images, truth]).sum()):
        raise PredictionError(
            f"{impossible:,} of {len(truth):,} images were given probability 0 for their true class, which "
            "no temperature can change; pass probabilities in float64, as `predict` returns them"
        )

    def loss(log_temperature: float) -> float:
        scaled = special.log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[images, truth].mean())

    ends = np.log(TEMPERATURES)
    # The loss is convex in 1 / T, so it has one minimum in log T.
    found = optimize.minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-6})
    losses = [loss(end) - found.fun for end in ends]
    if max(losses) < NEGLIGIBLE:
        raise PredictionError(
            "the log loss is the same at every temperature: the possible classes of each image are equally "
            "probable; a temperature needs probabilities that differ"
        )
    if min(losses) < NEGLIGIBLE:
        raise PredictionError(
            f"the log loss is least at the edge of the allowed temperatures, {TEMPERATURES[0]:g} to "
            f"{TEMPERATURES[1]:g}: the predictions are all right or no better than guessing; "
            "fit on more images, or check that labels and predictions are of the same ones"
        )
    return float(np.exp(found.x))


def with_temperature(predictions: Predictions, temperature: float) -> Predictions:
    """Divide the logits by a temperature (Guo et al. 2017).

    The order of the classes stays, and so do the predicted labels and the accuracy.

    Args:
        predictions: Of n images.
        temperature: Above 0; above 1 brings probabilities closer together, 1 changes nothing.

    Returns:
        The same labels with new probabilities, on the CPU, in float64.

    Raises:
        ValueError: The temperature is not a positive finite number.
    """
    if not 0 < temperature < float("inf"):
        raise ValueError(
            f"temperature must be above 0 and finite, found {temperature}; `fit_temperature` finds one"
        )
    logits = predictions.probabilities.cpu().double().log()
    return Predictions(predictions.labels.cpu(), torch.softmax(logits / temperature, dim=1))


def calibration_report(true_labels: Tensor, predictions: Predictions) -> dict[str, Any]:
    """Measure calibration in every way of this module.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.

    Returns:
        Plain values: ``n``, ``accuracy``, ``mean_confidence``; ``gap`` (mean confidence - accuracy, positive
        if over-confident) with bootstrap bounds ``gap_low`` and ``gap_high``; ``log_loss`` in nats;
        ``brier``; ``ece`` and ``ece_equal_mass`` by number of bins, 10 to 50; at 15 bins ``ece_interval``
        (``low``, ``high``) and ``ece_if_calibrated`` (``mean``, ``low``, ``high``); the fields of
        :class:`CalibrationLine`.

    Raises:
        PredictionError: As in :func:`calibration_line`.
    """
    aligned = align(true_labels, predictions)
    confidence, right = aligned.confidence, aligned.right
    gap = bootstrap_interval(confidence - right, np.mean)
    errors = {
        name: {
            bins: expected_calibration_error(true_labels, predictions, bins, equal_mass)
            for bins in (10, 15, 20, 50)
        }
        for name, equal_mass in (("ece", False), ("ece_equal_mass", True))
    }
    return {
        "n": len(right),
        "accuracy": float(right.mean()),
        "mean_confidence": float(confidence.mean()),
        "gap": float((confidence - right).mean()),
        "gap_low": gap.low,
        "gap_high": gap.high,
        "log_loss": log_loss(aligned),
        "brier": brier_score(true_labels, predictions),
        **errors,
        "ece_interval": ece_interval(true_labels, predictions)._asdict(),
        "ece_if_calibrated": ece_if_calibrated(predictions)._asdict(),
        **asdict(calibration_line(true_labels, predictions)),
    }


def _edges(confidence: Floats, num_bins: int, equal_mass: bool = False) -> Floats:
    """Edges of bins of equal width, or of about equally many images."""
    if num_bins < 1:
        raise ValueError(f"num_bins must be at least 1, found {num_bins}")
    shares: Floats = np.linspace(0, 1, num_bins + 1)
    return np.quantile(confidence, shares) if equal_mass else shares


def _bin_of(confidence: Floats, edges: Floats) -> NDArray[np.intp]:
    """Number of each image's bin; a bin includes its upper edge."""
    return np.searchsorted(edges[1:-1], confidence)


def _calibration_error(confidence: Floats, right: NDArray[Any], edges: Floats) -> float:
    """ECE: n_b / n * |accuracy_b - confidence_b| is |right ones - summed confidence| / n of the bin."""
    surplus = np.bincount(_bin_of(confidence, edges), weights=right - confidence)
    return float(np.abs(surplus).sum() / len(confidence))
