"""What features are worth when few images have labels: softmax regression on a few images of each class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from tutorial_utils.data.datasets import LoadedDataset, split_indices
from tutorial_utils.exceptions import DataError
from tutorial_utils.features.recipes import of_classes, train_new
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training.batches import Batches
from tutorial_utils.training.config import TrainingConfig

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def accuracies(
    train: tuple[ArrayLike, ArrayLike],
    test: tuple[ArrayLike, ArrayLike],
    counts: Sequence[int],
    seeds: Sequence[int],
) -> NDArray[np.float64]:
    """Fit softmax regression to few images of each class, drawn at random, and measure it on others.

    Features are standardised by those few images; the regression is scikit-learn's, with its own L2 penalty.

    Args:
        train: Features (n, features) and class numbers (n,) to draw from.
        test: The same of the images to measure on.
        counts: Images of each class, at least 1; no class has fewer.
        seeds: One draw each; the same seed draws the same images, whatever the features.

    Returns:
        Accuracy, shape (counts, seeds).

    Raises:
        DataError: A class has too few images.
    """
    features, labels = (np.asarray(part) for part in train)
    classes, available = np.unique(labels, return_counts=True)
    if not 1 <= min(counts) <= max(counts) <= available.min():
        raise DataError(f"counts={tuple(counts)}; allowed: 1 to {available.min()}, the images of a class")
    measured = np.empty((len(counts), len(seeds)))
    for column, seed in enumerate(seeds):
        order = torch.randperm(len(labels), generator=make_generator(seed, "few labels")).numpy()
        places = [order[labels[order] == each] for each in classes]
        for row, count in enumerate(counts):
            picked = np.concatenate([each[:count] for each in places])
            line = _line(strength=1.0).fit(features[picked], labels[picked])
            measured[row, column] = line.score(*map(np.asarray, test))
    return measured


@torch.no_grad()
def compute(network: nn.Module, batches: Batches, classes: Sequence[int], most: int) -> tuple[Tensor, Tensor]:
    """Compute what a network gives for the first images of some classes.

    Args:
        network: Of a classifier, leave out the last layer. Put into evaluation mode.
        batches: Images and labels to choose from, in the order in which they lie in memory.
        classes: Class numbers.
        most: Images at most.

    Returns:
        The network's outputs, one row per image, and labels (n,), on the CPU.
    """
    places = of_classes(batches.labels, classes).nonzero()[:most, 0]
    images = batches.transform(batches.images[places])
    return network.eval()(images).cpu(), batches.labels[places].cpu()


def on_first(
    features: Tensor, labels: Tensor, count: int, seed: int, *, held_out: float = 0.1, strength: float = 0.01
) -> float:
    """Fit softmax regression to the first images of a split, and measure it on the validation images.

    The split is that of :func:`~tutorial_utils.data.datasets.split_indices`, so a network trained on the
    first images of the same split has learnt from the same ones.

    Args:
        features: Shape (n, features).
        labels: int64, shape (n,).
        count: Images to fit to, all classes among them.
        seed: Of the split.
        held_out: Share to validate on.
        strength: scikit-learn's ``C``: the smaller, the stronger the penalty.

    Returns:
        Accuracy.
    """
    chosen, held = split_indices(len(labels), held_out, seed)
    line = _line(strength).fit(features[chosen[:count]].numpy(), labels[chosen[:count]].numpy())
    return float(line.score(features[held].numpy(), labels[held].numpy()))


def network_on_first(
    make: Callable[[], nn.Module],
    config: TrainingConfig,
    data: LoadedDataset,
    folder: Path | None,
    count: int,
    batch_size: int,
    epochs: int,
    seed: int,
) -> float:
    """Train a network on the first images of a split, or load it; and measure it on the validation images.

    The learning rate falls with the batch size, in proportion (Goyal et al. 2017).

    Args:
        make: See :func:`~tutorial_utils.features.recipes.train_new`.
        config: Settings, with the rate that suits its batch size.
        data: The data set.
        folder: Where trained networks are kept; None keeps nothing.
        count: Images to train on.
        batch_size: Of this training.
        epochs: Of this training.
        seed: Of the split, the order and the first weights.

    Returns:
        Accuracy after the last epoch: none was chosen by it.

    Raises:
        TrainingError: The run was stopped.
    """
    settings = config.but(
        seed=seed,
        batch_size=batch_size,
        learning_rate=config.learning_rate * batch_size / config.batch_size,
        num_epochs=epochs,
        early_stopping_patience=epochs,
    )
    _, history = train_new(make, settings, data, folder, chosen=slice(count))
    return float(history.records[-1].validation_accuracy)


def _line(strength: float) -> Pipeline:
    """Softmax regression on standardised features, by scikit-learn with ``C=strength``."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1_000))
