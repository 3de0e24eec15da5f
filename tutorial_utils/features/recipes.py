"""Recipes of training: some of the images, images changed at random, a new network that is trained once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial_utils.data.datasets import LoadedDataset, training_transform
from tutorial_utils.evaluation.dependence import block_interval
from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.evaluation.statistics import wilson_interval
from tutorial_utils.exceptions import DataError
from tutorial_utils.reproducibility import choose_device, preserved_randomness
from tutorial_utils.training.batches import Batches, training_batches
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import History
from tutorial_utils.training.stored import fit_or_load


def train_new(
    make: Callable[[], nn.Module],
    config: TrainingConfig,
    data: LoadedDataset,
    folder: Path | None,
    *,
    classes: Sequence[int] | None = None,
    chosen: Tensor | slice | None = None,
    change: Callable[[Tensor], Tensor] | None = None,
) -> tuple[nn.Module, History]:
    """Make a network and train it, or load it if the same training was done before.

    Args:
        make: Makes the network; what it draws comes from the global generator, seeded with ``config.seed``.
        config: Settings of the run, device included.
        data: The data set; only its training images are used.
        folder: Where trained networks are kept; None trains and keeps nothing.
        classes: Train and validate on images of these alone; None takes all.
        chosen: Which of the training images left to use, as for :func:`only`; None uses all.
        change: What happens to them on their way to the network, as for :func:`changed`; None leaves them.

    Returns:
        The network with its best weights, on the configured device, and the history of its training.

    Raises:
        TrainingError: The run was stopped.
    """
    with preserved_randomness():
        torch.manual_seed(config.seed)
        network = make().to(choose_device(config.device))
    train, validation = training_batches(data.train, config)
    if classes is not None:
        train, validation = (only(part, of_classes(part.labels, classes)) for part in (train, validation))
    if chosen is not None:
        train = only(train, chosen)
    if change is not None:
        train = changed(train, change)
    return network, fit_or_load(config, network, train, validation, folder)


def measure_test(network: nn.Module, data: LoadedDataset) -> tuple[float, float, float]:
    """Measure a network on the test images: once, when nothing is left to choose.

    Args:
        network: Maps images to logits.
        data: The data set.

    Returns:
        Accuracy and the bounds of its interval at 95 %, fractions: other images, the same network. It is by
        blocks where images of one writer stand together; Wilson's serves where they are independent.
    """
    images = training_transform(data.description)(data.test.images)
    hits = predict(network, images, batch_size=500).labels == data.test.labels
    if strata := data.description.test_strata:
        return block_interval(hits, strata=strata)[:3]
    interval = wilson_interval(int(hits.sum()), len(hits))
    return float(hits.double().mean()), interval.low, interval.high


def shift(images: Tensor, most: int = 2) -> Tensor:
    """Move each image by a random number of pixels, up to ``most`` to each side, and fill up with zeros.

    Args:
        images: Shape (n, channels, height, width), standardised: zero is the mean grey.
        most: Pixels, at least 1.

    Returns:
        As many images; which way each moved comes from the global generator of the images' device.
    """
    height, width = images.shape[2:]
    places = F.pad(images, (most,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    down, right = torch.randint(2 * most + 1, (2, len(images)), device=images.device)
    return places[torch.arange(len(images), device=images.device), :, down, right]


def flip(images: Tensor) -> Tensor:
    """Mirror each image, left for right, with probability one half, from the global generator.

    Args:
        images: Shape (n, channels, height, width).

    Returns:
        As many images.
    """
    chosen = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(chosen[:, None, None, None], images.flip(3), images)


def only(batches: Batches, chosen: Tensor | slice) -> Batches:
    """Take some images of batches, and leave all else as it is.

    Args:
        batches: Left as they are; the new ones share their generator.
        chosen: Positions (int64), a mask (bool) or a slice; at least one image.

    Raises:
        DataError: No image is left.
    """
    images, labels = batches.images[chosen], batches.labels[chosen]
    if len(labels) == 0:
        raise DataError(f"of {batches.num_images:,} images none is left; choose at least one")
    return Batches(images, labels, batches.batch_size, batches.generator, batches.transform)


def of_classes(labels: Tensor, classes: Sequence[int]) -> Tensor:
    """Mark the images of some classes.

    Args:
        labels: Class numbers, int64, shape (n,).
        classes: Class numbers that count.

    Returns:
        Bool, shape (n,).
    """
    return torch.isin(labels, torch.tensor(classes, device=labels.device))


def changed(batches: Batches, change: Callable[[Tensor], Tensor]) -> Batches:
    """Change the images of every batch, after they are standardised.

    Args:
        batches: Left as they are; the new ones share their images and their generator.
        change: Takes images (n, channels, height, width) and returns as many; :func:`shift` for example. What
            it draws at random should come from a global generator, which checkpoints keep.
    """
    first = batches.transform
    return Batches(
        batches.images,
        batches.labels,
        batches.batch_size,
        batches.generator,
        lambda images: change(first(images)),
    )
