"""The loop of replicas, opened: epoch by epoch, with class weights, and the weights at the end.

:func:`~tutorial_utils.training.replicas.train` stops early and keeps the best epoch. Class weights, the last
weights, and a look at the models after each epoch are to be had here, with the same mathematics.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from tutorial_utils.data.datasets import ImageData
from tutorial_utils.exceptions import DataError, TrainingError
from tutorial_utils.training.batches import BatchIterable, training_batches
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import History, StopReason
from tutorial_utils.training.models import LogisticRegression, make_model
from tutorial_utils.training.replicas import (
    Replica,
    Stack,
    StackedBatches,
    batches_of_each,
    measure_batch,
    train,
)


def shortened(config: TrainingConfig, epochs: int) -> TrainingConfig:
    """The same settings in few epochs, for comparisons: the rate decays on the way, nothing stops early.

    Args:
        config: Of the full protocol.
        epochs: How many; the rate falls after every third of them.
    """
    return config.but(
        num_epochs=epochs, early_stopping_patience=epochs, learning_rate_step=max(1, epochs // 3)
    )


def run_epochs(
    configs: Sequence[TrainingConfig],
    batches: StackedBatches,
    *,
    class_weights: Tensor | None = None,
    start: float = 1.0,
) -> Iterator[Stack]:
    """Train replicas on the CPU without any guard, and hand them out after each epoch.

    Args:
        configs: One per replica; all train as many epochs as the first says.
        batches: Each replica's own images, as
            :func:`~tutorial_utils.training.replicas.batches_of_each` gives them.
        class_weights: Shape (replicas, classes), float32, above 0; None for none. The gradient is that of
            PyTorch's ``cross_entropy(weight=...)``: w (p - y) over the sum of the weights in the batch.
        start: Multiplies the initial weights; 0 starts from zeros.

    Yields:
        The stack of models after each epoch, one and the same: copy what must stay.

    Raises:
        DataError: The class weights have another shape, or are not above 0.
    """
    stack = Stack([config.but(device="cpu") for config in configs])
    stack.weight.mul_(start)
    stack.bias.mul_(start)
    expected = (len(configs), stack.weight.shape[1])
    if class_weights is not None and (class_weights.shape != expected or not (class_weights > 0).all()):
        raise DataError(
            f"class weights must be above 0 and of shape {expected}, one row per replica; "
            f"found shape {tuple(class_weights.shape)}"
        )
    for epoch in range(1, configs[0].num_epochs + 1):
        rates = stack.column([config.learning_rate_at(epoch) for config in configs])
        for images, labels in batches:
            inputs = images.flatten(2)
            error = measure_batch(stack.logits(inputs), labels)[2]
            if class_weights is not None:
                weights = class_weights.gather(1, labels)
                error = error * (weights / weights.mean(dim=1, keepdim=True)).unsqueeze(1)
            stack.update(inputs, error, rates)
        yield stack


def train_to_the_end(
    configs: Sequence[TrainingConfig],
    batches: StackedBatches,
    *,
    class_weights: Tensor | None = None,
    start: float = 1.0,
) -> list[Replica]:
    """Train as :func:`run_epochs` does, and keep the last weights.

    Args:
        configs: As there.
        batches: As there.
        class_weights: As there.
        start: As there.

    Returns:
        One replica per configuration, without records of epochs: nothing was measured on the way.

    Raises:
        DataError: As there.
    """
    for stack in run_epochs(configs, batches, class_weights=class_weights, start=start):  # noqa: B007
        pass
    return [
        Replica(config, model_of(stack, row, config), History(stop_reason=StopReason.FINISHED))
        for row, config in enumerate(configs)
    ]


def watch_updates(
    configs: Sequence[TrainingConfig], data: ImageData, images: Tensor, labels: Tensor, updates: int
) -> Tensor:
    """Loss on fixed images after each of the first updates, in training's own order of batches.

    Args:
        configs: One per replica; share the size of batches.
        data: Training images.
        images: To measure on, as the models take them, shape (n, ...).
        labels: Theirs, int64 (n,).
        updates: How many; one epoch's at most.

    Returns:
        Nats, float64, shape (replicas, updates).
    """
    stack, seen = Stack([config.but(device="cpu") for config in configs]), []
    rates = stack.column([config.learning_rate for config in configs])
    batches, _ = batches_of_each(data, configs)
    for _, (inputs, truth) in zip(range(updates), batches, strict=False):
        error = measure_batch(stack.logits(inputs.flatten(2)), truth)[2]
        stack.update(inputs.flatten(2), error, rates)
        seen.append(measure_batch(stack.logits(images.flatten(1)), labels)[0] / len(labels))
    return torch.stack(seen, dim=1)


def steps_to(
    level: float,
    configs: Sequence[TrainingConfig],
    batches: BatchIterable,
    images: Tensor,
    labels: Tensor,
    *,
    most: int = 600,
) -> tuple[int, Tensor]:
    """Descend at several rates in step, until the first of them has a loss as low as that.

    The images to measure on are looked at after every step, so let them be few.

    Args:
        level: Loss to reach on those images, in nats.
        configs: One per learning rate; all see the same batches, on the CPU.
        batches: Images and labels, again and again until the end.
        images: To measure on, as the models take them, shape (n, ...).
        labels: Theirs, int64 (n,).
        most: Steps after which it gives up.

    Returns:
        Position of the first to get there (of several, the one with the lowest loss), and its training loss
        in each step up to then, nats, float64, shape (steps,).

    Raises:
        TrainingError: None was there in time.
    """
    stack = Stack([config.but(device="cpu") for config in configs])
    rates, seen = [config.learning_rate for config in configs], []
    column = stack.column(rates)
    endless = itertools.chain.from_iterable(itertools.repeat(batches))
    for inputs, truth in itertools.islice(endless, most):
        losses, _, error = measure_batch(stack.logits(inputs.flatten(1)), truth)
        stack.update(inputs.flatten(1), error, column)
        seen.append(losses / len(truth))
        now = measure_batch(stack.logits(images.flatten(1)), labels)[0] / len(labels)
        now = now.nan_to_num(math.inf)  # a rate that broke down is never the first
        if now.min() <= level:
            first = int(now.argmin())
            return first, torch.stack(seen)[:, first]
    raise TrainingError(
        f"no rate of {rates} reaches a loss of {level} within {most} steps; "
        "raise the level or the number of steps, or try other rates"
    )


def train_grid(
    configs: Sequence[TrainingConfig],
    rates: Sequence[float],
    data: ImageData,
    transform: Callable[[Tensor], Tensor],
) -> list[list[Replica]]:
    """Train each configuration at several rates, on inputs of one's own, with the divergence guard off.

    A guard would stop a run whose first losses are huge, although it may come back from there. So a run is
    stopped only when its loss is no finite number.

    Args:
        configs: One per seed.
        rates: Learning rates, which take the place of theirs; all of one seed see the same batches.
        data: Training images.
        transform: Makes inputs of the bytes of a batch.

    Returns:
        A list for each configuration, with a replica for each rate.
    """
    grid = []
    for config in configs:
        unguarded = config.but(divergence_bound=math.inf)
        batches = training_batches(data, unguarded)
        for part in batches:
            part.transform = transform
        grid.append(train([unguarded.but(learning_rate=rate) for rate in rates], *batches))
    return grid


def model_of(stack: Stack, row: int, config: TrainingConfig) -> LogisticRegression:
    """Copy one replica out of a stack.

    Args:
        stack: The models.
        row: Which of them.
        config: Its settings.

    Returns:
        A model of its own, on the CPU.
    """
    model = make_model(config.but(device="cpu"))
    model.load_state_dict(stack.weights_of(row))
    return model


@torch.no_grad()
def validation_losses(stack: Stack, batches: StackedBatches) -> Tensor:
    """Mean cross-entropy of every replica on its own validation images.

    Args:
        stack: The models.
        batches: Each replica's own images.

    Returns:
        Nats, float64, shape (replicas,).
    """
    total, seen = torch.zeros(len(stack.weight), dtype=torch.float64), 0
    for images, labels in batches:
        total += measure_batch(stack.logits(images.flatten(2)), labels)[0]
        seen += labels.shape[1]
    return total / seen
