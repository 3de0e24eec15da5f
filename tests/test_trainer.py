"""The training loop does what softmax regression by hand does, and ends in order however it ends."""

import dataclasses
import hashlib
import inspect
import math
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from ctrl_c import CtrlC
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from test_config import TOY
from test_datasets import make_images
from torch import Tensor, nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset, WeightedRandomSampler

from tutorial_utils.data import catalogue
from tutorial_utils.data.datasets import LoadedDataset
from tutorial_utils.exceptions import CheckpointError, ConfigurationError, DataError, TrainingError
from tutorial_utils.reproducibility import preserved_randomness
from tutorial_utils.training import checkpoints, trainer
from tutorial_utils.training.batches import Batches, training_batches
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.history import EpochRecord, History, StopReason
from tutorial_utils.training.models import LogisticRegression, make_model
from tutorial_utils.training.optimisers import make_optimiser
from tutorial_utils.training.trainer import Trainer, load_or_fit, measure, train_epoch

NUM_FEATURES, NUM_CLASSES = 6, 3
Weights = dict[str, Tensor]


def toy_tensors(n: int, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Float64 images around a mean per class, overlapping."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % NUM_CLASSES
    centres = torch.eye(NUM_CLASSES, NUM_FEATURES, dtype=torch.float64)
    noise = torch.randn(n, NUM_FEATURES, generator=generator, dtype=torch.float64)
    return centres[labels] + noise, labels


def toy_model(seed: int = 0) -> LogisticRegression:
    generator = torch.Generator().manual_seed(seed)
    return LogisticRegression(NUM_FEATURES, NUM_CLASSES, generator=generator).double()


def toy_batches(seed: int | None = 3, batch_size: int = 10, n: int = 45) -> Batches:
    """Five batches, the last with half as many images; None for no shuffling."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return Batches(*toy_tensors(n), batch_size, generator)


def toy_validation() -> Batches:
    return Batches(*toy_tensors(31, seed=2), 20)


def fit(
    config: TrainingConfig, model: nn.Module, train: Any, validation: Any = None, **options: Any
) -> History:
    resume = options.pop("resume", False)
    trainer = Trainer(config, show_progress=False, **options)
    return trainer.fit(model, train, toy_validation() if validation is None else validation, resume=resume)


def weights_of(model: nn.Module) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def same(first: Weights, second: Weights) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def timeless(history: History) -> list[EpochRecord]:
    return [dataclasses.replace(record, seconds=0) for record in history.records]


class ByHand:
    """Softmax regression in NumPy: no autograd, no optimiser."""

    def __init__(self, model: LogisticRegression) -> None:
        self.weight = model.linear.weight.detach().numpy().copy()
        self.bias = model.linear.bias.detach().numpy().copy()
        self.velocity = (np.zeros_like(self.weight), np.zeros_like(self.bias))

    def probabilities(self, images: Any) -> Any:
        logits = images @ self.weight.T + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def losses(self, images: Any, labels: Any) -> Any:
        return -np.log(self.probabilities(images)[np.arange(len(labels)), labels])

    def hits(self, images: Any, labels: Any) -> Any:
        return self.probabilities(images).argmax(axis=1) == labels

    def update(self, images: Any, labels: Any, rate: float, momentum: float, weight_decay: float) -> None:
        """Gradient (p - y) x^T / n, plus decay; velocity, then step."""
        excess = self.probabilities(images) - np.eye(NUM_CLASSES)[labels]
        gradients = (
            excess.T @ images / len(labels) + weight_decay * self.weight,
            excess.mean(axis=0) + weight_decay * self.bias,
        )
        self.velocity = tuple(momentum * v + g for v, g in zip(self.velocity, gradients, strict=True))
        self.weight = self.weight - rate * self.velocity[0]
        self.bias = self.bias - rate * self.velocity[1]

    def assert_same(self, model: LogisticRegression) -> None:
        np.testing.assert_allclose(model.linear.weight.detach().numpy(), self.weight, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(model.linear.bias.detach().numpy(), self.bias, rtol=1e-10, atol=1e-12)


# One epoch


@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.0, 0.0), (0.9, 0.0), (0.0, 0.1), (0.5, 0.01)])
def test_an_epoch_is_the_update_by_hand_batch_after_batch(momentum: float, weight_decay: float) -> None:
    config = TrainingConfig(learning_rate=0.3, momentum=momentum, weight_decay=weight_decay)
    model = toy_model()
    oracle = ByHand(model)
    images, labels = (tensor.numpy() for tensor in toy_tensors(45))
    losses, hits, watched = [], [], []
    for start in range(0, 45, 10):
        batch = images[start : start + 10], labels[start : start + 10]
        losses.extend(oracle.losses(*batch))
        hits.extend(oracle.hits(*batch))
        watched.append(oracle.losses(*batch).mean())
        oracle.update(*batch, 0.3, momentum, weight_decay)

    seen: list[tuple[int, float]] = []
    optimiser = make_optimiser(model, config)
    running = train_epoch(model, toy_batches(None), optimiser, lambda step, loss: seen.append((step, loss)))
    oracle.assert_same(model)
    # Means over all 45 images: the last batch of five counts half as much as the others.
    assert running == pytest.approx((np.mean(losses), np.mean(hits)), rel=1e-10)
    assert np.mean(watched) != pytest.approx(running[0], rel=1e-4)
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5]
    assert [loss for _, loss in seen] == pytest.approx(watched, rel=1e-10)


def test_a_whole_run_is_the_updates_by_hand_with_the_rates_of_the_schedule() -> None:
    config = TrainingConfig(
        num_epochs=4, learning_rate=0.5, momentum=0.9, learning_rate_decay=0.5, learning_rate_step=2
    )
    model = toy_model()
    oracle = ByHand(model)
    images, labels = (tensor.numpy() for tensor in toy_tensors(45))
    held_out = [tensor.numpy() for tensor in toy_tensors(31, seed=2)]
    order_generator = torch.Generator().manual_seed(3)
    expected, weights = [], []
    for rate in (0.5, 0.5, 0.25, 0.25):
        order = torch.randperm(45, generator=order_generator).numpy()
        for start in range(0, 45, 10):
            chosen = order[start : start + 10]
            oracle.update(images[chosen], labels[chosen], rate, 0.9, 0.0)
        parts = ((images, labels), held_out)
        expected.append([f(*part).mean() for part in parts for f in (oracle.losses, oracle.hits)])
        weights.append(oracle.weight)

    history = fit(config, model, toy_batches(3), measure_train=True)
    columns = [f"{part}_{name}" for part in ("train", "validation") for name in ("loss", "accuracy")]
    measured = np.transpose([history.column(column) for column in columns])
    np.testing.assert_allclose(measured, expected, rtol=1e-9)
    assert history.column("learning_rate") == [0.5, 0.5, 0.25, 0.25]
    np.testing.assert_allclose(model.linear.weight.numpy(force=True), weights[history.best.epoch - 1])


def test_measuring_is_the_cross_entropy_of_all_images_at_once_and_changes_nothing() -> None:
    model = toy_model().train()
    images, labels = toy_tensors(45)
    before = weights_of(model)
    loss, accuracy = measure(model, toy_batches(7))
    assert loss == pytest.approx(F.cross_entropy(model(images), labels).item(), rel=1e-12)
    assert accuracy == pytest.approx((model(images).argmax(1) == labels).double().mean().item())
    assert same(weights_of(model), before)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_trainer_runs_in_training_mode_and_measuring_in_evaluation_mode() -> None:
    class Noting(LogisticRegression):
        modes: list[tuple[int, bool]]

        def forward(self, images: Tensor) -> Tensor:
            self.modes.append((len(images), self.training))
            return super().forward(images)

    model = Noting(NUM_FEATURES, NUM_CLASSES).double()
    model.modes = []
    fit(TrainingConfig(num_epochs=2), model, toy_batches(batch_size=45))
    assert model.modes == [(45, True), (20, False), (11, False)] * 2


@pytest.mark.fault(54)
def test_trainer_with_two_threads_gives_the_same_within_rounding() -> None:
    """Losses agree to a relative 1e-5, as stated for users; bits may differ."""
    config = TrainingConfig(num_epochs=2, learning_rate=0.05, momentum=0.9)
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.randn(2_000, 784, generator=generator), torch.arange(2_000) % 10
    before, histories = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            batches = Batches(images, labels, 250, torch.Generator().manual_seed(1))
            histories.append(fit(config, make_model(config), batches, Batches(images, labels, 2_000)))
    finally:
        torch.set_num_threads(before)
    one, two = histories
    for column in ("running_loss", "validation_loss"):
        assert one.column(column) == pytest.approx(two.column(column), rel=1e-5)
    assert one.column("validation_accuracy") == pytest.approx(two.column("validation_accuracy"), abs=1e-3)


# Early stopping and the best weights


class Crafted:
    """Replaces the validation losses by given ones and keeps the weights that each was given for."""

    def __init__(self, losses: list[float]) -> None:
        self.losses = iter(losses)
        self.weights: list[Weights] = []

    def __call__(self, model: nn.Module, batches: object) -> tuple[float, float]:
        self.weights.append(weights_of(model))
        return next(self.losses), 0.5


def fit_on(losses: list[float], *, patience: int, num_epochs: int = 100) -> tuple[History, Weights, Crafted]:
    crafted, model = Crafted(losses), toy_model()
    config = TrainingConfig(
        num_epochs=num_epochs, early_stopping_patience=patience, learning_rate=0.1, learning_rate_step=1_000
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "measure", crafted)
        history = fit(config, model, toy_batches(batch_size=45))
    return history, weights_of(model), crafted


@pytest.mark.fault(55)
@given(losses=st.lists(st.integers(1, 6), min_size=1, max_size=12), patience=st.integers(1, 4))
def test_for_any_losses_the_best_weights_return_and_the_reason_is_right(
    losses: list[float], patience: int
) -> None:
    ends, best = len(losses), 0
    for epoch in range(len(losses)):
        best = epoch if losses[epoch] < losses[best] else best
        if epoch - best >= patience:
            ends = epoch + 1
            break
    history, weights, crafted = fit_on(losses, patience=patience, num_epochs=len(losses))
    assert len(history) == ends
    expected = StopReason.FINISHED if ends == len(losses) else StopReason.EARLY_STOP
    assert history.stop_reason is expected
    early = f"no better validation loss for {patience} epochs, best epoch {best + 1}"
    assert history.stop_detail == (early if expected is StopReason.EARLY_STOP else f"all {ends} epochs done")
    assert (history.best.epoch, history.column("validation_loss")) == (best + 1, losses[:ends])
    assert same(weights, crafted.weights[best])


# Faults


@pytest.mark.fault(28, 43)
def test_a_rate_of_a_million_ends_as_diverged_with_epoch_step_and_rate() -> None:
    model = toy_model()
    initial = weights_of(model)
    history = fit(TrainingConfig(learning_rate=1e6), model, toy_batches())
    assert history.stop_reason is StopReason.DIVERGED
    assert "epoch 1, step 2" in history.stop_detail and "learning rate 1e+06" in history.stop_detail
    assert "smaller rate" in history.stop_detail
    assert len(history) == 0
    assert same(weights_of(model), initial)


def test_without_a_bound_a_run_goes_on_as_a_bare_loop_does_until_its_loss_is_no_number() -> None:
    config = TrainingConfig(learning_rate=1e6, num_epochs=2, momentum=0.0, divergence_bound=math.inf)
    model, bare = toy_model(), toy_model()
    history = fit(config, model, toy_batches())
    assert history.stop_reason is StopReason.FINISHED
    batches, losses = toy_batches(), []
    optimiser = torch.optim.SGD(bare.parameters(), lr=1e6)
    for _ in range(2):
        for images, labels in batches:
            loss = F.cross_entropy(bare(images), labels)
            losses.append(loss.item())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if len(losses) == history.best.epoch * len(batches):
            assert same(weights_of(model), weights_of(bare))
    assert max(losses) > 1e4
    broken = fit(config, toy_model(), Spoilt(toy_batches(), epoch=1, step=2, fault=math.nan))
    assert broken.stop_reason is StopReason.NOT_FINITE


@pytest.mark.fault(95)
def test_a_model_to_be_scored_is_not_one_whose_run_diverged(toy_data: LoadedDataset, tmp_path: Path) -> None:
    config = TrainingConfig(dataset="toy", num_epochs=2, batch_size=20, learning_rate=1e6)
    for _ in range(2):
        with pytest.raises(TrainingError, match=r"epoch 1, step \d at learning rate 1e\+06"):
            load_or_fit(config, toy_data, tmp_path)


class Spoilt:
    """Batches that turn bad at one step of one epoch; Ctrl-C comes as the signal that it is."""

    def __init__(
        self, batches: Batches, *, epoch: int, step: int, fault: float | type[BaseException]
    ) -> None:
        self.batches, self.epoch, self.step, self.fault = batches, epoch, step, fault
        self.generator = batches.generator
        self.begun = 0

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self.begun += 1
        for step, (images, labels) in enumerate(self.batches, start=1):
            if (self.begun, step) == (self.epoch, self.step):
                if self.fault is KeyboardInterrupt:
                    signal.raise_signal(signal.SIGINT)
                elif not isinstance(self.fault, float):
                    raise self.fault
                images = images * self.fault
            yield images, labels


@pytest.mark.parametrize("epoch", [1, 3])
@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        (math.nan, StopReason.NOT_FINITE, "loss became nan in epoch {epoch}, step 4 at learning rate 0.1"),
        (1e200, StopReason.DIVERGED, "divergence_bound=10000 in epoch {epoch}, step 4 at learning rate 0.1"),
        (KeyboardInterrupt, StopReason.INTERRUPTED, "interrupted in epoch {epoch}"),
    ],
    ids=["NaN", "divergence", "Ctrl-C"],
)
@pytest.mark.fault(42, 43, 44)
def test_a_fault_within_an_epoch_ends_training_with_the_best_weights_so_far(
    epoch: int, fault: Any, reason: StopReason, words: str
) -> None:
    config = TrainingConfig(num_epochs=5, learning_rate=0.1)
    model = toy_model()
    history = fit(config, model, Spoilt(toy_batches(), epoch=epoch, step=4, fault=fault))
    assert history.stop_reason is reason
    assert words.format(epoch=epoch) in history.stop_detail

    finished = epoch - 1
    twin = toy_model()
    if finished:
        undisturbed = fit(config.but(num_epochs=finished), twin, toy_batches())
        assert timeless(history) == timeless(undisturbed)
        assert history.best.epoch == undisturbed.best.epoch
    assert len(history) == finished
    assert same(weights_of(model), weights_of(twin))
    assert History.from_dict(history.to_dict()) == history


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.fault(42)
def test_a_validation_loss_that_is_no_number_ends_training(value: float) -> None:
    history, weights, crafted = fit_on([2.0, 1.0, value], patience=5)
    assert history.stop_reason is StopReason.NOT_FINITE
    assert f"loss became {value} in epoch 3, validation" in history.stop_detail
    assert len(history) == 2
    assert same(weights, crafted.weights[1])


def test_an_unforeseen_error_is_passed_on_with_the_best_weights_in_the_model() -> None:
    model, twin = toy_model(), toy_model()
    config = TrainingConfig(num_epochs=5)
    with pytest.raises(ZeroDivisionError):
        fit(config, model, Spoilt(toy_batches(), epoch=3, step=2, fault=ZeroDivisionError))
    fit(config.but(num_epochs=2), twin, toy_batches())
    assert same(weights_of(model), weights_of(twin))


def fit_interrupted_at(count: int, path: Path) -> bool:
    """Ctrl-C at one of the lines that the loop over epochs runs through; False when it has fewer."""
    source, first = inspect.getsourcelines(Trainer.fit)
    starts = [first + number for number, line in enumerate(source) if "while history.stop_reason" in line]
    ends = [first + number for number, line in enumerate(source) if "except TrainingStopped" in line]
    ctrl_c = CtrlC(Trainer.fit, count, range(starts[0], ends[0]))
    crafted, model = Crafted([3, 1, 2, 0.5]), toy_model()
    initial = weights_of(model)
    with pytest.MonkeyPatch.context() as patch, ctrl_c:
        patch.setattr(trainer, "measure", crafted)
        history = fit(TrainingConfig(num_epochs=4), model, toy_batches(3), checkpoint=path)
    ended = "all 4 epochs done" if len(history) == 4 else f"interrupted in epoch {len(history) + 1}"
    assert history.stop_detail == ended
    expected = crafted.weights[history.best.epoch - 1] if history.records else initial
    assert same(weights_of(model), expected), f"stopped after {len(history)} epochs: {history.stop_detail}"
    return ctrl_c.came


@pytest.mark.fault(44)
def test_wherever_ctrl_c_comes_weights_and_history_are_of_the_same_epoch(tmp_path: Path) -> None:
    count = 1
    while fit_interrupted_at(count, tmp_path / f"{count}.safetensors"):
        count += 1
    assert count > 4 * 5  # epochs, lines


def test_ctrl_c_during_the_last_save_leaves_a_finished_run_finished(tmp_path: Path) -> None:
    """And what it saved is loaded without another step, on whatever device and however progress is shown."""
    config, model, path = TrainingConfig(num_epochs=2), toy_model(), tmp_path / "run.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "save", interrupt_after(checkpoints.save, calls=2))
        history = fit(config, model, toy_batches(), checkpoint=path)
    assert (history.stop_reason, history.stop_detail) == (StopReason.FINISHED, "all 2 epochs done")
    other = toy_model(seed=99)
    again = config.but(device="cpu", log_interval=7)
    assert fit(again, other, toy_batches(), checkpoint=path, resume=True) == history
    assert same(weights_of(other), weights_of(model))


# Batches of any kind


@pytest.mark.fault(92)
@pytest.mark.parametrize("change", [lambda labels: labels.view(-1, 1), F.one_hot, Tensor.double])
def test_labels_that_are_no_class_numbers_are_refused_before_the_first_step(change: Any) -> None:
    """Batches of three and three classes: as many rows as columns, which compare without complaint."""
    images, labels = toy_tensors(9)
    wrong, right = Batches(images, change(labels), 3), Batches(images, labels, 3)
    model = toy_model()
    for train, validation in ((wrong, right), (right, wrong)):
        with pytest.raises(DataError, match=r"labels of shape \(3.*expected one class number per image"):
            fit(TrainingConfig(num_epochs=1), model, train, validation)
    with pytest.raises(DataError, match="labels of shape"):
        measure(model, wrong)
    assert same(weights_of(model), weights_of(toy_model()))


@pytest.mark.fault(92)
@pytest.mark.parametrize("spoilt", ["training", "validation"])
@pytest.mark.parametrize(
    ("batches", "words"),
    [
        (list, "gave none"),
        (lambda: Batches(torch.zeros(0, NUM_FEATURES), torch.zeros(0).long(), 5), "gave none"),
        (lambda: iter(toy_batches()), "a generator, which can be iterated only once"),
        (lambda: zip(*toy_tensors(3), strict=True), "a zip, which can be iterated only once"),
    ],
    ids=["none", "no images", "a generator", "a zip"],
)
def test_batches_that_would_end_a_run_later_are_refused_before_the_first_step(
    spoilt: str, batches: Any, words: str
) -> None:
    model, parts = toy_model(), {"training": toy_batches(), "validation": toy_validation(), spoilt: batches()}
    with pytest.raises(DataError, match=f"the {spoilt} batches .*{words}"):
        fit(TrainingConfig(num_epochs=2), model, parts["training"], parts["validation"])
    assert same(weights_of(model), weights_of(toy_model()))


@pytest.mark.fault(51)
def test_validation_leaves_the_training_order_alone() -> None:
    images, labels = (
        torch.arange(12.0).view(12, 1).repeat(1, NUM_FEATURES).double() / 12,
        torch.zeros(12).long(),
    )
    generator = torch.Generator().manual_seed(5)
    expected = [torch.randperm(12, generator=generator).tolist() for _ in range(3)]

    class Logging(Batches):
        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            for images, labels in super().__iter__():
                seen.extend((images[:, 0] * 12).round().int().tolist())
                yield images, labels

    class Twice(Batches):
        """A validation set with a generator of its own that is iterated twice each time."""

        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            yield from super().__iter__()
            yield from super().__iter__()

    for validation in (toy_validation(), Twice(*toy_tensors(31), 10, torch.Generator().manual_seed(5))):
        seen: list[int] = []
        train = Logging(images, labels, 5, torch.Generator().manual_seed(5))
        fit(TrainingConfig(num_epochs=3), toy_model(), train, validation)
        assert [seen[start : start + 12] for start in (0, 12, 24)] == expected


def test_a_dataloader_gives_the_same_numbers_as_batches_in_the_same_order() -> None:
    images, labels = toy_tensors(45)
    order = torch.randperm(45, generator=torch.Generator().manual_seed(8))
    held_out = TensorDataset(*toy_tensors(31, seed=2))
    config = TrainingConfig(num_epochs=3, learning_rate=0.2)
    first, second = toy_model(), toy_model()
    loader = DataLoader(TensorDataset(images, labels), batch_size=10, sampler=order.tolist())
    by_loader = fit(config, first, loader, DataLoader(held_out, batch_size=20), measure_train=True)
    by_batches = fit(config, second, Batches(images[order], labels[order], 10), measure_train=True)
    assert timeless(by_loader) == timeless(by_batches)
    assert same(weights_of(first), weights_of(second))


# Repeating


def digest_of_a_run() -> str:
    """Hash of weights, history and generator after a run; called in other processes too."""
    config = TrainingConfig(num_epochs=3, learning_rate=0.1, seed=4)
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.randn(60, 784, generator=generator), torch.arange(60) % 10
    model = make_model(config)
    history = fit(config, model, Batches(images, labels, 7, generator), Batches(images, labels, 60))
    digest = hashlib.sha256(repr(timeless(history)).encode())
    for tensor in (*model.state_dict().values(), generator.get_state()):
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.slow
@pytest.mark.fault(53)
def test_two_fresh_processes_are_equal_bit_by_bit() -> None:
    code = "import test_trainer; print(test_trainer.digest_of_a_run())"
    folders = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": folders, "PYTHONHASHSEED": hash_seed},
        )
        for hash_seed in ("1", "2")
    ]
    digests = [process.communicate(timeout=600)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(digests[0]) == 64
    assert digests[0] == digests[1]


# Resuming


@dataclasses.dataclass
class Permuted:
    """The usual few lines by hand, on NumPy's or Python's global generator."""

    data: TensorDataset
    permute: Callable[[int], Any]

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        yield from (self.data[chosen.tolist()] for chosen in np.array_split(self.permute(45), 5))


def by_tens(data: TensorDataset, generator: torch.Generator) -> BatchSampler:
    return BatchSampler(RandomSampler(data, generator=generator), 10, drop_last=False)


ORDERS: dict[str, Callable[[TensorDataset, torch.Generator], Any]] = {
    "batches": lambda data, own: Batches(*data.tensors, 10, own),
    "loader": lambda data, own: DataLoader(data, 10, shuffle=True, generator=own),
    "global": lambda data, own: DataLoader(data, 10, shuffle=True),
    "weighted": lambda data, own: DataLoader(
        data, 10, sampler=WeightedRandomSampler([0.5] * 45, 45, generator=own)
    ),
    "batch sampler": lambda data, own: DataLoader(data, batch_sampler=by_tens(data, own)),
    "batches as items": lambda data, own: DataLoader(data, batch_size=None, sampler=by_tens(data, own)),
    "two": lambda data, own: DataLoader(
        data, batch_sampler=by_tens(data, own), generator=torch.Generator().manual_seed(7)
    ),
    "numpy": lambda data, own: Permuted(data, np.random.permutation),
    "python": lambda data, own: Permuted(data, lambda n: np.array(random.sample(range(n), n))),
}


def shuffled(kind: str, seed: int) -> Any:
    """Batches whose order a generator decides that lies here or there."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    return ORDERS[kind](TensorDataset(*toy_tensors(45)), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("kind", "momentum", "after"),
    [*((kind, 0.9, 2) for kind in ORDERS), ("batches", 0.0, 1), ("batches", 0.9, 3)],
)
@pytest.mark.fault(49, 93)
def test_whatever_shuffles_measuring_changes_nothing_and_a_resume_is_exact(
    kind: str, momentum: float, after: int, tmp_path: Path
) -> None:
    config = TrainingConfig(
        num_epochs=4, learning_rate=0.3, momentum=momentum, learning_rate_decay=0.5, learning_rate_step=1
    )
    whole_path, path = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    with preserved_randomness():
        plain_model, model = toy_model(), toy_model()
        plain = fit(config, plain_model, shuffled(kind, 1))
        whole = fit(config, model, shuffled(kind, 1), measure_train=True, checkpoint=whole_path)
        assert same(weights_of(model), weights_of(plain_model))
        assert whole.column("validation_loss") == plain.column("validation_loss")
        other_order = fit(config, toy_model(), shuffled(kind, 2))
        assert other_order.column("validation_loss") != plain.column("validation_loss")

        with pytest.MonkeyPatch.context() as patch:
            # Ctrl-C right after an epoch was saved.
            patch.setattr(checkpoints, "save", interrupt_after(checkpoints.save, calls=after))
            fit(config, toy_model(), shuffled(kind, 1), checkpoint=path, measure_train=True)
        # Another start and another order: all that counts must come from the file.
        model = toy_model(seed=99)
        resumed = fit(config, model, shuffled(kind, 2), checkpoint=path, resume=True, measure_train=True)
    assert timeless(resumed) == timeless(whole)
    assert (resumed.stop_reason, resumed.stop_detail) == (whole.stop_reason, whole.stop_detail)
    assert same(weights_of(model), weights_of(plain_model))
    assert same(load_file(path), load_file(whole_path))


def interrupt_after(function: Any, *, calls: int) -> Any:
    """Wrap a function so that Ctrl-C comes right after some calls of it."""
    count = 0

    def wrapped(*arguments: Any) -> None:
        nonlocal count
        function(*arguments)
        count += 1
        if count == calls:
            raise KeyboardInterrupt

    return wrapped


def saved_run(folder: Path, **settings: Any) -> tuple[TrainingConfig, Path]:
    config, path = TrainingConfig(num_epochs=3, **settings), folder / "run.safetensors"
    fit(config, toy_model(), Spoilt(toy_batches(), epoch=2, step=1, fault=KeyboardInterrupt), checkpoint=path)
    return config, path


def test_resuming_without_a_file_is_refused(tmp_path: Path) -> None:
    config = TrainingConfig(num_epochs=2)
    with pytest.raises(CheckpointError, match="without a checkpoint file"):
        fit(config, toy_model(), toy_batches(), resume=True)
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*absent"):
        fit(config, toy_model(), toy_batches(), checkpoint=tmp_path / "absent.safetensors", resume=True)


@pytest.mark.fault(47)
def test_resuming_what_another_data_set_was_trained_on_shows_both_shapes_and_nothing_is_changed(
    tmp_path: Path,
) -> None:
    config, path = saved_run(tmp_path)
    options: dict[str, Any] = {"checkpoint": path, "resume": True}
    model = LogisticRegression(2 * NUM_FEATURES, NUM_CLASSES)
    before = weights_of(model)
    shapes = r"linear.weight: the model has \(3, 12\), the checkpoint \(3, 6\)"
    with pytest.raises(CheckpointError, match=shapes):
        fit(config.but(dataset="cifar10"), model, toy_batches(), **options)
    assert same(weights_of(model), before)
    with pytest.raises(CheckpointError, match="dataset: fashion here, mnist there"):
        fit(config.model_copy(update={"dataset": "fashion"}), toy_model(), toy_batches(), **options)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("generators/order", "order"),
        ("generators/global", "global"),
        ("optimiser/linear.bias/momentum_buffer", "momentum_buffer of linear.bias"),
        ("model/linear.bias", "linear.bias: the model has \\(3,\\), the checkpoint nothing"),
    ],
)
@pytest.mark.fault(50)
def test_resuming_is_refused_when_any_part_is_missing(key: str, words: str, tmp_path: Path) -> None:
    config, path = saved_run(tmp_path, momentum=0.9)
    found, (group, name) = checkpoints.load(path), key.split("/", 1)
    del getattr(found, group)[name]
    checkpoints.save(path, found)
    with pytest.raises(CheckpointError, match=words):
        fit(config, toy_model(), toy_batches(), checkpoint=path, resume=True)


@pytest.mark.fault(93)
def test_resuming_with_other_settings_or_in_an_order_that_cannot_be_put_back_is_refused(
    tmp_path: Path,
) -> None:
    class Hidden:
        """Shuffled by what nobody finds."""

        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            return iter(toy_batches(random.SystemRandom().getrandbits(60)))

    config, path = saved_run(tmp_path)
    options: dict[str, Any] = {"checkpoint": path, "resume": True}
    with pytest.raises(CheckpointError, match=r"learning_rate: 0\.5 here, 0\.01 there") as caught:
        fit(config.but(learning_rate=0.5, log_interval=7), toy_model(), toy_batches(), **options)
    assert "log_interval" not in str(caught.value)
    with pytest.raises(CheckpointError, match="generators"):
        fit(config, toy_model(), toy_batches(None), **options)

    fit(config, toy_model(), Hidden(), checkpoint=path)
    for batches, resumed in ((Hidden(), {"resume": True}), (Hidden(), {"measure_train": True})):
        model = toy_model(seed=5)
        with pytest.raises((CheckpointError, DataError), match="begun twice, they differ"):
            fit(config, model, batches, checkpoint=path, **resumed)
        assert same(weights_of(model), weights_of(toy_model(seed=5)))


# Training once


@pytest.fixture
def toy_data(monkeypatch: pytest.MonkeyPatch) -> LoadedDataset:
    monkeypatch.setitem(catalogue.DATASETS, "toy", TOY)
    return LoadedDataset(make_images(60, TOY), make_images(30, TOY), TOY, fingerprint="0123456789ab")


def test_load_or_fit_trains_once_and_loads_afterwards(
    toy_data: LoadedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainingConfig(dataset="toy", num_epochs=2, batch_size=20)
    first_model, first = load_or_fit(config, toy_data, tmp_path)
    assert first.stop_reason is StopReason.FINISHED
    assert checkpoints.model_path(tmp_path, config, toy_data.fingerprint).is_file()

    def no_training(*arguments: Any, **options: Any) -> None:
        raise AssertionError("trained a second time")

    monkeypatch.setattr(trainer, "train_epoch", no_training)
    second_model, second = load_or_fit(config, toy_data, tmp_path)
    assert second == first
    assert same(weights_of(second_model), weights_of(first_model))
    for other, data in (
        (config.but(seed=1), toy_data),
        (config, dataclasses.replace(toy_data, fingerprint="another")),
    ):
        with pytest.raises(AssertionError, match="trained a second time"):
            load_or_fit(other, data, tmp_path)


@pytest.mark.fault(49)
@pytest.mark.parametrize("measured", [False, True])
def test_load_or_fit_goes_on_where_a_run_was_cut_short(
    measured: bool, toy_data: LoadedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It trains what is left, measures what was measured, and ends bitwise as the uninterrupted run."""
    config = TrainingConfig(dataset="toy", num_epochs=4, batch_size=20)
    expected_model = make_model(config)
    expected = fit(config, expected_model, *training_batches(toy_data.train, config), measure_train=measured)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "save", interrupt_after(checkpoints.save, calls=3))
        with pytest.raises(TrainingError, match=r"cannot be scored as a .*: interrupted in epoch 4"):
            load_or_fit(config, toy_data, tmp_path, measure_train=measured)
    trained = []
    monkeypatch.setattr(trainer, "train_epoch", lambda *rest: trained.append(1) or train_epoch(*rest))
    model, history = load_or_fit(config.but(log_interval=7), toy_data, tmp_path)
    assert len(trained) == 1
    assert timeless(history) == timeless(expected)
    assert same(weights_of(model), weights_of(expected_model))


def test_load_or_fit_starts_anew_where_a_run_cannot_go_on_and_keeps_nothing_without_a_folder(
    toy_data: LoadedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = TrainingConfig(dataset="toy", num_epochs=3, batch_size=20)
    monkeypatch.chdir(tmp_path)
    expected_model, expected = load_or_fit(config, toy_data, None, measure_train=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoints, "save", interrupt_after(checkpoints.save, calls=2))
        with pytest.raises(TrainingError, match="interrupted in epoch 3"):
            load_or_fit(config, toy_data, tmp_path)
    path = checkpoints.model_path(tmp_path, config, toy_data.fingerprint)
    # It lacks the training loss that is now asked for; then it is of other settings, under this name.
    for settings_there in (config, config.but(seed=1)):
        checkpoints.save(path, dataclasses.replace(checkpoints.load(path), config=settings_there))
        model, history = load_or_fit(config, toy_data, tmp_path, measure_train=True)
        assert timeless(history) == timeless(expected)
        assert same(weights_of(model), weights_of(expected_model))


# Where the model lives


def test_a_model_elsewhere_than_the_configuration_says_is_refused_before_the_first_step() -> None:
    model = toy_model().to("meta")
    config = TrainingConfig(device="cpu")
    with pytest.raises(ConfigurationError, match=r"device='cpu', but the model is on 'meta'"):
        Trainer(config, show_progress=False).fit(model, toy_batches(), toy_validation())


def test_batches_in_memory_move_at_once_and_keep_their_order() -> None:
    images, labels = toy_tensors(10)
    batches = Batches(images, labels, 4, torch.Generator().manual_seed(1))
    assert trainer.move(batches, torch.device("cpu")) is batches
    moved = trainer.move(batches, torch.device("meta"))
    assert isinstance(moved, Batches) and moved.images.device.type == moved.labels.device.type == "meta"
    assert moved.generator is batches.generator
    loader = DataLoader(TensorDataset(images, labels))
    assert trainer.move(loader, torch.device("meta")) is loader
