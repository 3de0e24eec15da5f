"""How far probabilities are from the truth beyond the plain ECE: debiased, class by class, by likelihood."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tutorial_utils.evaluation.calibration import (
    TEMPERATURES,
    expected_calibration_error,
    fit_temperature,
    reliability,
    with_temperature,
)
from tutorial_utils.evaluation.metrics import log_loss
from tutorial_utils.evaluation.power import calibrated_labels
from tutorial_utils.evaluation.predictions import Floats, Predictions, align
from tutorial_utils.evaluation.statistics import CONFIDENCE, TAILS

# SciPy is imported where it is used.


class DebiasedError(NamedTuple):
    """Calibration error less what chance adds to it.

    Attributes:
        ece: Of absolute gaps, as in the ECE; below 0 by chance where the gaps are small.
        mean_square: Of squared gaps; 0 on average, and below 0 about as often as above it, if there are none.
    """

    ece: float
    mean_square: float


class TemperatureFit(NamedTuple):
    """The most likely temperature, its 95 % interval, and the likelihood-ratio test of 1.

    Attributes:
        statistic: Twice the log-likelihood, in nats, that the temperature gains over 1, for all n images.
        p_value: Chance of such a gain or a larger one if 1 were right: chi-squared, one degree of freedom.
        n: Number of images.
    """

    temperature: float
    low: float
    high: float
    statistic: float
    p_value: float
    n: int


def debiased_calibration_error(
    true_labels: Tensor, predictions: Predictions, num_bins: int = 15, equal_mass: bool = False
) -> DebiasedError:
    """Subtract from the ECE an estimate of what chance adds to it (Kumar et al. 2019).

    Chance moves the accuracy of a bin of n_b images by sigma_b = sqrt(accuracy (1 - accuracy) / n_b), and a
    gap's absolute value only grows by that. How much it grows on average is computed as if the gap found
    were the true one, from the folded normal distribution (Kumar et al. draw it at random), and subtracted.
    Of a calibrated classifier's bias this removes four tenths: its true gap is 0 and not the one found.
    Squared gaps grow by sigma_b^2, whatever the gap is, so ``mean_square`` is free of that bias (Ferro and
    Fricker 2012); bins with one image are left out of it.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.
        num_bins: At least 1.
        equal_mass: As in :func:`~tutorial_utils.evaluation.calibration.reliability`.

    Raises:
        PredictionError: Labels and predictions do not belong together.
        ValueError: There is no bin.
    """
    bins = reliability(true_labels, predictions, num_bins, equal_mass)
    from scipy import stats

    gaps, variances = bins.accuracy - bins.confidence, bins.accuracy * (1 - bins.accuracy)
    sigmas = np.sqrt(variances / bins.counts)
    # A bin that is right every time, or wrong every time, seems to have no chance in it.
    moved = sigmas > 0
    grown = np.abs(gaps)
    grown[moved] = stats.foldnorm.mean(np.abs(gaps[moved]) / sigmas[moved], scale=sigmas[moved])
    shares = bins.counts / bins.counts.sum()
    several = bins.counts > 1
    squares = gaps[several] ** 2 - variances[several] / (bins.counts[several] - 1)
    return DebiasedError(
        ece=float(shares @ (2 * np.abs(gaps) - grown)), mean_square=float(shares[several] @ squares)
    )


def classwise_calibration_error(true_labels: Tensor, predictions: Predictions, num_bins: int = 15) -> Floats:
    """ECE of each class's own probability: of images to which it gives p, is the share p of that class?

    It looks at all probabilities, where the ECE looks at the predicted class alone (Kull et al. 2019; they
    call the mean over classes the class-wise ECE). Most images have next to no probability for a class, so
    the values are smaller than the ECE and not to be compared with it. Chance alone keeps them above 0: see
    :func:`~tutorial_utils.evaluation.power.calibrated_labels` for labels that a calibrated model would meet.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.
        num_bins: Equally wide bins, at least 1.

    Returns:
        One error per class, between 0 and 1, shape (num_classes,).

    Raises:
        PredictionError: Labels and predictions do not belong together.
        ValueError: There is no bin.
    """
    aligned = align(true_labels, predictions)
    claims_it = torch.zeros(len(aligned.truth), dtype=torch.int64)
    errors = []
    for label, column in enumerate(torch.from_numpy(aligned.probabilities).T):
        # A classifier of two classes, this one and the rest, that always claims this one.
        claim = Predictions(claims_it, torch.stack([column, 1 - column], dim=1))
        is_another = torch.from_numpy(aligned.truth != label).long()
        errors.append(expected_calibration_error(is_another, claim, num_bins))
    return np.array(errors)


def classwise_report(
    true_labels: Tensor, predictions: Predictions, draws: int = 50, seed: int = 0
) -> pd.DataFrame:
    """Put each class's calibration error beside what a calibrated model would get.

    Chance is measured with labels drawn from the probabilities themselves, see
    :func:`~tutorial_utils.evaluation.power.calibrated_labels`.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.
        draws: Number of draws, at least 1; the bound below needs about 50.
        seed: Of the draws; the same seed gives the same values.

    Returns:
        Index: the classes, as numbers, then ``"mean"``, which is over the classes. Columns: ``error``, as in
        :func:`classwise_calibration_error`; ``if_calibrated``, its mean over the draws; ``rarely_above``,
        which one draw in forty exceeds.

    Raises:
        PredictionError: Labels and predictions do not belong together.
        DataError: There is no draw.
    """
    error = classwise_calibration_error(true_labels, predictions)
    by_chance = np.stack(
        [
            classwise_calibration_error(torch.from_numpy(drawn), predictions)
            for drawn in calibrated_labels(predictions, draws, seed)
        ]
    )
    by_chance = np.column_stack([by_chance, by_chance.mean(axis=1)])  # (draws, classes and their mean)
    return pd.DataFrame(
        {
            "error": np.append(error, error.mean()),
            "if_calibrated": by_chance.mean(axis=0),
            "rarely_above": np.quantile(by_chance, TAILS[1], axis=0),
        },
        index=[*range(len(error)), "mean"],
    )


def temperature_test(true_labels: Tensor, predictions: Predictions) -> TemperatureFit:
    """Fit a temperature (Guo et al. 2017), say how well it is known, and ask whether it is 1.

    The interval holds every temperature that the likelihood-ratio test at 5 % does not reject (Wilks 1938).
    The test sees all classes' probabilities, the ECE only the predicted class's: it may find what the ECE
    does not. A temperature that is surely not 1 can still be near it, so read the interval first. Both assume
    independent images: where neighbours are alike, divide the statistic by about the design effect.

    Args:
        true_labels: int64, shape (n,); of validation images where the temperature is to be used.
        predictions: Of the same n images in the same order, best in float64.

    Returns:
        Bounds no farther out than :data:`~tutorial_utils.evaluation.calibration.TEMPERATURES`.

    Raises:
        PredictionError: As :func:`~tutorial_utils.evaluation.calibration.fit_temperature`.
    """
    best = fit_temperature(true_labels, predictions)
    from scipy import optimize, stats

    def loss(temperature: float) -> float:
        return log_loss(align(true_labels, with_temperature(predictions, temperature)))

    n, least = len(true_labels), loss(best)
    allowed = float(stats.chi2.ppf(CONFIDENCE, df=1))

    def excess(log_temperature: float) -> float:
        return 2 * n * (loss(float(np.exp(log_temperature))) - least) - allowed

    def bound(end: float) -> float:
        # With few images all temperatures up to the end may be likely enough.
        return end if excess(np.log(end)) <= 0 else np.exp(optimize.brentq(excess, np.log(end), np.log(best)))

    statistic = max(2 * n * (loss(1.0) - least), 0.0)
    return TemperatureFit(
        temperature=best,
        low=float(bound(TEMPERATURES[0])),
        high=float(bound(TEMPERATURES[1])),
        statistic=statistic,
        p_value=float(stats.chi2.sf(statistic, df=1)),
        n=n,
    )
