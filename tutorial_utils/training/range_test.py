"""The learning-rate range test (Smith 2017), on a copy of everything it would otherwise disturb."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from tutorial_utils.exceptions import ConfigurationError, DataError, join_problems
from tutorial_utils.reproducibility import preserved_randomness
from tutorial_utils.training.batch_checks import begin, order_generators, refuse_single_use
from tutorial_utils.training.batches import BatchIterable
from tutorial_utils.training.threads import suitable_threads
from tutorial_utils.training.trainer import device_of

NEIGHBOURS = 3
"""Losses on either side of each that its mean takes in: seven rates, half a decade of the default range."""


@dataclass(frozen=True)
class RangeTest:
    """What a range test measured.

    Attributes:
        learning_rates: Rates tried, rising geometrically, shape (steps,).
        losses: Loss of the batch *before* the update at that rate, shape (steps,).
        smoothed: Mean of each loss and its neighbours on both sides, shape (steps,); see :func:`smooth`.
    """

    learning_rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]

    @property
    def steepest(self) -> float:
        """The rate at which the smoothed loss falls fastest per decade, on the way to its lowest point.

        Beyond that point losses are large and scatter, so that a fall there says nothing.

        Raises:
            DataError: Fewer than two losses, or some that are not finite.
        """
        slope = np.gradient(self._curve(), np.log10(self.learning_rates))
        return float(self.learning_rates[int(np.argmin(slope[: np.argmin(self.smoothed) + 1]))])

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss is lowest; beyond it training begins to suffer.

        Raises:
            DataError: Fewer than two losses, or some that are not finite.
        """
        return float(self.learning_rates[int(np.argmin(self._curve()))])

    def _curve(self) -> NDArray[np.float64]:
        """The smoothed losses, if something can be read from them."""
        finite = int(np.isfinite(self.smoothed).sum())
        if finite < max(2, len(self.smoothed)):
            raise DataError(
                f"{finite} of {len(self.smoothed)} smoothed losses are finite; to read a rate from them, all "
                "must be, and at least 2"
            )
        return self.smoothed


def range_test(
    model: nn.Module,
    batches: BatchIterable,
    *,
    start: float = 1e-7,
    end: float = 10.0,
    num_points: int = 100,
    momentum: float = 0.0,
) -> RangeTest:
    """Raise the learning rate at every batch and watch the loss.

    The model is copied; its weights, gradients and mode, the batches' order and every random generator are
    afterwards what they were before.

    Args:
        model: Where to start from, normally untrained.
        batches: Training batches; begun anew when they run out.
        start: First rate, above 0.
        end: Last rate, above ``start``.
        num_points: Number of rates, at least 2; each costs one update.
        momentum: Of the optimiser, from 0 up to but not including 1.

    Returns:
        Rates and losses; shorter than ``num_points`` if the loss stopped being finite.

    Raises:
        ConfigurationError: A setting is not allowed; all such settings are listed.
        DataError: The batches are empty, can be iterated only once, or have labels that are no class numbers;
            or the loss was finite for fewer than two rates.
    """
    problems = []
    if not 0 < start < end < math.inf:
        problems.append(f"start={start!r}, end={end!r}: need 0 < start < end, both finite")
    if not isinstance(num_points, int) or num_points < 2:
        problems.append(f"num_points={num_points!r}: need a whole number of at least 2")
    if not 0 <= momentum < 1:
        problems.append(f"momentum={momentum!r}: need 0 <= momentum < 1")
    if problems:
        raise ConfigurationError(join_problems("this range test is not allowed:", problems))
    refuse_single_use(batches, "training")
    protected = preserved_randomness(order_generators(batches).values(), device_of(model))
    with suitable_threads(model), protected:
        trial = copy.deepcopy(model).train()
        rates = np.geomspace(start, end, num_points)
        losses = list(_losses_at(rates, trial, batches, momentum))
    return RangeTest(rates[: len(losses)], np.array(losses), smooth(losses))


def _losses_at(
    rates: NDArray[np.float64], trial: nn.Module, batches: BatchIterable, momentum: float
) -> Iterator[float]:
    """Update the trial model once at each rate, yielding the loss before each update."""
    optimiser = torch.optim.SGD(trial.parameters(), lr=float(rates[0]), momentum=momentum)
    device = device_of(trial)
    for step, (rate, (images, labels)) in enumerate(zip(rates, _endless(batches), strict=False), start=1):
        loss = F.cross_entropy(trial(images.to(device)), labels.to(device))
        if not math.isfinite(loss.item()):
            if step > 2:
                return
            raise DataError(
                f"the loss is {loss.item()} at step {step} already, at learning rate {rate:g}; a range test "
                "needs two finite losses: begin with a smaller rate, or check that the images are finite and "
                "standardised"
            )
        yield loss.item()
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def _endless(batches: BatchIterable) -> Iterator[tuple[Tensor, Tensor]]:
    """Iterate over the batches again and again."""
    while True:
        yield from begin(batches, "training")


def smooth(losses: Sequence[float], neighbours: int = NEIGHBOURS) -> NDArray[np.float64]:
    """Average each loss with its neighbours on both sides.

    An average of the past alone lags behind the losses: with a weight of 0.9 for the past by nine batches, in
    which the rate rises fivefold, and the curve turns up long after the loss did. As many neighbours on
    either side leave straight stretches as they are and keep the lowest point of a symmetric valley in its
    place; before a rise that is steeper than the fall, it comes a little early.

    Args:
        losses: The series.
        neighbours: On either side, 0 or more; fewer near the ends, where one side has fewer.

    Returns:
        The averages, shape (len(losses),).
    """
    series, n = np.asarray(losses, dtype=np.float64), len(losses)
    reach = [min(neighbours, step, n - 1 - step) for step in range(n)]
    return np.array([series[k - each : k + each + 1].mean() for k, each in enumerate(reach)])
