"""Ways to train the same model for one epoch, each as a careful user of its tool would write it.

All begin with the same weights, see the same batches in the same order, update with the same momentum, keep
running loss and accuracy, and measure the validation images at the end. So their losses agree, and only time
and memory differ. Reading the files is not part of it; making standardised tensors is, where a loop does that
for every batch.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler, Subset

from tutorial_utils.data import datasets
from tutorial_utils.data.datasets import ImageData, ImageDataset
from tutorial_utils.progress import QUIET_VARIABLE
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training.batches import VALIDATION_BATCH_SIZE, Batches, training_batches
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.models import make_model
from tutorial_utils.training.trainer import Trainer

BatchIterable = Iterable[tuple[Tensor, Tensor]]
Loop = Callable[[], float]
"""Trains one epoch from the start and returns the validation loss."""


def package(data: ImageData, config: TrainingConfig) -> Loop:
    """This package: bytes in memory, standardised batch by batch; metrics, validation, progress bar."""
    train, validation = training_batches(data, config)

    def run() -> float:
        _start_order(train, config)
        with _shown_elsewhere():
            history = Trainer(config, show_progress=True).fit(make_model(config), train, validation)
        return history.records[-1].validation_loss

    return run


def bare(data: ImageData, config: TrainingConfig) -> Loop:
    """The shortest loop of PyTorch with the same metrics, over floats that were standardised beforehand."""
    train, validation = resident_batches(data, config)

    def run() -> float:
        _start_order(train, config)
        return train_bare(make_model(config), train, validation, config)

    return run


def loader(data: ImageData, config: TrainingConfig, workers: int) -> Loop:
    """What both sources do: a ``DataLoader`` that makes a tensor of every image, and standardises it."""
    from torchvision import transforms

    description = data.description
    items = ImageDataset(
        data,
        transforms.Compose([transforms.ToTensor(), transforms.Normalize(description.mean, description.std)]),
    )
    indices = datasets.split_indices(len(data), config.validation_split, config.seed)
    train, validation = (Subset(items, part.tolist()) for part in indices)

    def run() -> float:
        # A sampler of its own, because a DataLoader draws one more number before it shuffles.
        order = RandomSampler(train, generator=make_generator(config.seed, "order"))
        return train_bare(
            make_model(config),
            DataLoader(train, config.batch_size, sampler=order, num_workers=workers),
            DataLoader(validation, VALIDATION_BATCH_SIZE, num_workers=workers),
            config,
        )

    return run


@torch.no_grad()
def _measure(model: nn.Module, batches: BatchIterable) -> tuple[float, float]:
    total_loss, correct, seen = 0.0, 0, 0
    for images, labels in batches:
        logits = model(images)
        total_loss += F.cross_entropy(logits, labels, reduction="sum").item()
        correct += int((logits.argmax(1) == labels).sum())
        seen += len(labels)
    return total_loss / seen, correct / seen


def train_bare(
    model: nn.Module, train: BatchIterable, validation: BatchIterable, config: TrainingConfig
) -> float:
    """Train for one epoch with nothing around it; return the validation loss."""
    optimiser = torch.optim.SGD(model.parameters(), lr=config.learning_rate, momentum=config.momentum)
    total_loss, correct, seen = 0.0, 0, 0
    for images, labels in train:
        optimiser.zero_grad()
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        optimiser.step()
        total_loss += loss.item() * len(labels)
        correct += int((logits.argmax(1) == labels).sum())
        seen += len(labels)
    return _measure(model, validation)[0]


def by_hand(data: ImageData, config: TrainingConfig) -> Loop:
    """The practical limit: no autograd, no optimiser, everything written into tensors that are there."""
    train, validation = resident_batches(data, config)
    rate, momentum = config.learning_rate, config.momentum

    @torch.no_grad()
    def run() -> float:
        _start_order(train, config)
        model = make_model(config)
        weight, bias = (each.detach() for each in (model.linear.weight, model.linear.bias))
        push_weight, push_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        total_loss, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        rows = torch.arange(config.batch_size)
        for images, labels in train:
            pixels, count = images.flatten(1), len(labels)
            scores = torch.addmm(bias, pixels, weight.T).log_softmax(1)
            total_loss -= scores.gather(1, labels[:, None]).sum()
            correct += (scores.argmax(1) == labels).sum()
            errors = scores.exp_()
            errors[rows[:count], labels] -= 1
            push_weight.mul_(momentum).addmm_(errors.T, pixels, alpha=1 / count)
            push_bias.mul_(momentum).add_(errors.sum(0), alpha=1 / count)
            weight.sub_(push_weight, alpha=rate)
            bias.sub_(push_bias, alpha=rate)
        return _measure(model, validation)[0]

    return run


def lightning(data: ImageData, config: TrainingConfig) -> Loop:
    """PyTorch Lightning over the same batches in memory, with a progress bar, without logs and files."""
    import pytorch_lightning as pl

    class Module(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = make_model(config)

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            return self._step("train", batch)

        def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            return self._step("validation", batch)

        def _step(self, part: str, batch: tuple[Tensor, Tensor]) -> Tensor:
            images, labels = batch
            logits = self.model(images)
            loss = F.cross_entropy(logits, labels)
            accuracy = (logits.argmax(1) == labels).float().mean()
            found = {f"{part}_loss": loss, f"{part}_accuracy": accuracy}
            self.log_dict(found, on_step=False, on_epoch=True, batch_size=len(labels))
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=config.learning_rate, momentum=config.momentum)

    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    train, validation = resident_batches(data, config)

    def run() -> float:
        _start_order(train, config)
        with _shown_elsewhere(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice on workers, which batches in memory do not need
            trainer = pl.Trainer(
                accelerator="cpu",
                max_epochs=1,
                logger=False,
                enable_checkpointing=False,
                enable_model_summary=False,
                num_sanity_val_steps=0,
            )
            trainer.fit(Module(), train, validation)
        return float(trainer.callback_metrics["validation_loss"])

    return run


def skorch(data: ImageData, config: TrainingConfig) -> Loop:
    """The network of skorch over the same batches in memory, with running accuracy and progress bar."""
    from skorch import NeuralNetClassifier
    from skorch.callbacks import EpochScoring, ProgressBar
    from skorch.helper import predefined_split

    train, validation = resident_batches(data, config)

    def batches_of(part: Any, **_: Any) -> Batches:
        return train if part is train else validation

    def run() -> float:
        _start_order(train, config)
        net = NeuralNetClassifier(
            make_model(config),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.SGD,
            optimizer__momentum=config.momentum,
            lr=config.learning_rate,
            max_epochs=1,
            classes=list(range(data.description.num_classes)),
            dataset=lambda part, _: part,
            train_split=predefined_split(validation),
            iterator_train=batches_of,
            iterator_valid=batches_of,
            callbacks=[
                ("train_accuracy", EpochScoring("accuracy", name="train_accuracy", on_train=True)),
                ("bar", ProgressBar()),
            ],
        )
        with _shown_elsewhere():
            net.partial_fit(train, None)
        return float(net.history[-1, "valid_loss"])

    return run


MAKERS: dict[str, Callable[[ImageData, TrainingConfig], Loop]] = {
    "package": package,
    "loader_0": lambda data, config: loader(data, config, 0),
    "loader_2": lambda data, config: loader(data, config, 2),
    "bare": bare,
    "by_hand": by_hand,
    "lightning": lightning,
    "skorch": skorch,
}
"""What makes each loop ready to run."""

NEED_MORE = {"lightning": "pytorch_lightning", "skorch": "skorch"}
"""The loops that need a package which the book does not."""


def resident_batches(data: ImageData, config: TrainingConfig) -> tuple[Batches, Batches]:
    """The batches of :func:`tutorial_utils.training.batches.training_batches`, of floats made beforehand."""
    train, validation = datasets.split(data, config.validation_split, config.seed)
    return (
        Batches(
            datasets.standardise(train),
            train.labels,
            config.batch_size,
            make_generator(config.seed, "order"),
        ),
        Batches(datasets.standardise(validation), validation.labels, VALIDATION_BATCH_SIZE),
    )


def _start_order(batches: Batches, config: TrainingConfig) -> None:
    """Let the next epoch have the first epoch's order."""
    batches.generator = make_generator(config.seed, "order")


@contextlib.contextmanager
def _shown_elsewhere() -> Iterator[None]:
    """Let bars and tables be written, which is part of the work, but not onto the screen."""
    quiet = os.environ.pop(QUIET_VARIABLE, None)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        if quiet is not None:
            os.environ[QUIET_VARIABLE] = quiet
