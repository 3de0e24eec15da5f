"""The range test measures on a copy: rates and losses are right, and nothing around it changes."""

import copy
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from test_trainer import toy_batches, toy_model, toy_tensors
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from tutorial_utils.exceptions import ConfigurationError, DataError
from tutorial_utils.training.batch_checks import order_generators
from tutorial_utils.training.batches import Batches
from tutorial_utils.training.models import LogisticRegression
from tutorial_utils.training.range_test import RangeTest, range_test, smooth


def test_the_rates_rise_geometrically_from_start_to_end() -> None:
    result = range_test(toy_model(), toy_batches(), start=1e-5, end=1e-1, num_points=9)
    assert result.learning_rates == pytest.approx([10 ** (-5 + k / 2) for k in range(9)])
    assert len(result.losses) == 9
    assert result.smoothed == pytest.approx(smooth(result.losses.tolist()))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_each_loss_is_that_of_the_batch_before_its_update_as_by_hand(momentum: float) -> None:
    """Seven points on three batches: the batches begin anew twice."""
    model = toy_model()
    weight, bias = (p.detach().clone().requires_grad_() for p in (model.linear.weight, model.linear.bias))
    velocity = [torch.zeros_like(weight), torch.zeros_like(bias)]
    images, labels = toy_tensors(25)
    losses = []
    for k in range(7):
        rate = 0.01 * 100 ** (k / 6)
        part = slice(10 * (k % 3), 10 * (k % 3) + 10)
        loss = F.nll_loss(F.log_softmax(images[part] @ weight.T + bias, dim=1), labels[part])
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, [weight, bias])
        velocity = [momentum * v + g for v, g in zip(velocity, gradients, strict=True)]
        weight, bias = (
            (p - rate * v).detach().requires_grad_() for p, v in zip((weight, bias), velocity, strict=True)
        )
    batches = toy_batches(None, n=25)
    result = range_test(model, batches, start=0.01, end=1, num_points=7, momentum=momentum)
    assert result.losses == pytest.approx(losses, rel=1e-9)


@given(losses=st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=30), neighbours=st.integers(0, 5))
def test_smoothing_is_pandas_centred_mean_and_narrows_evenly_at_the_ends(
    losses: list[float], neighbours: int
) -> None:
    means = smooth(losses, neighbours)
    inner = slice(neighbours, max(neighbours, len(losses) - neighbours))
    expected = pd.Series(losses).rolling(2 * neighbours + 1, center=True).mean().to_numpy()
    np.testing.assert_allclose(means[inner], expected[inner], rtol=1e-8)
    line = np.arange(float(len(losses)))  # where one side had more neighbours, its ends would bend
    np.testing.assert_allclose(smooth(line.tolist(), neighbours), line, atol=1e-12)


@pytest.mark.parametrize("lowest", [37, 80])
def test_the_lowest_rate_does_not_lag_behind_a_curve_of_known_minimum(lowest: int) -> None:
    """A valley with scatter: an average of the past alone finds its bottom several batches late."""
    rates, steps = np.geomspace(1e-7, 10, 100), np.arange(100)
    valley = 0.7 + ((steps - lowest) / 20) ** 2
    assert RangeTest(rates, valley, smooth(valley.tolist())).lowest == rates[lowest]
    scattered = valley + np.random.default_rng(0).normal(scale=0.05, size=(200, 100))
    found = [int(np.argmin(smooth(row.tolist()))) for row in scattered]
    assert abs(np.mean(found) - lowest) < 0.5
    trailing = [int(pd.Series(row).ewm(alpha=0.1).mean().argmin()) for row in scattered]
    assert np.mean(trailing) - lowest > 5


def test_the_steepest_fall_is_sought_before_the_lowest_loss() -> None:
    smoothed = np.array([2.0, 1.8, 1.0, 0.9, 40.0, 90.0, 20.0])
    assert RangeTest(np.geomspace(1e-4, 1e2, 7), smoothed, smoothed).steepest == pytest.approx(1e-3)


def test_steepest_and_lowest_rate_are_read_from_the_smoothed_loss() -> None:
    rates = np.geomspace(1e-4, 1e2, 7)
    smoothed = np.array([2.0, 1.9, 1.5, 0.6, 0.5, 0.9, 3.0])  # falls fastest around 1e-2 to 1e-1
    result = RangeTest(rates, losses=np.arange(7.0), smoothed=smoothed)
    assert result.steepest == pytest.approx(1e-2)  # (0.6 - 1.9) / 2 decades, more than (0.5 - 1.5) / 2
    assert result.lowest == pytest.approx(1e0)


def state_of(model: LogisticRegression, batches: Any) -> dict[str, Any]:
    """Everything that a range test must leave as it was."""
    return copy.deepcopy(
        {
            "weights": [p.detach().numpy() for p in model.parameters()],
            "gradients": [None if p.grad is None else p.grad.numpy() for p in model.parameters()],
            "needs gradient": [p.requires_grad for p in model.parameters()],
            "mode": model.training,
            "order": [each.get_state().numpy() for each in order_generators(batches).values()],
            "torch": torch.get_rng_state().numpy(),
            "python": random.getstate(),
            "numpy": np.random.get_state(legacy=False),
        }
    )


def sampled_loader(seed: int | None) -> Any:
    """The generator is the sampler's alone, or the global one."""
    data = TensorDataset(*toy_tensors(45))
    generator = toy_batches(seed).generator
    return DataLoader(data, batch_size=10, sampler=RandomSampler(data, generator=generator))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("gradients", [True, False])
@pytest.mark.parametrize(
    "make_batches",
    [lambda: toy_batches(4), lambda: sampled_loader(4), lambda: sampled_loader(None)],
    ids=["shuffled batches", "sampler", "sampler on the global generator"],
)
@pytest.mark.fault(52, 93)
def test_everything_is_afterwards_as_it_was_before(
    make_batches: Any, gradients: bool, training: bool
) -> None:
    model, batches = toy_model().train(training), make_batches()
    if gradients:
        model(torch.ones(2, 6, dtype=torch.float64)).sum().backward()
    before = state_of(model, batches)
    range_test(model, batches, start=0.1, end=10, num_points=8, momentum=0.9)
    np.testing.assert_equal(state_of(model, batches), before)


@pytest.mark.fault(52)
def test_an_optimiser_that_holds_the_model_is_left_alone() -> None:
    model = toy_model()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(2, 6, dtype=torch.float64)).sum().backward()
    optimiser.step()
    before = copy.deepcopy(optimiser.state_dict())
    range_test(model, toy_batches(4), start=0.1, end=10, num_points=8, momentum=0.9)
    torch.testing.assert_close(optimiser.state_dict(), before, rtol=0, atol=0)
    assert optimiser.param_groups[0]["params"][0] is model.linear.weight


class Spoilt(Batches):
    """From one step on, its images are no numbers."""

    def __init__(self, step: int, value: float) -> None:
        super().__init__(*toy_tensors(45), 10)
        self.step, self.value = step, value

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for step, (images, labels) in enumerate(super().__iter__(), start=1):
            yield images * self.value if step >= self.step else images, labels


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.fault(96)
def test_a_loss_that_is_no_number_ends_the_test_early_or_is_named_with_step_and_rate(value: float) -> None:
    rates = np.geomspace(1e-3, 1, 10)
    result = range_test(toy_model(), Spoilt(3, value), start=1e-3, end=1, num_points=10)
    assert result.learning_rates == pytest.approx(rates[:2])
    assert len(result.losses) == len(result.smoothed) == 2 and np.isfinite(result.losses).all()
    for step in (1, 2):
        words = rf"the loss is (nan|inf) at step {step} already, at learning rate {rates[step - 1]:g};"
        with pytest.raises(DataError, match=words):
            range_test(toy_model(), Spoilt(step, value), start=1e-3, end=1, num_points=10)


@pytest.mark.fault(96)
@pytest.mark.parametrize("losses", [[], [2.0], [2.0, math.nan], [2.0, 1.0, math.inf]])
def test_no_rate_is_read_from_fewer_than_two_losses_or_from_what_is_not_finite(losses: list[float]) -> None:
    result = RangeTest(np.geomspace(1e-3, 1, len(losses)), np.array(losses), np.array(losses))
    finite = sum(map(math.isfinite, losses))
    for name in ("steepest", "lowest"):
        with pytest.raises(DataError, match=f"{finite} of {len(losses)} smoothed losses are finite"):
            getattr(result, name)


@pytest.mark.fault(92)
def test_batches_that_it_cannot_use_are_refused_instead_of_waited_for() -> None:
    images, labels = toy_tensors(25)
    for batches, words in (
        ([], "gave none"),
        (iter(toy_batches()), "only once"),
        (Batches(images, labels.view(-1, 1), 1), "labels of shape"),
    ):
        with pytest.raises(DataError, match=words):
            range_test(toy_model(), batches, num_points=10)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"start": 1.0, "end": 1.0}, "start=1.0, end=1.0: need 0 < start < end"),
        ({"start": 0.0}, "start=0.0"),
        ({"start": math.nan}, "start=nan"),
        ({"end": math.inf}, "end=inf"),
        ({"num_points": 1}, "num_points=1: need a whole number of at least 2"),
        ({"num_points": 10.0}, "num_points=10.0"),
        ({"num_points": True}, "num_points=True"),
        ({"momentum": 1.0}, "momentum=1.0: need 0 <= momentum < 1"),
        ({"momentum": math.nan}, "momentum=nan"),
    ],
)
@pytest.mark.fault(36)
def test_settings_that_make_no_range_are_refused_before_a_batch_is_drawn(
    values: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match="this range test is not allowed") as caught:
        range_test(toy_model(), iter(()), **values)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2
