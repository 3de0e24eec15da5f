"""Many linear models trained in one pass: settings on shared batches, or seeds on batches of their own.

The models are stacked into one tensor, so that a step of all of them is a few large operations instead of
many small ones. The mathematics is that of :class:`~tutorial_utils.training.trainer.Trainer`, with the
gradient of the mean cross-entropy by the logits written out: (p - y) / batch size.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from tutorial_utils.data.datasets import ImageData, LoadedDataset, split_indices, training_transform
from tutorial_utils.exceptions import ConfigurationError, DataError, TrainingError, join_problems
from tutorial_utils.progress import bar
from tutorial_utils.reproducibility import make_generator
from tutorial_utils.training import checkpoints
from tutorial_utils.training.batch_checks import begin, check_before_training, check_labels
from tutorial_utils.training.batches import BatchIterable, move, training_batches
from tutorial_utils.training.checkpoints import Tensors
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import EpochRecord, History, StopReason
from tutorial_utils.training.models import LogisticRegression, make_model
from tutorial_utils.training.threads import suitable_threads
from tutorial_utils.training.trainer import extended, name_the_fault

REPLICAS_AT_ONCE = 64
"""Most replicas in one pass. Each keeps three copies of its weights and a gradient: 0.12 MiB for MNIST and
0.47 MiB for CIFAR-10, so that 64 take 8 or 30 MiB."""

STEP_BYTES = 5 * 2**19
"""Most that the floats of one step's images take, 2.5 MiB, when each replica has images of its own. More
would leave the processor's cache, and cost time as well as memory."""


@dataclass(frozen=True)
class Replica:
    """One of many models trained together.

    Attributes:
        config: Its settings.
        model: With its best weights.
        history: Its epochs; their ``seconds`` are an even share of the time of all replicas.
    """

    config: TrainingConfig
    model: LogisticRegression
    history: History

    @property
    def trained(self) -> bool:
        """Whether it came to the end that its settings ask for, see :attr:`History.trained`."""
        return self.history.trained


def name_stopped(runs: Iterable[Replica]) -> list[str]:
    """Say what stopped those of some runs that were, a line each, beginning with seed and batch size.

    Args:
        runs: Any runs.

    Returns:
        Nothing for runs that came to their end.
    """
    return [
        f"seed {run.config.seed}, batches of {run.config.batch_size}: {run.history.stop_detail}"
        for run in runs
        if not run.trained
    ]


def require_trained(runs: Sequence[Replica]) -> list[Replica]:
    """Return the runs, unless one was stopped: what is averaged or compared holds no such run.

    Args:
        runs: Any runs.

    Raises:
        TrainingError: Some were stopped; says of each by what, with epoch, step and rate.
    """
    if stopped := name_stopped(runs):
        # The first stands in the first line, which is what a sweep's table shows.
        first, *others = stopped
        opening = f"{len(stopped)} of {len(runs)} runs cannot be scored as trained models: {first}"
        raise TrainingError(join_problems(opening, others))
    return list(runs)


def only_trained(runs: Sequence[Replica]) -> list[Replica]:
    """Leave out the runs that were stopped, as where the best of several rates is chosen.

    Whoever leaves runs out says so; :func:`name_stopped` has the words.

    Args:
        runs: Any runs.

    Returns:
        At least one, in order.

    Raises:
        TrainingError: All were stopped.
    """
    return [run for run in runs if run.trained] or require_trained(runs)


class StackedBatches:
    """Batches for several replicas at once, each with its own choice of images in its own order.

    All draw from one copy of the images, so ten seeds take no more memory than one.

    Attributes:
        data: The images, as bytes.
        indices: Which of them each replica sees, int64 (replicas, n).
        batch_size: Images per replica and batch.
        generators: One per replica, to shuffle anew at each iteration; None leaves the order.
        transform: Applied to the images of a batch.
    """

    def __init__(
        self,
        data: ImageData,
        indices: Tensor,
        batch_size: int,
        generators: Sequence[torch.Generator] | None,
        transform: Callable[[Tensor], Tensor],
    ) -> None:
        if (
            indices.ndim != 2
            or batch_size < 1
            or (generators is not None and len(generators) != len(indices))
        ):
            raise DataError(
                f"no batches of {batch_size} from indices of shape {tuple(indices.shape)}; "
                "expected (replicas, n) and a generator for each replica"
            )
        self.data, self.indices, self.batch_size = data, indices, batch_size
        self.generators, self.transform = generators, transform

    def __len__(self) -> int:
        return math.ceil(self.indices.shape[1] / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = self.indices
        if self.generators is not None:
            order = torch.stack(
                [
                    row[torch.randperm(len(row), generator=generator)]
                    for row, generator in zip(order, self.generators, strict=True)
                ]
            )
        for chosen in order.split(self.batch_size, dim=1):
            flat = chosen.flatten()
            images = self.transform(self.data.images.index_select(0, flat))
            labels = self.data.labels.index_select(0, flat)
            yield images.view(*chosen.shape, *images.shape[1:]), labels.view(chosen.shape)


class Stack:
    """The parameters of several linear models, and their common update.

    Attributes:
        weight: Shape (replicas, classes, features).
        bias: Shape (replicas, classes, 1).
        weight_velocity: Momentum buffer of the weights.
        bias_velocity: Momentum buffer of the biases.
    """

    def __init__(self, configs: Sequence[TrainingConfig]) -> None:
        models = [make_model(config) for config in configs]
        self.weight = torch.stack([model.linear.weight.detach() for model in models])
        self.bias = torch.stack([model.linear.bias.detach() for model in models]).unsqueeze(2)
        self.weight_velocity = torch.zeros_like(self.weight)
        self.bias_velocity = torch.zeros_like(self.bias)
        self.momentum = self.column([config.momentum for config in configs])
        self.weight_decay = self.column([config.weight_decay for config in configs])
        self.decays = bool(self.weight_decay.any())

    def column(self, values: Sequence[float]) -> Tensor:
        """One number per replica, ready to be multiplied with its parameters."""
        return torch.tensor(values, device=self.weight.device).view(-1, 1, 1)

    def logits(self, inputs: Tensor) -> Tensor:
        """Scores of every replica.

        Args:
            inputs: Shape (batch, features), the same for all, or (replicas, batch, features).

        Returns:
            Shape (replicas, classes, batch): with so few classes both the product and the softmax are several
            times as quick when the classes are rows in memory.
        """
        if inputs.ndim == 3:
            return torch.baddbmm(self.bias, self.weight, inputs.mT)
        # One wide product instead of many narrow ones: this is where a shared batch saves time.
        wide = torch.addmm(self.bias.flatten(0, 1), self.weight.flatten(0, 1), inputs.T)
        return wide.view(*self.weight.shape[:2], len(inputs))

    def update(self, inputs: Tensor, error: Tensor, rates: Tensor) -> None:
        """Take one step of gradient descent with momentum and weight decay, as ``torch.optim.SGD`` does.

        Args:
            inputs: As for :meth:`logits`.
            error: Gradient of each replica's summed loss by its logits, shape (replicas, classes, batch).
            rates: Learning rate of each replica, shape (replicas, 1, 1).
        """
        share = 1 / error.shape[2]  # the loss is a mean
        self.weight_velocity.mul_(self.momentum)
        self.bias_velocity.mul_(self.momentum).add_(error.sum(dim=2, keepdim=True), alpha=share)
        # The gradient is added while it is computed: it needs no memory of its own.
        if inputs.ndim == 3:
            self.weight_velocity.baddbmm_(error, inputs, alpha=share)
        else:
            self.weight_velocity.flatten(0, 1).addmm_(error.flatten(0, 1), inputs, alpha=share)
        for parameter, velocity in ((self.weight, self.weight_velocity), (self.bias, self.bias_velocity)):
            if self.decays:
                velocity.addcmul_(parameter, self.weight_decay)
            parameter.addcmul_(velocity, rates, value=-1)

    def keep(self, rows: Tensor) -> None:
        """Drop all replicas but these.

        Args:
            rows: Positions, int64.
        """
        for name in ("weight", "bias", "weight_velocity", "bias_velocity", "momentum", "weight_decay"):
            setattr(self, name, getattr(self, name)[rows])

    def weights_of(self, row: int) -> Tensors:
        """Copy one replica's weights, named as in ``LogisticRegression``."""
        return {"linear.weight": self.weight[row].clone(), "linear.bias": self.bias[row, :, 0].clone()}


def measure_batch(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Compare the logits of every replica with the labels.

    Args:
        logits: Shape (replicas, classes, batch).
        labels: int64, (batch,) for all or (replicas, batch).

    Returns:
        Summed cross-entropy of every replica, float64 (replicas,), on the CPU because Apple's cards know no
        float64; whether each image was a hit, a tie included, bool (replicas, 1, batch); and the gradient of
        the summed cross-entropy by the logits, p - y, shaped like them.
    """
    truth = labels.expand(len(logits), -1).unsqueeze(1)
    log_p = logits.log_softmax(dim=1)
    of_truth = log_p.gather(1, truth)
    hits = of_truth == log_p.amax(dim=1, keepdim=True)  # `argmax` takes much longer over rows
    error = log_p.exp_().scatter_add_(1, truth, torch.full_like(of_truth, -1))
    return -of_truth.cpu().double().sum(dim=(1, 2)), hits, error


def train(
    configs: Sequence[TrainingConfig],
    train: BatchIterable,
    validation: BatchIterable,
    *,
    show_progress: bool = True,
) -> list[Replica]:
    """Train one softmax regression per configuration, all in one pass over the batches.

    Equal to training them one by one with :class:`~tutorial_utils.training.trainer.Trainer` on the same
    batches, up to the rounding of sums taken in another order. Each replica has its own schedule,
    early stopping, divergence bound and best weights, and leaves the pass when it stops; Ctrl-C ends all in
    good order. Whoever scores replicas keeps the stopped ones out, by :func:`require_trained` or
    :func:`only_trained`.

    Args:
        configs: May differ in rates, momentum, decay, initialisation, schedule, patience and epochs. What
            decides the batches (data set, split, batch size, and the seed for split and order) lies in the
            batches, as for ``Trainer``.
        train: Training batches. Images (batch, ...) and labels (batch,) are shared by all replicas; with one
            more dimension in front, as :class:`StackedBatches` gives them, each replica has its own.
        validation: Validation batches, of the same kind.
        show_progress: Show a progress bar.

    Returns:
        One replica per configuration, in order.

    Raises:
        ConfigurationError: No configurations, too many, or of several data sets or devices.
        DataError: The batches are empty, can be iterated only once, have labels that are no class numbers, or
            are those of another number of replicas.
    """
    _check(configs)
    run = _Run(configs, train, validation)
    with (
        suitable_threads(make_model(configs[0])),
        bar(
            total=sum(config.num_epochs for config in configs),
            description=f"training {len(configs)} replicas",
            unit="epoch",
            show=show_progress,
        ) as progress,
    ):
        try:
            while run.active:
                run.one_epoch(progress)
        except KeyboardInterrupt:
            run.interrupt()
    return run.replicas()


def _check(configs: Sequence[TrainingConfig]) -> None:
    """Refuse what cannot be trained together."""
    if not 0 < len(configs) <= REPLICAS_AT_ONCE:
        raise ConfigurationError(
            f"{len(configs)} configurations; one pass takes 1 to {REPLICAS_AT_ONCE} (memory stays bounded)"
        )
    other = sorted(
        {
            f"{name}={getattr(config, name)!r}"
            for config in configs
            for name, plain in (("optimiser", "sgd"), ("schedule", "step"))
            if getattr(config, name) != plain
        }
    )
    if other:
        raise ConfigurationError(
            "replicas are linear models, trained by optimiser='sgd' with schedule='step'; found "
            f"{', '.join(other)}: train these one by one, with Trainer"
        )
    for name in ("dataset", "device"):
        found = sorted({getattr(config, name) for config in configs})
        if len(found) > 1:
            raise ConfigurationError(f"replicas must share one {name}, found {', '.join(found)}")


class _Run:
    """The state of one call of :func:`train`.

    Attributes:
        active: Positions among ``configs`` of the replicas that still train; the stack holds these, in order.
    """

    def __init__(
        self, configs: Sequence[TrainingConfig], train: BatchIterable, validation: BatchIterable
    ) -> None:
        self.stack = Stack(configs)
        self.device = self.stack.weight.device
        self.configs = list(configs)
        self.train, self.validation = move(train, self.device), move(validation, self.device)
        self.histories = [History() for _ in configs]
        self.best = [self.stack.weights_of(row) for row in range(len(configs))]
        self.active = list(range(len(configs)))
        check_before_training(self.train, self.validation, self._check_batch)

    def one_epoch(self, progress: tqdm[Any]) -> None:
        """Train and measure all active replicas once, then let go of those that are done."""
        started = time.perf_counter()
        epoch = len(self.histories[self.active[0]]) + 1
        rates = [self.configs[index].learning_rate_at(epoch) for index in self.active]
        running_loss, running_accuracy = self._update_with_every_batch(epoch, rates)
        loss, accuracy = self._measure(self.validation)
        seconds = (time.perf_counter() - started) / len(self.active)
        for row, index in enumerate(self.active):
            history = self.histories[index]
            if history.stop_reason is None and not math.isfinite(loss[row]):
                history.stop_reason, history.stop_detail = name_the_fault(
                    loss[row], f"epoch {epoch}, validation", rates[row], self.configs[index]
                )
            if history.stop_reason is not None:
                continue
            record = EpochRecord(
                epoch=epoch,
                learning_rate=rates[row],
                running_loss=running_loss[row],
                running_accuracy=running_accuracy[row],
                train_loss=None,
                train_accuracy=None,
                validation_loss=loss[row],
                validation_accuracy=accuracy[row],
                seconds=seconds,
            )
            reached = extended(history, record, self.configs[index])
            improved = reached.epochs_since_best() == 0
            best = self.stack.weights_of(row) if improved else self.best[index]
            # In one statement, as in `Trainer`: Ctrl-C must not come between the two.
            self.histories[index], self.best[index] = reached, best
            progress.update()
        self._let_go()

    def _update_with_every_batch(self, epoch: int, rates: list[float]) -> tuple[list[float], list[float]]:
        """One pass over the training batches; returns running loss and running accuracy of each replica."""
        total, hits = torch.zeros(len(self.active), dtype=torch.float64), []
        well = torch.ones(len(self.active), dtype=torch.bool)
        each = [self.configs[index].divergence_bound for index in self.active]
        bounds = torch.tensor(each, dtype=torch.float64)  # on the CPU, where the losses are
        column = self.stack.column(rates)
        for step, (inputs, labels) in enumerate(self._inputs(self.train, "training"), start=1):
            losses, hit, error = measure_batch(self.stack.logits(inputs), labels)
            total += losses
            hits.append(hit)
            size = labels.shape[-1]
            # NaN compares false: a replica that is no longer well is named once and then ignored.
            sound = losses < bounds * size
            if not bool(sound.all()):
                where = f"epoch {epoch}, step {step}"
                for row in (well & ~sound).nonzero().flatten().tolist():
                    index = self.active[row]
                    history = self.histories[index]
                    history.stop_reason, history.stop_detail = name_the_fault(
                        losses[row].item() / size, where, rates[row], self.configs[index]
                    )
                well &= sound
                if not bool(well.any()):
                    break
            self.stack.update(inputs, error, column)
        return _means(total, hits)

    @torch.no_grad()
    def _measure(self, batches: BatchIterable) -> tuple[list[float], list[float]]:
        """Mean loss and accuracy of each active replica."""
        total, hits = torch.zeros(len(self.active), dtype=torch.float64), []
        for inputs, labels in self._inputs(batches, "validation"):
            losses, hit, _ = measure_batch(self.stack.logits(inputs), labels)
            total += losses
            hits.append(hit)
        return _means(total, hits)

    def _inputs(self, batches: BatchIterable, what: str) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches with flat images, each replica's own ones cut down to the active replicas."""
        for images, labels in begin(batches, what, self._check_batch):
            images, labels = images.to(self.device), labels.to(self.device)
            if labels.ndim > 1 and len(self.active) < len(self.configs):
                images, labels = images[self.active], labels[self.active]
            yield images.flatten(labels.ndim), labels

    def _check_batch(self, images: Tensor, labels: Tensor) -> None:
        """Refuse labels that are not one class number per image, of all replicas or of each."""
        shared = images.ndim == 2 or images.shape[1:] == self.configs[0].description.image_shape
        if shared or labels.ndim != 2 or labels.shape != images.shape[:2]:
            check_labels(images, labels)
            return
        check_labels(images.flatten(0, 1), labels.flatten())
        if len(labels) != len(self.configs):
            raise DataError(f"batches for {len(labels)} replicas, but {len(self.configs)} configurations")

    def _let_go(self) -> None:
        """Drop the replicas that stopped, so that they take no more time."""
        rows = [row for row, index in enumerate(self.active) if self.histories[index].stop_reason is None]
        if len(rows) < len(self.active):
            self.active = [self.active[row] for row in rows]
            self.stack.keep(torch.tensor(rows, dtype=torch.int64, device=self.device))

    def interrupt(self) -> None:
        """Say of every replica that still trained that it was interrupted."""
        for index in self.active:
            self.histories[index].interrupt()

    def replicas(self) -> list[Replica]:
        """Models with their best weights."""
        made = []
        for config, best, history in zip(self.configs, self.best, self.histories, strict=True):
            model = make_model(config)
            model.load_state_dict(best)
            made.append(Replica(config, model, history))
        return made


def _means(total: Tensor, hits: list[Tensor]) -> tuple[list[float], list[float]]:
    """Mean loss and accuracy of each replica, from summed losses and the hits of every batch."""
    hit = torch.cat(hits, dim=2)  # counted once an epoch, which is quicker than every step
    seen = hit.shape[2]
    return (total / seen).tolist(), [count / seen for count in hit.sum(dim=(1, 2)).tolist()]


def batches_of_each(
    data: ImageData, configs: Sequence[TrainingConfig]
) -> tuple[StackedBatches, StackedBatches]:
    """Make the batches that ``training_batches`` makes for each configuration, stacked.

    Args:
        data: Training images.
        configs: May differ in seed, hence in split and order; share ``validation_split`` and ``batch_size``.

    Returns:
        Training batches, shuffled every epoch, and validation batches, in order.

    Raises:
        ConfigurationError: They differ in what must be shared, or the images are of another data set.
    """
    shapes = {(config.dataset, config.validation_split, config.batch_size) for config in configs}
    if shapes != {(data.description.name, configs[0].validation_split, configs[0].batch_size)}:
        raise ConfigurationError(
            f"stacked batches need one data set ({data.description.name!r}), one validation_split and one "
            f"batch_size; found {sorted(shapes)}"
        )
    parts = [split_indices(len(data), config.validation_split, config.seed) for config in configs]
    transform = training_transform(data.description)
    orders = [make_generator(config.seed, "order") for config in configs]
    bytes_per_image = 4 * data.description.num_features * len(configs)
    return (
        StackedBatches(
            data, torch.stack([train for train, _ in parts]), configs[0].batch_size, orders, transform
        ),
        StackedBatches(
            data,
            torch.stack([validation for _, validation in parts]),
            max(1, STEP_BYTES // bytes_per_image),
            None,
            transform,
        ),
    )


def train_all(
    configs: Sequence[TrainingConfig], data: ImageData, *, show_progress: bool = True
) -> list[Replica]:
    """Train any configurations of one data set, in as few passes as their batches allow.

    Configurations with the same seed, split and batch size share batches. If no two do, as in a series of
    seeds, each gets its own, several at a time. Memory beyond the images and the models is bounded by
    :data:`REPLICAS_AT_ONCE` and :data:`STEP_BYTES`.

    Args:
        configs: The configurations, at least one.
        data: Training images; the test images have no place here.
        show_progress: Show a progress bar for each pass.

    Returns:
        One replica per configuration, in order.

    Raises:
        ConfigurationError: They are of several data sets or devices, or of another data set than the images.
    """
    made: dict[int, Replica] = {}
    for group in plan_passes(configs):
        chosen = [configs[index] for index in group]
        alone = len({config.seed for config in chosen}) == len(chosen)
        batches = batches_of_each(data, chosen) if alone else training_batches(data, chosen[0])
        made |= dict(zip(group, train(chosen, *batches, show_progress=show_progress), strict=True))
    return [made[index] for index in range(len(configs))]


def plan_passes(configs: Sequence[TrainingConfig]) -> list[list[int]]:
    """Decide which configurations are trained together.

    Args:
        configs: The configurations.

    Returns:
        Positions of each pass; within one, either all share their batches or each has its own.
    """
    sharing: dict[tuple[int, float, int], list[int]] = {}
    for index, config in enumerate(configs):
        sharing.setdefault((config.seed, config.validation_split, config.batch_size), []).append(index)
    if len(sharing) < len(configs):
        return [part for group in sharing.values() for part in _chunks(group, REPLICAS_AT_ONCE)]
    apart: dict[tuple[float, int], list[int]] = {}
    for index, config in enumerate(configs):
        apart.setdefault((config.validation_split, config.batch_size), []).append(index)
    passes = []
    for (_, batch_size), group in apart.items():
        fitting = STEP_BYTES // (4 * configs[group[0]].description.num_features * batch_size)
        passes += _chunks(group, min(max(1, fitting), REPLICAS_AT_ONCE))
    return passes


def _chunks(items: list[int], size: int) -> list[list[int]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def load_or_train(
    configs: Sequence[TrainingConfig],
    data: LoadedDataset,
    folder: Path | None,
    *,
    keep_diverged: bool = False,
) -> list[Replica]:
    """Load the replicas of these configurations if they were trained together before, or train them now.

    Replicas are kept apart from models that ``Trainer`` made, and from those of other sets of configurations:
    their last bits may differ, and a result must not depend on what happened to be trained first.

    Args:
        configs: The configurations.
        data: The data set; only its training images are used.
        folder: Where trained models are kept, see :func:`~tutorial_utils.report.results.output_folder`; None
            trains and keeps nothing.
        keep_diverged: Also return runs that diverged or whose loss was no finite number. For grids, which
            must then choose with :func:`only_trained`.

    Returns:
        One replica per configuration, in order.

    Raises:
        ConfigurationError: As :func:`train_all`.
        TrainingError: A run was stopped; by Ctrl-C, or otherwise if ``keep_diverged`` is not given.
    """
    made = _load_or_train(configs, data, folder)
    interrupted = any(run.history.stop_reason is StopReason.INTERRUPTED for run in made)
    return made if keep_diverged and not interrupted else require_trained(made)


def _load_or_train(
    configs: Sequence[TrainingConfig], data: LoadedDataset, folder: Path | None
) -> list[Replica]:
    """The same with whatever runs come out."""
    if folder is None:
        return train_all(configs, data.train)
    together = hashlib.sha256("".join(config.fingerprint() for config in configs).encode()).hexdigest()
    paths = [
        checkpoints.model_path(folder, config, f"{data.fingerprint}:replica of {together}")
        for config in configs
    ]
    if all(path.is_file() for path in paths):
        return [_load(config, path) for config, path in zip(configs, paths, strict=True)]
    made = train_all(configs, data.train)
    if all(replica.history.stop_reason is not StopReason.INTERRUPTED for replica in made):
        for replica, path in zip(made, paths, strict=True):
            checkpoints.save_model(path, replica.config, replica.history, replica.model)
    return made


def _load(config: TrainingConfig, path: Path) -> Replica:
    """Read one replica."""
    model = make_model(config)
    history = checkpoints.load_model(path, model)
    return Replica(config, model, history)
