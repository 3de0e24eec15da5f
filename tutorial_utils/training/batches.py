"""Batches of images that lie in memory, and those that a configuration asks for."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from tutorial_utils.data.datasets import ImageData, split, training_transform
from tutorial_utils.exceptions import ConfigurationError, DataError
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training.config import TrainingConfig

BatchIterable = Iterable[tuple[Tensor, Tensor]]
"""Anything that yields (images, labels) batches anew each time it is iterated, such as a ``DataLoader``."""

VALIDATION_BATCH_SIZE = 500
"""Nothing is learnt from validation batches, so they may be as large as is quick: what fits the cache."""


class Batches:
    """Batches of images that lie in memory as one tensor; much quicker than fetching image by image.

    Attributes:
        images: What to draw from, (n, ...).
        labels: Class numbers, (n,).
        batch_size: Images per batch; the last batch of an epoch may have fewer.
        generator: Shuffles anew whenever an iteration begins; None leaves the order.
        transform: Applied to the images of each batch, such as standardising; by default nothing. Images can
            thus stay in memory as bytes, a quarter of what floats take, at no measurable cost in time.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        batch_size: int,
        generator: torch.Generator | None = None,
        transform: Callable[[Tensor], Tensor] = lambda images: images,
    ) -> None:
        if len(images) != len(labels) or batch_size < 1:
            raise DataError(f"no batches of {batch_size} from {len(images)} images and {len(labels)} labels")
        self.images, self.labels = images, labels
        self.batch_size, self.generator, self.transform = batch_size, generator, transform

    @property
    def num_images(self) -> int:
        """Images per epoch."""
        return len(self.labels)

    def __len__(self) -> int:
        return math.ceil(self.num_images / self.batch_size)

    def to(self, device: torch.device) -> Batches:
        """The same batches in the memory of a device, all at once instead of batch by batch.

        Args:
            device: Where the model that they are fed to lives.

        Returns:
            These batches if they are there already, else a copy that shares their generator.
        """
        if self.images.device == self.labels.device == device:
            return self
        moved = copy.copy(self)  # whatever else a subclass holds goes along
        moved.images, moved.labels = self.images.to(device), self.labels.to(device)
        return moved

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.generator is None:
            parts = zip(self.images.split(self.batch_size), self.labels.split(self.batch_size), strict=True)
            yield from ((self.transform(images), labels) for images, labels in parts)
            return
        order = torch.randperm(self.num_images, generator=self.generator).to(self.labels.device)
        for indices in order.split(self.batch_size):
            yield self.transform(self.images.index_select(0, indices)), self.labels.index_select(0, indices)


def training_batches(data: ImageData, config: TrainingConfig) -> tuple[Batches, Batches]:
    """Split, standardise and batch training images as a configuration says.

    Args:
        data: Training images; the test images have no place here.
        config: Gives split, seed and batch size.

    Returns:
        Batches to train on, shuffled every epoch, and batches to validate on, in order. They lie on the CPU;
        ``Trainer`` moves them to its model's device once.

    Raises:
        ConfigurationError: The images are of another data set than the configuration's.
    """
    if data.description.name != config.dataset:
        raise ConfigurationError(
            f"dataset={config.dataset!r}, but these images are {data.description.name!r}"
        )
    train, validation = split(data, config.validation_split, config.seed)
    transform = training_transform(data.description)
    order = make_generator(config.seed, "order")
    return (
        Batches(train.images, train.labels, config.batch_size, order, transform),
        Batches(validation.images, validation.labels, VALIDATION_BATCH_SIZE, transform=transform),
    )


def move(batches: BatchIterable, device: torch.device) -> BatchIterable:
    """Move batches that lie in memory to a device at once; others are moved one by one when they come."""
    return batches.to(device) if isinstance(batches, Batches) else batches
