"""Replicas learn what `Trainer` learns one by one, each ends in its own order, and memory stays bounded."""

import dataclasses
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ctrl_c import CtrlC
from torch import Tensor

from tutorial_utils.data import catalogue
from tutorial_utils.data.datasets import ImageData, LoadedDataset
from tutorial_utils.exceptions import CheckpointError, ConfigurationError, DataError, TrainingError
from tutorial_utils.training import replicas
from tutorial_utils.training.batches import Batches, training_batches
from tutorial_utils.training.config import HEADLINE, TrainingConfig
from tutorial_utils.training.history import History, StopReason
from tutorial_utils.training.models import make_model
from tutorial_utils.training.replicas import (
    StackedBatches,
    batches_of_each,
    load_or_train,
    plan_passes,
    train_all,
)
from tutorial_utils.training.trainer import Trainer, measure

TOLERANCE = 1e-4
"""Relative difference allowed between the losses of a replica and of a run of its own, in float32."""

CONFIG = TrainingConfig(num_epochs=3, validation_split=0.25, batch_size=32, learning_rate_step=2)


@pytest.fixture(scope="module")
def digits() -> LoadedDataset:
    """Made-up digits, a stripe per class in noise and every fifth label random, learnt in milliseconds."""
    generator = torch.Generator().manual_seed(5)
    labels = torch.randint(0, 10, (300,), generator=generator)
    images = torch.randint(0, 90, (300, 1, 28, 28), generator=generator)
    for row, label in enumerate(labels.tolist()):
        images[row, 0, 2 * label : 2 * label + 6, 4:24] += 120
    labels[::5] = torch.randint(0, 10, (60,), generator=generator)
    data = ImageData(images.to(torch.uint8), labels, catalogue.describe("mnist"))
    return LoadedDataset(data, data, data.description, "0123456789ab")


def one_by_one(configs: list[TrainingConfig], data: ImageData) -> list[tuple[dict[str, Tensor], History]]:
    results = []
    for config in configs:
        model = make_model(config)
        history = Trainer(config, show_progress=False).fit(model, *training_batches(data, config))
        results.append((model.state_dict(), history))
    return results


def assert_like_trainer(
    made: list[replicas.Replica], expected: list[tuple[dict[str, Tensor], History]]
) -> None:
    assert len(made) == len(expected)
    for replica, (weights, history) in zip(made, expected, strict=True):
        assert replica.history.stop_reason == history.stop_reason
        assert replica.history.stop_detail == history.stop_detail
        assert [record.learning_rate for record in replica.history.records] == history.column("learning_rate")
        for name in ("running_loss", "validation_loss"):
            ours, theirs = replica.history.column(name), history.column(name)
            np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE)
        for name in ("running_accuracy", "validation_accuracy"):
            ours, theirs = replica.history.column(name), history.column(name)
            np.testing.assert_allclose(ours, theirs, atol=2 / 225)  # two images on the edge of two classes
        for name, tensor in replica.model.state_dict().items():
            torch.testing.assert_close(tensor, weights[name], rtol=1e-3, atol=1e-4)


VARIANTS: dict[str, list[dict[str, Any]]] = {
    "rates": [{"learning_rate": rate} for rate in (0.0001, 0.003, 0.05)],
    "momenta": [{"momentum": value} for value in (0.0, 0.5, 0.9)],
    "decays": [{"weight_decay": value} for value in (0.0, 0.01, 0.3)],
    "initialisations": [{"initialisation": name} for name in ("xavier_uniform", "default")],
    "schedules": [{"learning_rate_decay": 0.1}, {"learning_rate_decay": 1.0}, {"learning_rate_step": 1}],
    "epochs": [{"num_epochs": count} for count in (1, 4, 2)],
    "seeds": [{"seed": seed} for seed in (3, 0, 2**40)],
    "seeds and rates": [{"seed": s, "learning_rate": r} for s in (0, 1) for r in (0.01, 0.002)],
    "batch sizes": [{"batch_size": size} for size in (16, 50, 225)],
    "splits": [{"validation_split": share} for share in (0.1, 0.5)],
    "one": [{}],
}


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)
def test_replicas_learn_what_trainer_learns(changes: list[dict[str, Any]], digits: LoadedDataset) -> None:
    configs = [CONFIG.but(**change) for change in changes]
    expected = one_by_one(configs, digits.train)
    assert_like_trainer(train_all(configs, digits.train, show_progress=False), expected)
    losses = {(h.records[0].running_loss, h.records[-1].validation_loss) for _, h in expected}
    assert len(losses) == len(configs), "each of the settings makes a difference"


@pytest.mark.data
@pytest.mark.parametrize("name", HEADLINE)
def test_seeds_on_real_data(name: str, mnist: LoadedDataset, cifar10: LoadedDataset) -> None:
    data = {"mnist": mnist, "cifar10": cifar10}[name].train.subset(torch.arange(4000))
    configs = [HEADLINE[name].but(num_epochs=1, seed=seed) for seed in range(3)]
    made = train_all(configs, data, show_progress=False)
    for replica, (weights, history) in zip(made, one_by_one(configs, data), strict=True):
        ours, theirs = replica.history.best, history.best
        assert ours.running_loss == pytest.approx(theirs.running_loss, rel=TOLERANCE)
        assert ours.validation_loss == pytest.approx(theirs.validation_loss, rel=TOLERANCE)
        torch.testing.assert_close(replica.model.linear.weight.detach(), weights["linear.weight"])


def test_each_stops_early_by_itself(digits: LoadedDataset) -> None:
    # A large step overshoots early; a tiny one keeps improving.
    configs = [
        CONFIG.but(num_epochs=12, early_stopping_patience=1, learning_rate_decay=1.0, learning_rate=rate)
        for rate in (2.0, 1e-4, 0.5)
    ]
    made = train_all(configs, digits.train, show_progress=False)
    assert {replica.history.stop_reason for replica in made} == {StopReason.FINISHED, StopReason.EARLY_STOP}
    assert len({len(replica.history) for replica in made}) > 1
    assert_like_trainer([made[1]], one_by_one([configs[1]], digits.train))
    for replica in made:
        validation = batches_of_each(digits.train, [replica.config])[1]
        images, labels = next(iter(validation))
        loss = torch.nn.functional.cross_entropy(replica.model(images[0]), labels[0]).item()
        assert loss == pytest.approx(replica.history.best.validation_loss, rel=1e-5), "best weights are kept"


@pytest.mark.parametrize("own_batches", [False, True])
@pytest.mark.fault(43)
def test_a_replica_that_diverges_leaves_the_others_alone(own_batches: bool, digits: LoadedDataset) -> None:
    rates = (0.01, 1e6, 0.02)
    configs = [
        CONFIG.but(learning_rate=rate, seed=index if own_batches else 0) for index, rate in enumerate(rates)
    ]
    (alone,) = train_all([configs[1]], digits.train, show_progress=False)  # nothing is left to train
    assert alone.history.stop_reason is StopReason.DIVERGED
    made = train_all(configs, digits.train, show_progress=False)
    expected = one_by_one(configs, digits.train)
    assert expected[1][1].stop_reason is StopReason.DIVERGED
    assert made[1].history.stop_reason is StopReason.DIVERGED
    assert made[1].history.records == []
    # Where it passed the bound is the same; how far beyond it is a matter of rounding.
    ours, theirs = (
        text.split(" in epoch ")[1] for text in (made[1].history.stop_detail, expected[1][1].stop_detail)
    )
    assert ours == theirs
    assert torch.equal(made[1].model.linear.weight, make_model(configs[1]).linear.weight)
    assert_like_trainer([made[0], made[2]], [expected[0], expected[2]])


def test_each_replica_has_its_own_bound_and_without_one_trains_on_past_the_first_losses(
    digits: LoadedDataset,
) -> None:
    rate = CONFIG.but(learning_rate=1e3)
    configs = [rate, rate.but(divergence_bound=math.inf), rate.but(divergence_bound=1e30)]
    stopped, *unguarded = train_all(configs, digits.train, show_progress=False)
    assert stopped.history.stop_reason is StopReason.DIVERGED
    assert "passed divergence_bound=10000 in epoch 1, step 2" in stopped.history.stop_detail
    assert {run.history.stop_reason for run in unguarded} == {StopReason.FINISHED}
    assert unguarded[0].history.records[0].running_loss > 1e3
    assert torch.equal(unguarded[0].model.linear.weight, unguarded[1].model.linear.weight)
    assert_like_trainer(unguarded, one_by_one(configs[1:], digits.train))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(unguarded[0].model.linear.weight, stopped.model.linear.weight)


@pytest.mark.fault(95)
def test_a_stopped_run_is_refused_wherever_scores_are_made_and_named_where_it_is_left_out(
    digits: LoadedDataset, tmp_path: Path
) -> None:
    configs = [CONFIG.but(learning_rate=rate) for rate in (0.01, 1e3, 1e4)]
    told = r"2 of 3 runs .*: seed 0, batches of 32: loss .* step 2 at learning rate 1000; .*\n  - .*10000; "
    for _ in range(2):  # trained, then loaded
        with pytest.raises(TrainingError, match=told):
            load_or_train(configs, digits, tmp_path)
        grid = load_or_train(configs, digits, tmp_path, keep_diverged=True)
        assert [run.trained for run in grid] == [True, False, False]
    assert len(list((tmp_path / "models").iterdir())) == 3
    assert replicas.only_trained(grid) == replicas.require_trained(grid[:1]) == grid[:1]
    assert [line.split(";")[0].rsplit(" ", 1)[1] for line in replicas.name_stopped(grid)] == ["1000", "10000"]
    with pytest.raises(TrainingError, match="2 of 2 runs"):
        replicas.only_trained(grid[1:])


@pytest.mark.fault(42)
def test_validation_that_is_not_finite_stops_the_replica(digits: LoadedDataset) -> None:
    train, validation = training_batches(digits.train, CONFIG)
    broken = [(torch.full_like(images, float("nan")), labels) for images, labels in validation]
    (replica,) = replicas.train([CONFIG], train, broken, show_progress=False)
    assert replica.history.stop_reason is StopReason.NOT_FINITE
    assert "validation" in replica.history.stop_detail


def interrupted_at(count: int, data: ImageData) -> bool:
    """Ctrl-C at one of the lines that run through an epoch; False when there are fewer."""
    configs = [CONFIG.but(num_epochs=2, learning_rate=rate) for rate in (0.01, 0.02)]
    train, validation = training_batches(data, CONFIG)
    with CtrlC(replicas._Run.one_epoch, count) as ctrl_c:
        made = replicas.train(configs, train, validation, show_progress=False)
    for replica in made:
        number = len(replica.history)
        ended = "all 2 epochs done" if number == 2 else f"interrupted in epoch {number + 1}"
        assert replica.history.stop_detail == ended
        if number:
            loss, _ = measure(replica.model, validation)
            assert loss == pytest.approx(replica.history.best.validation_loss, rel=1e-6)
        else:
            assert torch.equal(replica.model.linear.weight, make_model(replica.config).linear.weight)
    return ctrl_c.came


@pytest.mark.fault(44)
def test_wherever_ctrl_c_comes_weights_and_history_are_of_the_same_epoch(digits: LoadedDataset) -> None:
    count = 1
    while interrupted_at(count, digits.train):
        count += 1
    assert count > 2 * 2 * 5  # epochs, replicas, lines


def epoch_of(batches: Batches | StackedBatches, row: int | None = None) -> tuple[Tensor, Tensor]:
    """One epoch's images and labels in order, of one replica when there are several."""
    parts = [batch if row is None else (batch[0][row], batch[1][row]) for batch in batches]
    return torch.cat([images for images, _ in parts]), torch.cat([labels for _, labels in parts])


@pytest.mark.parametrize("row", [0, 1])
def test_stacked_batches_are_those_of_each_configuration(row: int, digits: LoadedDataset) -> None:
    configs = [CONFIG.but(seed=seed) for seed in (4, 9)]
    stacked, own = batches_of_each(digits.train, configs), training_batches(digits.train, configs[row])
    for ours, theirs in zip(stacked, own, strict=True):
        assert len(ours) == len(list(ours.indices.split(ours.batch_size, dim=1)))
        for _ in range(2):  # the second epoch is shuffled anew
            for mine, expected in zip(epoch_of(ours, row), epoch_of(theirs), strict=True):
                assert torch.equal(mine, expected)


def test_plan_passes() -> None:
    seeds = [CONFIG.but(seed=seed) for seed in range(3)]
    assert plan_passes(seeds) == [[0, 1, 2]]
    assert plan_passes([CONFIG.but(learning_rate=rate) for rate in (0.1, 0.2)]) == [[0, 1]]
    crossed = [CONFIG.but(seed=seed, learning_rate=rate) for seed in (0, 1) for rate in (0.1, 0.2)]
    assert plan_passes(crossed) == [[0, 1], [2, 3]]
    assert plan_passes([CONFIG.but(batch_size=size, seed=size) for size in (16, 32)]) == [[0], [1]]
    wide = [HEADLINE["cifar10"].but(seed=seed) for seed in range(5)]
    assert plan_passes(wide) == [[0, 1], [2, 3], [4]], "wide images go few at a time"
    many = [CONFIG.but(learning_rate=0.001 * (index + 1)) for index in range(130)]
    assert [len(group) for group in plan_passes(many)] == [64, 64, 2]
    for configs in (seeds, crossed, wide, many):
        assert sorted(index for group in plan_passes(configs) for index in group) == list(range(len(configs)))


def test_stored_replicas_come_back_and_a_damaged_one_is_named(
    tmp_path: Path, digits: LoadedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    configs = [CONFIG.but(seed=seed) for seed in range(2)]
    load_or_train(configs, digits, None)
    assert list(tmp_path.iterdir()) == []  # nothing is written without a folder
    first, folder = load_or_train(configs, digits, tmp_path), tmp_path / "models"
    assert len(list(folder.iterdir())) == 2
    load_or_train([*configs, CONFIG.but(seed=2)], digits, tmp_path)  # another set is trained anew
    assert len(list(folder.iterdir())) == 5
    monkeypatch.setattr(replicas, "train_all", None)  # training again would fail
    for ours, theirs in zip(load_or_train(configs, digits, tmp_path), first, strict=True):
        assert ours.config == theirs.config
        assert ours.history == theirs.history
        assert all(map(torch.equal, ours.model.parameters(), theirs.model.parameters()))
    for stored in folder.iterdir():
        stored.write_bytes(stored.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"models/\w+\.safetensors"):
        load_or_train(configs, digits, tmp_path)


def test_an_interrupted_series_is_not_stored(
    tmp_path: Path, digits: LoadedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(configs: list[TrainingConfig], data: ImageData) -> list[replicas.Replica]:
        made = train_all(configs, data, show_progress=False)
        made[0].history.stop_reason = StopReason.INTERRUPTED
        return made

    monkeypatch.setattr(replicas, "train_all", interrupted)
    with pytest.raises(TrainingError):
        load_or_train([CONFIG], digits, tmp_path, keep_diverged=True)
    assert not (tmp_path / "models").exists()


def test_what_cannot_be_trained_together_is_refused(digits: LoadedDataset) -> None:
    batches = training_batches(digits.train, CONFIG)
    with pytest.raises(ConfigurationError, match="0 configurations; one pass takes 1 to 64"):
        replicas.train([], *batches)
    with pytest.raises(ConfigurationError, match="65 configurations"):
        replicas.train([CONFIG] * 65, *batches)
    with pytest.raises(ConfigurationError, match="one dataset, found cifar10, mnist"):
        replicas.train([CONFIG, CONFIG.but(dataset="cifar10")], *batches)
    with pytest.raises(ConfigurationError, match="one device, found auto, cpu"):
        replicas.train([CONFIG, CONFIG.but(device="cpu")], *batches)
    with pytest.raises(ConfigurationError, match="one validation_split"):
        batches_of_each(digits.train, [CONFIG, CONFIG.but(batch_size=8)])
    with pytest.raises(ConfigurationError, match="'mnist'"):
        batches_of_each(digits.train, [CONFIG.but(dataset="cifar10")])
    with pytest.raises(DataError, match="batches for 2 replicas, but 3 configurations"):
        replicas.train([CONFIG] * 3, *batches_of_each(digits.train, [CONFIG, CONFIG.but(seed=1)]))
    with pytest.raises(DataError, match="a generator for each replica"):
        StackedBatches(
            digits.train, torch.zeros(2, 5, dtype=torch.int64), 2, [torch.Generator()], torch.Tensor.float
        )


@pytest.mark.fault(92)
def test_batches_that_cannot_be_trained_on_are_refused_before_the_first_step(
    digits: LoadedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas.Stack, "update", None)
    good = training_batches(digits.train, CONFIG)
    images, labels = good[0].transform(digits.train.images[:10]), digits.train.labels[:10]
    column, one_hot = labels.view(-1, 1), torch.nn.functional.one_hot(labels, 10)
    for bad, words in (
        ([], "gave none"),
        (iter(good[0]), "only once"),
        ([(images, one_hot)], "labels of shape"),
        ([(images, column)], "labels of shape"),  # one image each of ten replicas, at first sight
        ([(images.flatten(1), column)], "labels of shape"),
        ([(images, labels.float())], "labels of shape"),
    ):
        for train, validation in ((bad, good[1]), (good[0], bad)):
            with pytest.raises(DataError, match=words):
                replicas.train([CONFIG] * 10, train, validation, show_progress=False)


@pytest.mark.fault(53)
def test_repeated_runs_are_equal_bit_for_bit(digits: LoadedDataset) -> None:
    configs = [CONFIG.but(seed=seed) for seed in range(3)]
    first, second = (train_all(configs, digits.train, show_progress=False) for _ in range(2))
    for ours, theirs in zip(first, second, strict=True):
        assert torch.equal(ours.model.linear.weight, theirs.model.linear.weight)
        timeless = [
            [dataclasses.replace(record, seconds=0) for record in each.history.records]
            for each in (ours, theirs)
        ]
        assert timeless[0] == timeless[1]


MEMORY_SCRIPT = """
import resource, torch
from tutorial_utils.data import catalogue
from tutorial_utils.data.datasets import ImageData
from tutorial_utils.training import replicas
from tutorial_utils.training.config import HEADLINE
images = torch.zeros((60_000, 1, 28, 28), dtype=torch.uint8)
data = ImageData(images, torch.arange(60_000) % 10, catalogue.MNIST)
for count in (1, 8):
    configs = [HEADLINE["mnist"].but(num_epochs=1, validation_split=0.5, seed=seed) for seed in range(count)]
    replicas.train_all(configs, data, show_progress=False)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is counted in another unit")
def test_eight_seeds_take_hardly_more_memory_than_one() -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY_SCRIPT], capture_output=True, text=True, check=True)
    one, eight = map(int, done.stdout.split())
    # A copy of the training images for each seed would take 24 MB a seed.
    assert eight - one < 60_000
