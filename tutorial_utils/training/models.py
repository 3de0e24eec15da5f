"""The model: softmax regression, and the step from images to predictions."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from tutorial_utils.data.catalogue import DatasetDescription
from tutorial_utils.reproducibility import choose_device, make_generator
from tutorial_utils.training.config import TrainingConfig

Initialisation = Literal["xavier_uniform", "default"]


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
        config: Gives the data set's sizes, the initialisation, the seed and the device.

    Returns:
        The model, on the configured device; the same seed gives the same weights on each.
    """
    description: DatasetDescription = config.description
    model = LogisticRegression(
        description.num_features,
        description.num_classes,
        initialisation=config.initialisation,
        generator=make_generator(config.seed, "initialisation"),
    )
    return model.to(choose_device(config.device))
