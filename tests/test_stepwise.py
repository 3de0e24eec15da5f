"""The opened loop of replicas takes the steps that PyTorch takes, with class weights and without."""

import math

import pytest
import torch
import torch.nn.functional as F

from tutorial_utils.data import catalogue
from tutorial_utils.data.datasets import ImageData, standardise, training_transform
from tutorial_utils.exceptions import DataError, TrainingError
from tutorial_utils.training import answers, replicas, stepwise
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.models import make_model

CONFIG = TrainingConfig(
    num_epochs=3, validation_split=0.25, batch_size=32, learning_rate_step=2, early_stopping_patience=3
)
CONFIGS = [CONFIG, CONFIG.but(seed=1)]


@pytest.fixture(scope="module")
def digits() -> ImageData:
    """Noise with a stripe for each class, learnt in milliseconds."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(0, 10, (200,), generator=generator)
    images = torch.randint(0, 90, (200, 1, 28, 28), generator=generator)
    for row, label in enumerate(labels.tolist()):
        images[row, 0, 2 * label : 2 * label + 6, 4:24] += 120
    return ImageData(images.to(torch.uint8), labels, catalogue.describe("mnist"))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("start", [1.0, 0.0])
def test_it_ends_where_torch_ends(digits: ImageData, weighted: bool, start: float) -> None:
    weights = torch.linspace(0.5, 2.0, 20).view(2, 10)
    given = weights if weighted else None
    made = stepwise.train_to_the_end(
        CONFIGS, replicas.batches_of_each(digits, CONFIGS)[0], class_weights=given, start=start
    )
    for row, run in enumerate(made):
        model = make_model(run.config).cpu()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(start)
        optimiser = torch.optim.SGD(model.parameters(), lr=1, momentum=CONFIG.momentum)
        batches = replicas.batches_of_each(digits, [run.config])[0]
        for epoch in range(1, 4):
            optimiser.param_groups[0]["lr"] = CONFIG.learning_rate_at(epoch)
            for images, labels in batches:
                optimiser.zero_grad()
                weight = weights[row] if weighted else None
                F.cross_entropy(model(images[0]), labels[0], weight=weight).backward()
                optimiser.step()
        torch.testing.assert_close(run.model.linear.weight, model.linear.weight, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(run.model.linear.bias, model.linear.bias, rtol=1e-3, atol=1e-5)


def test_class_weights_need_a_row_for_each_replica(digits: ImageData) -> None:
    batches = replicas.batches_of_each(digits, CONFIGS)[0]
    for wrong in (torch.ones(10), torch.zeros(2, 10)):
        with pytest.raises(DataError, match=r"above 0 and of shape \(2, 10\)"):
            stepwise.train_to_the_end(CONFIGS, batches, class_weights=wrong)


def test_after_each_epoch_the_losses_are_those_that_replicas_record(digits: ImageData) -> None:
    batches, held = replicas.batches_of_each(digits, CONFIGS)
    seen = torch.stack(
        [stepwise.validation_losses(each, held) for each in stepwise.run_epochs(CONFIGS, batches)]
    )
    made = replicas.train(CONFIGS, *replicas.batches_of_each(digits, CONFIGS), show_progress=False)
    expected = [run.history.column("validation_loss") for run in made]
    torch.testing.assert_close(seen.T, torch.tensor(expected, dtype=torch.float64), rtol=1e-4, atol=1e-6)
    assert answers.after(made).tolist() == [each[-1] for each in expected]
    assert answers.best(made).tolist() == [min(each) for each in expected]


def test_the_loss_is_watched_after_each_update(digits: ImageData) -> None:
    images = standardise(digits)
    batches = math.ceil(150 / CONFIG.batch_size)
    watched = stepwise.watch_updates(CONFIGS, digits, images, digits.labels, batches)
    one_epoch = stepwise.train_to_the_end(
        [each.but(num_epochs=1) for each in CONFIGS], replicas.batches_of_each(digits, CONFIGS)[0]
    )
    losses = torch.from_numpy(answers.losses(one_epoch, images, digits.labels)).mean(dim=1)
    assert watched.shape == (2, batches)
    torch.testing.assert_close(watched[:, -1], losses, rtol=1e-4, atol=1e-6)


def test_descents_in_step_end_with_the_first_to_reach_the_level(digits: ImageData) -> None:
    images, rates = standardise(digits), (0.001, 0.01, 1e30)
    configs = [CONFIG.but(learning_rate=rate, momentum=0.0) for rate in rates]
    batches = [(images[:100], digits.labels[:100]), (images[100:], digits.labels[100:])]
    first, losses = stepwise.steps_to(1.8, configs, batches, images, digits.labels)
    model = make_model(configs[1]).cpu()
    expected, reached = [], False
    while not reached:
        inputs, labels = batches[len(expected) % 2]
        loss = F.cross_entropy(model(inputs), labels)
        expected.append(loss.item())
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.01 * parameter.grad
            reached = F.cross_entropy(model(images), digits.labels).item() <= 1.8
    assert first == 1
    assert losses.tolist() == pytest.approx(expected, rel=1e-4)
    with pytest.raises(TrainingError, match="within 2 steps"):
        stepwise.steps_to(0.01, configs, batches, images, digits.labels, most=2)


def test_a_grid_trains_each_seed_at_each_rate_and_lets_it_come_back(digits: ImageData) -> None:
    twice = training_transform(digits.description)
    bounded = [each.but(divergence_bound=3.0) for each in CONFIGS]
    grid = stepwise.train_grid(bounded, [0.01, 5.0], digits, lambda images: 2 * twice(images))
    assert [[run.config.learning_rate for run in row] for row in grid] == [[0.01, 5.0]] * 2
    assert all(run.trained for row in grid for run in row)
    with torch.no_grad():
        held = replicas.batches_of_each(digits, CONFIGS[1:])[1]
        images, labels = next(iter(held))
        loss = F.cross_entropy(grid[1][0].model.cpu()(2 * images[0]), labels[0]).item()
    assert answers.best(grid[1])[0] == pytest.approx(loss, rel=1e-4)


def test_answers_are_those_of_each_model(digits: ImageData) -> None:
    made = replicas.train(CONFIGS, *replicas.batches_of_each(digits, CONFIGS), show_progress=False)
    images = standardise(digits)
    with torch.no_grad():
        logits = torch.stack([run.model.cpu()(images) for run in made])
    hits = answers.hits(made, images, digits.labels)
    assert hits.tolist() == (logits.argmax(dim=2) == digits.labels).double().tolist()
    half = made[0].model
    with torch.no_grad():
        middle = make_model(CONFIG).cpu()
        for target, one, other in zip(
            middle.parameters(), half.parameters(), made[1].model.parameters(), strict=True
        ):
            target.copy_((one + other) / 2)
        ends = answers.losses(made, images, digits.labels).mean(axis=1)
        expected = F.cross_entropy(middle(images), digits.labels).item() - ends.mean()
    (excess,) = answers.midpoint_excess(made, images, digits.labels)
    assert excess == pytest.approx(expected, abs=1e-5)
    assert excess < 0
    confusions = answers.validation_confusions(made, digits)
    held = sum(each[1].numel() for each in replicas.batches_of_each(digits, CONFIGS)[1])
    assert confusions.sum() == held
    right = sum(each.history.best.validation_accuracy for each in made) * held / 2
    assert confusions.trace() == pytest.approx(right)


def test_a_short_protocol_decays_and_never_stops_early() -> None:
    short = stepwise.shortened(TrainingConfig(), 6)
    assert [short.learning_rate_at(epoch) for epoch in (1, 3, 5)] == pytest.approx([0.01, 0.001, 0.0001])
    assert short.early_stopping_patience == short.num_epochs == 6
