"""Small networks that learn their features, quick on one core."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn

from tutorial_utils.exceptions import ConfigurationError


def dense(
    num_features: int, widths: Sequence[int], num_classes: int = 10, *, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Make a network of fully connected layers, a multi-layer perceptron.

    Args:
        num_features: Values per image; images of any shape are flattened.
        widths: Units of each hidden layer; none makes softmax regression.
        num_classes: Logits.
        activation: Follows every hidden layer.

    Returns:
        Maps images (n, ...) to logits (n, num_classes); begins as PyTorch draws it from its global generator.

    Raises:
        ConfigurationError: A size is below 1.
    """
    sizes = (num_features, *widths)
    _check_sizes((*sizes, num_classes))
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], num_classes))


def convolutional(
    image_channels: int,
    widths: Sequence[int],
    num_classes: int = 10,
    *,
    batch_norm: bool = True,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Make a small convolutional network for images of about 30 pixels a side.

    The first two layers move two pixels at a time, so that most of the work is done at a sixteenth of the
    places: with widths (32, 64, 64, 128) an epoch of 45,000 colour images takes ten seconds of one core.

    Args:
        image_channels: 1 for grey images, 3 for colour.
        widths: Filters of each of the four layers: 6 x 6 in steps of two pixels, 3 x 3 in steps of two,
            3 x 3, then the largest of each 2 x 2, and 3 x 3. The last layer sees their mean over the image.
        num_classes: Logits.
        batch_norm: Normalise what each filter gives over the batch (Ioffe and Szegedy 2015). Without it the
            filters begin at the size that suits ReLU (He et al. 2015).
        dropout: Share of the last features that training sets to zero at random (Srivastava et al. 2014).

    Returns:
        Maps images (n, channels, height, width) to logits; the layers before its last one are its features.
        It begins as PyTorch draws it from its global generator, and lies in memory channels last, which is
        quicker.

    Raises:
        ConfigurationError: There are not four widths, a size is below 1, or ``dropout`` is no share.
    """
    if len(widths) != 4 or not 0 <= dropout < 1:
        raise ConfigurationError(
            f"widths={tuple(widths)}, dropout={dropout}; allowed: four widths, and a dropout of 0 to below 1"
        )
    sizes = (image_channels, *widths)
    _check_sizes((*sizes, num_classes))
    kinds = ((6, 2, 2), (3, 2, 1), (3, 1, 1), (3, 1, 1))  # pixels a side, step, margin
    layers: list[nn.Module] = []
    for number, (kernel, stride, padding) in enumerate(kinds):
        if number == 3:
            layers.append(nn.MaxPool2d(2))
        inputs, outputs = sizes[number : number + 2]
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=not batch_norm)
        layers.append(convolution)
        if batch_norm:
            layers.append(nn.BatchNorm2d(outputs))
        elif convolution.bias is not None:  # otherwise each layer's answers would be smaller than the last's
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            nn.init.zeros_(convolution.bias)
        layers.append(nn.ReLU())
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers += [nn.Dropout(dropout)] if dropout else []
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], num_classes))
    return network.to(memory_format=torch.channels_last)


def _check_sizes(sizes: Sequence[int]) -> None:
    """Refuse a layer without units."""
    if min(sizes) < 1:
        raise ConfigurationError(f"sizes {tuple(sizes)}: each must be at least 1")
