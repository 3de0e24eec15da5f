"""The model: softmax regression, and the step from images to predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from tutorial_utils.catalogue import DatasetDescription
from tutorial_utils.config import TrainingConfig
from tutorial_utils.exceptions import PredictionError, join_problems
from tutorial_utils.reproducibility import make_generator

Initialisation = Literal["xavier_uniform", "default"]

SUM_TOLERANCE = 1e-4
"""How far a row of probabilities may be from summing to one: float32 rounding stays below 1e-6 for ten
classes, logits passed by mistake miss it by far more."""


class LogisticRegression(nn.Module):
    """Softmax regression: flatten the image, then one linear layer from pixels to logits.

    Args:
        num_features: Inputs per image, 784 for MNIST.
        num_classes: Outputs, one logit per class.
        initialisation: ``"xavier_uniform"`` (Glorot and Bengio 2010, zero bias) or ``"default"``, PyTorch's
            own: weights and bias uniform within 1 / sqrt(num_features).
        generator: Stream that the initial values are drawn from; None takes the global one.
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        *,
        initialisation: Initialisation = "xavier_uniform",
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(num_features, num_classes)
        self.reset_parameters(initialisation, generator)

    def reset_parameters(
        self, initialisation: Initialisation = "xavier_uniform", generator: torch.Generator | None = None
    ) -> None:
        """Draw the initial weights and bias anew."""
        weight, bias = self.linear.weight, self.linear.bias
        if initialisation == "xavier_uniform":
            nn.init.xavier_uniform_(weight, generator=generator)
            nn.init.zeros_(bias)
        else:
            bound = 1 / math.sqrt(self.linear.in_features)
            nn.init.uniform_(weight, -bound, bound, generator=generator)
            nn.init.uniform_(bias, -bound, bound, generator=generator)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logits.

        Args:
            images: Float tensor, shape (n, ...) with ``num_features`` values per image.

        Returns:
            Logits, shape (n, num_classes).
        """
        logits: Tensor = self.linear(images.flatten(start_dim=1))
        return logits

    @torch.no_grad()
    def predict_proba(self, images: Tensor) -> Tensor:
        """Compute class probabilities: the softmax of the logits.

        Args:
            images: As for :meth:`forward`.

        Returns:
            Probabilities, shape (n, num_classes), rows summing to one.
        """
        logits: Tensor = self(images)
        return logits.softmax(dim=1)


def make_model(config: TrainingConfig) -> LogisticRegression:
    """Make the untrained model that a configuration describes.

    Args:
        config: Gives the data set's sizes, the initialisation and the seed.

    Returns:
        The model, on the CPU; the same seed gives the same weights.
    """
    description: DatasetDescription = config.description
    return LogisticRegression(
        description.num_features,
        description.num_classes,
        initialisation=config.initialisation,
        generator=make_generator(config.seed, "initialisation"),
    )


@dataclass(frozen=True)
class Predictions:
    """What a classifier said about n images; evaluation sees this and nothing else.

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
    if labels.is_floating_point() or labels.dtype == torch.bool:
        problems.append(f"labels must be integers, found {labels.dtype}")
    elif labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        problems.append(
            f"labels must lie between 0 and {probabilities.shape[1] - 1}, "
            f"found {labels.min().item()} to {labels.max().item()}"
        )
    if not probabilities.is_floating_point() or not bool(torch.isfinite(probabilities).all()):
        return [*problems, "probabilities must be finite floats"]
    if probabilities.min() < 0 or probabilities.max() > 1 + SUM_TOLERANCE:
        problems.append("probabilities must lie between 0 and 1; were logits passed? Apply softmax first")
    worst = (probabilities.sum(dim=1) - 1).abs().max().item()
    if worst > SUM_TOLERANCE:
        problems.append(f"each row must sum to 1; the worst misses it by {worst:.3g}")
    return problems


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
