"""What a classifier said, and nothing of how it was trained: all that evaluation sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tutorial_utils.exceptions import PredictionError, join_problems

Floats = NDArray[np.float64]

SUM_TOLERANCE = 1e-4
"""How far a row of probabilities may be from summing to one: float32 rounding misses it by 1e-6."""


@dataclass(frozen=True)
class Predictions:
    """What a classifier said about n images.

    Attributes:
        labels: Predicted classes, int64, shape (n,).
        probabilities: Float, shape (n, num_classes), rows summing to one.

    Raises:
        PredictionError: Empty, not finite, of unequal length, or not probabilities.
    """

    labels: Tensor
    probabilities: Tensor

    def __post_init__(self) -> None:
        problems = find_problems(self.labels, self.probabilities)
        if problems:
            raise PredictionError(join_problems("these are not predictions:", problems))

    @classmethod
    def from_probabilities(cls, probabilities: Tensor) -> Predictions:
        """Predict the most probable class of each row.

        Args:
            probabilities: Shape (n, num_classes).
        """
        usable = probabilities.ndim == 2 and probabilities.numel() > 0
        labels = probabilities.argmax(dim=1) if usable else torch.empty(0, dtype=torch.int64)
        return cls(labels=labels, probabilities=probabilities)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return self.probabilities.shape[1]

    @property
    def confidence(self) -> Tensor:
        """Probability of the most probable class, shape (n,)."""
        return self.probabilities.amax(dim=1)

    def subset(self, indices: Tensor) -> Predictions:
        """Keep some images.

        Args:
            indices: Positions (int64) or a mask (bool), shape (k,) or (n,).
        """
        return Predictions(self.labels[indices], self.probabilities[indices])


@dataclass(frozen=True)
class Aligned:
    """Predictions beside the truth about the same images, checked to belong together.

    Attributes:
        truth: True labels, int64, shape (n,).
        predicted: Predicted labels, int64, shape (n,).
        probabilities: float64, shape (n, num_classes), rows summing to one beyond float32's rounding.
    """

    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: Floats

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each prediction is right, shape (n,)."""
        return np.asarray(self.truth == self.predicted)

    @property
    def confidence(self) -> Floats:
        """Probability of each predicted class, shape (n,)."""
        return self._probability_of(self.predicted)

    @property
    def p_true(self) -> Floats:
        """Probability of each true class, shape (n,)."""
        return self._probability_of(self.truth)

    def _probability_of(self, labels: NDArray[np.int64]) -> Floats:
        chosen: Floats = self.probabilities[np.arange(len(labels)), labels]
        return chosen


def align(true_labels: Tensor, predictions: Predictions) -> Aligned:
    """Put predictions beside the truth, as arrays; the one place that checks that they belong together.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same n images in the same order.

    Raises:
        PredictionError: Lengths differ, or a label is not a class.
    """
    if true_labels.shape != predictions.labels.shape:
        raise PredictionError(
            f"true labels have shape {tuple(true_labels.shape)}, "
            f"predictions {tuple(predictions.labels.shape)}; both must be (n,), for the same images"
        )
    for problem in _problems_of_labels(true_labels, predictions.num_classes):
        raise PredictionError(f"true {problem}")
    truth, predicted = true_labels.cpu().numpy(), predictions.labels.cpu().numpy()
    rows = predictions.probabilities.cpu().double().numpy()
    return Aligned(truth, predicted, rows / rows.sum(axis=1, keepdims=True))


def find_problems(labels: Tensor, probabilities: Tensor) -> list[str]:
    """List what keeps labels and probabilities from being predictions; empty when nothing does."""
    if probabilities.ndim != 2 or labels.ndim != 1:
        return [
            f"labels must have shape (n,) and probabilities (n, classes); "
            f"found {tuple(labels.shape)} and {tuple(probabilities.shape)}"
        ]
    if len(labels) == 0 or probabilities.numel() == 0:
        return [f"there are {len(labels):,} labels and probabilities of shape {tuple(probabilities.shape)}"]
    problems = []
    if len(labels) != len(probabilities):
        problems.append(f"{len(labels):,} labels but {len(probabilities):,} rows of probabilities")
    problems += _problems_of_labels(labels, probabilities.shape[1])
    if not probabilities.is_floating_point() or not bool(torch.isfinite(probabilities).all()):
        return [*problems, "probabilities must be finite floats"]
    if probabilities.min() < 0 or probabilities.max() > 1 + SUM_TOLERANCE:
        problems.append("probabilities must lie between 0 and 1; were logits passed? Apply softmax first")
    worst = (probabilities.sum(dim=1) - 1).abs().max().item()
    if worst > SUM_TOLERANCE:
        problems.append(f"each row must sum to 1; the worst misses it by {worst:.3g}")
    return problems


def _problems_of_labels(labels: Tensor, num_classes: int) -> list[str]:
    """What keeps labels from being classes, if anything."""
    if labels.is_floating_point() or labels.dtype == torch.bool:
        return [f"labels must be integers, found {labels.dtype}"]
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        return [f"labels must lie between 0 and {num_classes - 1}, found {low} to {high}"]
    return []


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, batch_size: int = 10_000) -> Predictions:
    """Predict the classes of images.

    The model is put into evaluation mode for the call and back into its mode afterwards.

    Args:
        model: Maps (n, ...) images to (n, num_classes) logits.
        images: Standardised as in training, float, shape (n, channels, height, width).
        batch_size: Images per forward pass; only memory depends on it.

    Returns:
        Predictions on the CPU, probabilities in float64.

    Raises:
        PredictionError: There are no images, or the model returned something that is not finite.
    """
    if len(images) == 0:
        raise PredictionError("there are no images to predict")
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        logits = torch.cat([model(part.to(device)).cpu() for part in images.split(batch_size)])
    finally:
        model.train(was_training)
    # In float64 a confident mistake keeps a probability above zero, so its log loss stays finite.
    return Predictions.from_probabilities(logits.double().softmax(dim=1))
