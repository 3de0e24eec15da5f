"""The training loop: epochs, schedule, early stopping, checkpoints, the best weights restored at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

from tutorial_utils.data.datasets import LoadedDataset
from tutorial_utils.exceptions import CheckpointError, ConfigurationError, DataError, join_problems
from tutorial_utils.progress import bar
from tutorial_utils.reproducibility import preserved_randomness, random_states, set_random_states
from tutorial_utils.training import checkpoints
from tutorial_utils.training.batch_checks import (
    begin,
    check_before_training,
    order_generators,
    order_is_known,
)
from tutorial_utils.training.batches import BatchIterable, move, training_batches
from tutorial_utils.training.checkpoints import Checkpoint, Tensors
from tutorial_utils.training.config import NOT_LEARNT, TrainingConfig
from tutorial_utils.training.history import EpochRecord, History, StopReason
from tutorial_utils.training.models import LogisticRegression, make_model
from tutorial_utils.training.optimisers import (
    lacking_state,
    make_one_cycle,
    make_optimiser,
    read_state,
    write_state,
)
from tutorial_utils.training.threads import suitable_threads

Cycle = torch.optim.lr_scheduler.LRScheduler
"""A schedule that changes the learning rate after every update."""

HIDDEN_ORDER = (
    "the training batches are drawn from what cannot be put back (begun twice, they differ); give them a "
    "torch.Generator as an attribute, as Batches, DataLoader and its samplers have"
)
"""Why a run cannot be measured or continued exactly, and what to do."""


class TrainingStopped(Exception):  # noqa: N818 (not an error: a reason to leave the epoch)
    """Leaves an epoch early; carries the reason to the history."""

    def __init__(self, reason: StopReason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def train_epoch(
    model: nn.Module,
    batches: BatchIterable,
    optimiser: torch.optim.Optimizer,
    watch: Callable[[int, float], None],
    cycle: Cycle | None = None,
) -> tuple[float, float]:
    """Update the model once with every batch.

    Args:
        model: Maps images to logits.
        batches: The training batches.
        optimiser: Owns the model's parameters.
        watch: Called with step number (from 1) and batch loss before each update; may raise to stop.
        cycle: Changes the learning rate after each update; None leaves it.

    Returns:
        Running loss and running accuracy, weighted by batch size.

    Raises:
        DataError: There are no batches, or labels that are no class numbers; the model is as it was.
    """
    model.train()
    device = device_of(model)
    total_loss, hits = 0.0, []
    for step, (images, labels) in enumerate(begin(batches, "training"), start=1):
        images, labels = images.to(device), labels.to(device)
        logits = model(images)
        loss = F.cross_entropy(logits, labels)
        loss_value = loss.item()
        watch(step, loss_value)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if cycle is not None:
            cycle.step()
        total_loss += loss_value * len(labels)
        hits.append(logits.argmax(dim=1) == labels)  # counted once an epoch, which is quicker than every step
    hit = torch.cat(hits)
    return total_loss / len(hit), hit.sum().item() / len(hit)


@torch.no_grad()
def measure(model: nn.Module, batches: BatchIterable) -> tuple[float, float]:
    """Measure a model without changing it.

    Args:
        model: Maps images to logits; put into evaluation mode.
        batches: The images to measure on.

    Returns:
        Mean cross-entropy per image in nats, and accuracy, both weighted by batch size.

    Raises:
        DataError: There are no batches, or labels that are no class numbers.
    """
    model.eval()
    device = device_of(model)
    total_loss, correct, seen = 0.0, 0.0, 0
    with suitable_threads(model):
        for images, labels in begin(batches, "given"):
            images, labels = images.to(device), labels.to(device)
            logits = model(images)
            total_loss += F.cross_entropy(logits, labels, reduction="sum").item()
            correct += (logits.argmax(dim=1) == labels).sum().item()
            seen += len(labels)
    return total_loss / seen, correct / seen


class Trainer:
    """Trains any model that maps images to logits, on any iterable of batches.

    A run is stopped when a loss is no finite number, and when that of a batch reaches the configuration's
    ``divergence_bound``. Guessing among ten classes costs 2.3 nats and being sure of the wrong one tens, so
    the default of 1e4 is reached by runs that are lost, but also by some that would come back from a first
    spike. A bound of ``inf`` lets these go on. Never score the model of a stopped run as a trained one.

    Args:
        config: Settings of the run.
        checkpoint: File to keep the state of the run in after every epoch; None keeps it in memory only.
        measure_train: Also measure the training set after each epoch, which costs one more pass.
        show_progress: Show a progress bar.
    """

    def __init__(
        self,
        config: TrainingConfig,
        *,
        checkpoint: Path | None = None,
        measure_train: bool = False,
        show_progress: bool = True,
    ) -> None:
        self.config = config
        self.checkpoint = checkpoint
        self.measure_train = measure_train
        self.show_progress = show_progress

    def fit(
        self, model: nn.Module, train: BatchIterable, validation: BatchIterable, *, resume: bool = False
    ) -> History:
        """Train until the epochs are used up, the patience is, or something goes wrong.

        However it ends, the model then holds the weights with the lowest validation loss (its initial
        weights if no epoch was finished), and the history says why it ended. Ctrl-C ends training in the
        same orderly way. ``history.require_trained()`` refuses a run that was stopped.

        Args:
            model: Trained in place, on the device where it is; ``make_model`` puts it on the configured one.
            train: Training batches.
            validation: Validation batches; measured, never trained on.
            resume: Continue the run in the checkpoint file exactly where it was saved.

        Returns:
            One record per finished epoch, and the reason for stopping.

        Raises:
            CheckpointError: Resuming, but the file is missing, damaged or of another run, or the order of the
                training batches is drawn from what no checkpoint holds.
            ConfigurationError: The configuration names another device than the model's.
            DataError: There are no training or no validation batches, they can be iterated only once, their
                labels are no class numbers, or measuring the training set would change the order.
        """
        device = device_of(model)
        self._check_device(device)
        check_before_training(train, validation)
        if self.measure_train and not order_is_known(train):
            raise DataError(f"measure_train would change the run: {HIDDEN_ORDER}")
        batches = train, validation = move(train, device), move(validation, device)
        optimiser = make_optimiser(model, self.config)
        fresh = History(), copy_weights(model)
        history, best = self._restore(model, optimiser, train) if resume else fresh
        stepping = optimiser, self._make_cycle(optimiser, train, len(history))
        try:
            with (
                suitable_threads(model),
                bar(
                    total=self._total_steps(train),
                    initial=len(history) * self._steps_per_epoch(train),
                    description="training",
                    unit="batch",
                    show=self.show_progress,
                ) as progress,
            ):
                while history.stop_reason is None:
                    record = self._run_epoch(len(history) + 1, model, stepping, batches, progress)
                    reached = extended(history, record, self.config)
                    improved = reached.epochs_since_best() == 0
                    # In one statement: Ctrl-C between two would leave weights of another epoch than the best.
                    history, best = reached, copy_weights(model) if improved else best
                    self._save(model, optimiser, train, history, best)
        except TrainingStopped as stopped:
            history.stop_reason, history.stop_detail = stopped.reason, stopped.detail
        except KeyboardInterrupt:
            history.interrupt()
        finally:
            model.load_state_dict(best)
        return history

    def _check_device(self, device: torch.device) -> None:
        """Refuse a model that is elsewhere than the configuration says, rather than ignore one of the two."""
        wanted = self.config.device
        if wanted != "auto" and torch.device(wanted).type != device.type:
            raise ConfigurationError(
                f"device={wanted!r}, but the model is on {str(device)!r}; move it with model.to({wanted!r})"
            )

    def _make_cycle(self, optimiser: torch.optim.Optimizer, train: BatchIterable, done: int) -> Cycle | None:
        """Make the schedule that goes batch by batch, if one was asked for, as it is after some epochs."""
        steps = self._steps_per_epoch(train)
        return make_one_cycle(optimiser, self.config, steps_per_epoch=steps, epochs_done=done)

    def _run_epoch(
        self,
        epoch: int,
        model: nn.Module,
        stepping: tuple[torch.optim.Optimizer, Cycle | None],
        batches: tuple[BatchIterable, BatchIterable],
        progress: tqdm[Any],
    ) -> EpochRecord:
        """Train for one epoch, measure, and report."""
        started = time.perf_counter()
        (optimiser, cycle), (train, validation) = stepping, batches
        if cycle is None:
            for group in optimiser.param_groups:
                group["lr"] = self.config.learning_rate_at(epoch)
        rate = float(optimiser.param_groups[0]["lr"])

        def watch(step: int, loss: float) -> None:
            if not loss < self.config.divergence_bound:  # NaN compares false and lands here too
                raise TrainingStopped(*name_the_fault(loss, f"epoch {epoch}, step {step}", rate, self.config))
            if step % self.config.log_interval == 0:
                progress.set_postfix(epoch=epoch, loss=f"{loss:.3f}", refresh=False)
                progress.update(self.config.log_interval)

        running_loss, running_accuracy = train_epoch(model, train, optimiser, watch, cycle)
        train_loss, train_accuracy = self._measure_train(model, train)
        validation_loss, validation_accuracy = measure(model, validation)
        if not math.isfinite(validation_loss):
            raise TrainingStopped(
                *name_the_fault(validation_loss, f"epoch {epoch}, validation", rate, self.config)
            )
        progress.update(epoch * self._steps_per_epoch(train) - progress.n)
        return EpochRecord(
            epoch=epoch,
            learning_rate=rate,
            running_loss=running_loss,
            running_accuracy=running_accuracy,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            seconds=time.perf_counter() - started,
        )

    def _measure_train(self, model: nn.Module, train: BatchIterable) -> tuple[float | None, float | None]:
        """Measure the training set after the epoch, if that was asked for."""
        if not self.measure_train:
            return None, None
        # Iterating draws a new order; without this the next epoch would see another one than it should.
        with preserved_randomness(order_generators(train).values()):
            return measure(model, train)

    def _save(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        train: BatchIterable,
        history: History,
        best: Tensors,
    ) -> None:
        """Write the checkpoint, if one was asked for."""
        if self.checkpoint is None:
            return
        states = random_states(order_generators(train))
        remembered = read_state(optimiser, model)
        checkpoints.save(
            self.checkpoint, Checkpoint(self.config, history, copy_weights(model), best, remembered, states)
        )

    def _restore(
        self, model: nn.Module, optimiser: torch.optim.Optimizer, train: BatchIterable
    ) -> tuple[History, Tensors]:
        """Put model, optimiser and generators back to the end of the last saved epoch."""
        if self.checkpoint is None:
            raise CheckpointError("nothing to resume from: Trainer was made without a checkpoint file")
        saved = checkpoints.load(self.checkpoint)
        self._check_resumable(saved, model, optimiser, train)
        checkpoints.fill(model, saved.model)
        write_state(optimiser, model, saved.optimiser)
        set_random_states(saved.generators, order_generators(train))
        device = device_of(model)
        return saved.history, {name: tensor.to(device) for name, tensor in saved.best.items()}

    def _check_resumable(
        self,
        saved: Checkpoint,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        train: BatchIterable,
    ) -> None:
        """Refuse a checkpoint from which this run would not go on exactly as it would have done."""
        checkpoints.check_fit(model, saved.model)
        if saved.config.fingerprint() != self.config.fingerprint():
            others = self.config.differences(saved.config, ("here", "there"))
            raise CheckpointError(
                join_problems(
                    f"{self.checkpoint} belongs to other settings; make the Trainer with the same:",
                    (
                        f"{row['setting']}: {row['here']} here, {row['there']} there"
                        for row in others
                        if row["setting"] not in NOT_LEARNT
                    ),
                )
            )
        needed = random_states(order_generators(train)).keys()
        if saved.generators.keys() != needed:
            raise CheckpointError(
                f"{self.checkpoint} holds the generators {sorted(saved.generators)}, "
                f"this run with these training batches needs {sorted(needed)}"
            )
        if not order_is_known(train):
            raise CheckpointError(f"{self.checkpoint} cannot be continued exactly: {HIDDEN_ORDER}")
        for kind, names in lacking_state(optimiser, model, saved.optimiser).items():
            raise CheckpointError(f"{self.checkpoint} lacks the optimiser's {kind} of {', '.join(names)}")

    def _steps_per_epoch(self, train: BatchIterable) -> int:
        """Batches per epoch, 0 when the iterable cannot tell."""
        return len(train) if isinstance(train, Sized) else 0

    def _total_steps(self, train: BatchIterable) -> int | None:
        """Batches of the whole run, None when unknown."""
        return self._steps_per_epoch(train) * self.config.num_epochs or None


def extended(history: History, record: EpochRecord, config: TrainingConfig) -> History:
    """Add an epoch to a copy of a history, with the reason for stopping if it was the last one.

    Args:
        history: Of a run that is well; left as it is.
        record: The epoch.
        config: Gives the number of epochs and the patience.

    Returns:
        The longer history.
    """
    longer = History([*history.records, record])
    waited = longer.epochs_since_best()
    if len(longer) >= config.num_epochs:
        longer.stop_reason = StopReason.FINISHED
        longer.stop_detail = f"all {len(longer)} epochs done"
    elif waited >= config.early_stopping_patience:
        longer.stop_reason = StopReason.EARLY_STOP
        longer.stop_detail = f"no better validation loss for {waited} epochs, best epoch {longer.best.epoch}"
    return longer


def name_the_fault(loss: float, where: str, rate: float, config: TrainingConfig) -> tuple[StopReason, str]:
    """Tell a loss that is no number from one that is too large, with what to do about it."""
    advice = f"at learning rate {rate:g}; try a smaller rate, or check that the inputs are standardised"
    if math.isfinite(loss):
        bound = f"divergence_bound={config.divergence_bound:g}"
        return StopReason.DIVERGED, f"loss {loss:.3g} passed {bound} in {where} {advice}"
    return StopReason.NOT_FINITE, f"loss became {loss} in {where} {advice}"


def device_of(model: nn.Module) -> torch.device:
    """The device that a model lives on; what is fed to it goes there."""
    return next(model.parameters()).device


def copy_weights(model: nn.Module) -> Tensors:
    """Copy a model's weights, so that later updates leave the copy alone."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def load_or_fit(
    config: TrainingConfig, data: LoadedDataset, folder: Path | None, *, measure_train: bool = False
) -> tuple[LogisticRegression, History]:
    """Load the model of a configuration if it was trained before, or train it now.

    A run that was cut short goes on where it was saved, and ends as if it never had been. The model is one
    to be scored, so a run that is stopped is an error.

    Args:
        config: Settings of the run.
        data: The data set; only its training images are used.
        folder: Where trained models are kept, see :func:`~tutorial_utils.report.results.output_folder`; None
            trains and keeps nothing.
        measure_train: The history must hold the training loss after each epoch; a stored run without it is
            trained again from the start.

    Returns:
        The model with its best weights, and the history of its training.

    Raises:
        TrainingError: The run diverged, its loss was no finite number, or Ctrl-C came.
    """
    path = checkpoints.model_path(folder, config, data.fingerprint) if folder else None
    model = make_model(config)
    trainer = Trainer(config, checkpoint=path, measure_train=measure_train)
    return model, fit_once(trainer, model, lambda: training_batches(data.train, config))


def fit_once(
    trainer: Trainer, model: nn.Module, batches: Callable[[], tuple[BatchIterable, BatchIterable]]
) -> History:
    """Fit a model, or give it the best weights of the run in the trainer's checkpoint file if that has ended.

    A run that was cut short goes on; one of other settings, or without a training loss that is asked for, is
    begun anew.

    Args:
        trainer: Its checkpoint file is named by all that decides what the training gives.
        model: Changed in place.
        batches: Makes training and validation batches, if they are needed.

    Returns:
        The history of the training.

    Raises:
        TrainingError: The run diverged, its loss was no finite number, or Ctrl-C came.
    """
    path, resume = trainer.checkpoint, False
    if path is not None and path.is_file():
        saved = checkpoints.load(path)
        measured = None not in saved.history.column("train_loss")
        same = saved.config.fingerprint() == trainer.config.fingerprint()
        resume = same and (measured or not trainer.measure_train)
        if resume and saved.history.stop_reason is not None:
            checkpoints.fill(model, saved.best)
            return saved.history.require_trained()
        trainer.measure_train |= resume and measured  # what was measured so far is measured to the end
    return trainer.fit(model, *batches(), resume=resume).require_trained()
