"""Nothing but predictions passes for predictions, and a model makes them without being changed."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax
from torch import Tensor, nn

from tutorial_utils.evaluation.predictions import Predictions, predict
from tutorial_utils.exceptions import PredictionError
from tutorial_utils.training.models import LogisticRegression


def random_images(n: int = 7, shape: tuple[int, ...] = (1, 4, 5)) -> Tensor:
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(0))


class Moody(nn.Module):
    """Computes something else in training mode, and keeps the sizes of what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(20, 3)
        self.seen: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(len(images))
        logits: Tensor = self.linear(images.flatten(1))
        return logits * 100 if self.training else logits


def test_predict_returns_softmax_and_most_probable_class_on_the_cpu_in_float64() -> None:
    model, images = LogisticRegression(20, 3), random_images(50)
    predictions = predict(model, images)
    expected = softmax(model(images).double().numpy(force=True), axis=1)
    np.testing.assert_allclose(predictions.probabilities.numpy(), expected, rtol=1e-6)
    assert predictions.probabilities.dtype == torch.float64
    assert predictions.labels.tolist() == expected.argmax(axis=1).tolist()
    np.testing.assert_array_equal(predictions.confidence.numpy(), predictions.probabilities.numpy().max(1))
    assert (len(predictions), predictions.num_classes) == (50, 3)


@pytest.mark.parametrize("training", [True, False])
def test_predict_measures_in_evaluation_mode_and_restores_the_mode_after_an_error_too(training: bool) -> None:
    model, images = Moody().train(training), random_images()
    expected = softmax(model.linear(images.flatten(1)).numpy(force=True), axis=1)
    np.testing.assert_allclose(predict(model, images).probabilities.numpy(), expected, atol=1e-6)
    assert model.training is training
    with pytest.raises(RuntimeError):
        predict(model, torch.zeros(2, 1, 3, 3))
    assert model.training is training


@given(batch_size=st.integers(1, 30))
def test_the_batch_size_of_predict_bounds_memory_and_changes_no_prediction(batch_size: int) -> None:
    torch.manual_seed(1)
    model, images = Moody(), random_images(23)
    whole = predict(model, images)
    model.seen.clear()
    parts = predict(model, images, batch_size=batch_size)
    assert parts.labels.tolist() == whole.labels.tolist()
    torch.testing.assert_close(parts.probabilities, whole.probabilities, rtol=1e-5, atol=1e-7)
    assert sum(model.seen) == 23 and max(model.seen) <= batch_size


def test_a_confident_mistake_keeps_a_probability_above_zero() -> None:
    model = LogisticRegression(1, 2)
    with torch.no_grad():
        model.linear.weight.copy_(torch.tensor([[300.0], [-300.0]]))
    assert predict(model, torch.ones(1, 1)).probabilities[0, 1].item() == pytest.approx(math.exp(-600))


@pytest.mark.fault(56)
def test_predict_refuses_no_images_and_a_model_that_answers_nan() -> None:
    model = LogisticRegression(20, 3)
    with pytest.raises(PredictionError, match="no images"):
        predict(model, torch.empty(0, 1, 4, 5))
    with torch.no_grad():
        model.linear.weight.fill_(math.nan)
    with pytest.raises(PredictionError, match="finite"):
        predict(model, random_images())


RIGHT = torch.tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        pytest.param([0, 1], RIGHT * math.nan, "finite", id="NaN"),
        pytest.param([0, 1], RIGHT * math.inf, "finite", id="infinite"),
        pytest.param([0, 1], (RIGHT * 4).long(), "finite floats", id="integers as probabilities"),
        pytest.param([], torch.empty(0, 3), r"0 labels and probabilities of shape \(0, 3\)", id="empty"),
        pytest.param([0, 1], torch.empty(2, 0), r"2 labels and .* \(2, 0\)", id="no classes"),
        pytest.param([0, 1, 1], RIGHT, "3 labels but 2 rows", id="too many labels"),
        pytest.param([0, 1], RIGHT[0], r"\(n, classes\); found \(2,\) and \(3,\)", id="one row, flat"),
        pytest.param([[0], [1]], RIGHT, r"found \(2, 1\) and \(2, 3\)", id="labels as a column"),
        pytest.param([0, 1], torch.tensor([[3.0, -1, 2], [0, 9, 1]]), "were logits passed", id="logits"),
        pytest.param([0, 1], RIGHT * 0.9, r"sum to 1\b.*\b0\.1", id="rows below one"),
        pytest.param([0, 3], RIGHT, r"0 and 2\b.*\b0 to 3", id="label too large"),
        pytest.param([-1, 1], RIGHT, r"0 and 2\b.* -1 to 1", id="label negative"),
        pytest.param([True, False], RIGHT, "integers, found torch.bool", id="bool labels"),
        pytest.param([0.0, 1.0], RIGHT, "integers.*torch.float32", id="float labels"),
    ],
)
@pytest.mark.fault(56, 57)
def test_what_is_no_prediction_is_refused(labels: list[object], probabilities: Tensor, message: str) -> None:
    with pytest.raises(PredictionError, match=message):
        Predictions(labels=torch.tensor(labels), probabilities=probabilities)


@pytest.mark.parametrize(
    "probabilities", [torch.empty(0, 3), torch.empty(3, 0), torch.tensor(0.5), RIGHT[0], RIGHT * math.nan]
)
@pytest.mark.fault(56)
def test_probabilities_that_are_none_are_refused_before_a_class_is_chosen(probabilities: Tensor) -> None:
    with pytest.raises(PredictionError):
        Predictions.from_probabilities(probabilities)


def test_several_problems_are_listed_together() -> None:
    with pytest.raises(PredictionError) as caught:
        Predictions(labels=torch.tensor([0.5]), probabilities=torch.tensor([[3.0, -1.0], [2.0, 2.0]]))
    assert all(
        word in str(caught.value) for word in ("1 labels but 2 rows", "integers", "logits", "sum to 1")
    )


@given(
    logits=st.lists(st.lists(st.floats(-50, 50, width=32), min_size=4, max_size=4), min_size=1, max_size=8)
)
def test_every_float32_softmax_passes_for_probabilities(logits: list[list[float]]) -> None:
    probabilities = torch.tensor(logits).softmax(dim=1)
    predictions = Predictions.from_probabilities(probabilities)
    expected = [row.index(max(row)) for row in probabilities.tolist()]
    assert predictions.labels.tolist() == expected


def test_a_subset_keeps_labels_and_probabilities_together() -> None:
    predictions = Predictions.from_probabilities(torch.eye(4)[[2, 0, 3, 1]])
    by_index = predictions.subset(torch.tensor([3, 0]))
    assert by_index.labels.tolist() == [1, 2]
    assert torch.equal(by_index.probabilities, torch.eye(4)[[1, 2]])
    by_mask = predictions.subset(predictions.labels > 1)
    assert by_mask.labels.tolist() == [2, 3]
