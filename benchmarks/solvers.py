"""Time to the same validation loss: this package against scikit-learn's solvers for the same model.

Both sides have the images in memory beforehand in the form that they like best: bytes here, standardised
floats there. How many passes a solver needs is found out first, on every split, and not timed; then it makes
exactly so many.
"""

from __future__ import annotations

import functools
import statistics
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rounds import Seconds, interleave, say, summarise
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from tutorial_utils.data import datasets
from tutorial_utils.data.datasets import ImageData
from tutorial_utils.training.batches import Batches, training_batches
from tutorial_utils.training.config import HEADLINE, TrainingConfig
from tutorial_utils.training.models import make_model
from tutorial_utils.training.trainer import Trainer

TARGET_LOSS = 0.32
CONFIG = HEADLINE["mnist"].but(num_epochs=2, learning_rate_step=1, batch_size=64, device="cpu")
"""Two epochs of the book's rate, the second at a tenth of it."""

SOLVERS: dict[str, tuple[Sequence[int], Callable[[int], ClassifierMixin]]] = {
    "lbfgs": (range(8, 41), lambda passes: LogisticRegression(C=np.inf, max_iter=passes)),
    "saga": (
        range(1, 9),
        lambda passes: LogisticRegression(C=np.inf, solver="saga", max_iter=passes, tol=0, random_state=0),
    ),
    # One model for each class against all others; the best of the settings that were tried.
    "sgd": (
        (1, 3, 8),
        lambda passes: SGDClassifier(
            loss="log_loss",
            learning_rate="constant",
            eta0=1e-3,
            average=True,
            max_iter=passes,
            tol=None,
            random_state=0,
            n_jobs=torch.get_num_threads(),
        ),
    ),
}
"""By solver: numbers of passes to try, in order, and what makes it."""


@dataclass(frozen=True)
class Split:
    """One division of the training images: as this package wants them, and as scikit-learn does."""

    config: TrainingConfig
    batches: tuple[Batches, Batches]
    pixels: NDArray[np.float32]
    labels: NDArray[np.int64]
    validation_pixels: NDArray[np.float32]
    validation_labels: NDArray[np.int64]


def make_split(data: ImageData, seed: int) -> Split:
    """Divide the images as the package does for this seed."""
    config = CONFIG.but(seed=seed)
    train, validation = datasets.split(data, config.validation_split, seed)
    return Split(
        config,
        training_batches(data, config),
        datasets.standardise(train).flatten(1).numpy(),
        train.labels.numpy(),
        datasets.standardise(validation).flatten(1).numpy(),
        validation.labels.numpy(),
    )


def train_here(split: Split) -> float:
    """Train with this package; return the best validation loss."""
    history = Trainer(split.config, show_progress=False).fit(make_model(split.config), *split.batches)
    return history.best.validation_loss


def fit(solver: str, passes: int, split: Split) -> ClassifierMixin:
    """Fit with one of scikit-learn's solvers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is meant to stop early
        return SOLVERS[solver][1](passes).fit(split.pixels, split.labels)


def loss_of(fitted: ClassifierMixin, split: Split) -> float:
    """Validation loss of a fitted model, in nats."""
    return float(log_loss(split.validation_labels, fitted.predict_proba(split.validation_pixels)))


def find_passes(solver: str, splits: Sequence[Split]) -> tuple[int | None, float]:
    """Find the fewest passes with which a solver reaches the loss on every split.

    Returns:
        The passes, None when none of those tried is enough, and the worst loss of the last try.
    """
    worst = float("inf")
    for passes in SOLVERS[solver][0]:
        worst = max(loss_of(fit(solver, passes, split), split) for split in splits)
        if worst <= TARGET_LOSS:
            return passes, worst
    return None, worst


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Every solver on every split, with one thread and with two.

    Args:
        rounds: Number of splits.
        quick: A trial on few images, on which nothing is promised.

    Returns:
        By number of threads: seconds by solver (one round a split), passes, losses, and the ratio of the
        package's median to the best solver's.
    """
    data = datasets.load("mnist").train
    if quick:
        data = data.subset(torch.arange(6000))
    splits = [make_split(data, seed) for seed in range(rounds)]
    say("passes that scikit-learn's solvers need")
    needed = {solver: find_passes(solver, splits[: 1 if quick else None]) for solver in SOLVERS}
    found: dict[str, Any] = {
        "target_loss": TARGET_LOSS,
        "passes": {solver: passes for solver, (passes, _) in needed.items()},
        "validation_loss": {solver: loss for solver, (_, loss) in needed.items()},
    }
    for threads in (1, 2):
        say(f"time to a validation loss of {TARGET_LOSS}, {threads} thread{'s' * (threads > 1)}")
        torch.set_num_threads(threads)
        with threadpool_limits(threads):
            found[f"threads_{threads}"] = _race(splits, found["passes"])
    return found


def _race(splits: Sequence[Split], passes: Mapping[str, int | None]) -> dict[str, Any]:
    """Run each solver once on every split."""
    solvers = {solver: count for solver, count in passes.items() if count is not None}
    seconds: Seconds = {name: [] for name in ("package", *solvers)}
    losses = []
    for number, split in enumerate(splits):
        actions: dict[str, Callable[[], Any]] = {
            solver: functools.partial(fit, solver, count, split) for solver, count in solvers.items()
        }
        times, made = interleave(
            {"package": functools.partial(train_here, split), **actions}, 1, first=number
        )
        losses.append(made["package"])
        for name, (taken,) in times.items():
            seconds[name].append(taken)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    best = min(solvers, key=lambda solver: medians[solver], default=None)
    return {
        "seconds": {name: summarise(times) for name, times in seconds.items()},
        "package_validation_loss": max(losses),
        "best_solver": best,
        "ratio_to_best_solver": medians["package"] / medians[best] if best else None,
    }
