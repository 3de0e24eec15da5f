"""Features of images by a fixed convolution: how much of every centroid is where, in coarse squares."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutorial_utils.exceptions import ConfigurationError, DataError
from tutorial_utils.features import patches
from tutorial_utils.features.patches import Whitening
from tutorial_utils.progress import bar
from tutorial_utils.reproducibility import make_generator

SIDE = 6
"""Height and width of a patch in pixels."""

CONTRAST_FLOOR = 0.01
"""Added to the variance of a patch, a tenth of the full range of brightness as a standard deviation."""

WHITENING_FLOOR = 0.1
"""Added to the variance of contrast-normalised patches along each direction."""

NUM_PATCHES = 100_000
"""Patches that whitening and centroids are learnt from."""

BATCH_SIZE = 25
"""Images convolved at a time: what they need then stays in the processor's cache."""


class PatchFeatures(nn.Module):
    """Turns images into features that a linear model can use; nothing in it is trained (Coates and Ng 2011).

    For every patch, normalised and whitened, and every centroid: the scalar product, less a threshold, or 0
    if that is negative. Then the mean over the patches in each square of a coarse grid.

    Whitening and the scalar product are linear, so their product is one filter per centroid. Contrast
    normalisation divides what comes out by the deviation of the patch, for which two means over its pixels
    are enough. So no patch is ever cut out.

    Args:
        centroids: (count, channels * side * side).
        whitening: That the centroids were found in.
        channels: Of the images.
        grid: Squares along either side; 2 makes four features of a centroid.
        stride: Pixels between neighbouring patches.
        threshold: Subtracted from each scalar product.
        contrast_floor: Above 0, see :func:`~tutorial_utils.features.patches.normalise_contrast`.
    """

    centroids: Tensor
    filters: Tensor
    offsets: Tensor

    def __init__(
        self,
        centroids: Tensor,
        whitening: Whitening,
        *,
        channels: int,
        grid: int,
        stride: int = 2,
        threshold: float = 0.25,
        contrast_floor: float = CONTRAST_FLOOR,
    ) -> None:
        super().__init__()
        side = round((centroids.shape[1] / channels) ** 0.5)
        if channels * side**2 != centroids.shape[1] or min(grid, stride) < 1 or contrast_floor <= 0:
            raise ConfigurationError(
                f"centroids of {centroids.shape[1]} numbers make no squares of {channels} channels at "
                f"grid={grid}, stride={stride}, contrast_floor={contrast_floor}; give channels x side x side "
                "numbers, grid and stride from 1, and a floor above 0"
            )
        self.grid, self.stride, self.contrast_floor = grid, stride, contrast_floor
        products = centroids @ whitening.matrix
        # A filter without a mean does not see that of the patch, which need not be subtracted then.
        filters = products - products.mean(dim=1, keepdim=True)
        shaped = filters.view(-1, channels, side, side)
        self.register_buffer("centroids", centroids)
        # A clone, since a single channel counts as last already: what is convolved with it has channels last.
        self.register_buffer("filters", shaped.clone(memory_format=torch.channels_last))
        self.register_buffer("offsets", -(products @ whitening.mean + threshold).view(-1, 1, 1))

    @classmethod
    def fit(
        cls,
        images: Tensor,
        count: int,
        seed: int,
        *,
        grid: int,
        rounds: int = 10,
        stride: int = 2,
        threshold: float = 0.25,
    ) -> PatchFeatures:
        """Learn whitening and centroids from patches of images. No label is needed.

        This happens on the CPU, whatever else is there: equal seeds give equal features.

        Args:
            images: uint8, or float in [0, 1], shape (n, channels, height, width).
            count: Centroids, 1 to 100,000.
            seed: Draws patches and first centroids.
            grid: See the class.
            rounds: Of k-means; 0 takes random patches as they are.
            stride: See the class.
            threshold: See the class.

        Raises:
            DataError: There are no images, they are smaller than a patch, or the count is out of range.
        """
        generator = make_generator(seed, "patches")
        raw = patches.sample_patches(images.cpu(), NUM_PATCHES, SIDE, generator)
        normalised = patches.normalise_contrast(raw, CONTRAST_FLOOR)
        whitening = patches.fit_whitening(normalised, WHITENING_FLOOR)
        points = (normalised - whitening.mean) @ whitening.matrix
        centroids = patches.spherical_kmeans(points, count, generator, rounds)
        return cls(
            centroids, whitening, channels=images.shape[1], grid=grid, stride=stride, threshold=threshold
        )

    @property
    def num_features(self) -> int:
        """Features of an image: centroids times squares."""
        return len(self.filters) * self.grid**2

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Compute the features of any number of images, a few at a time.

        Args:
            images: uint8, or float in [0, 1], shape (n, channels, height, width), anywhere.

        Returns:
            float32, shape (n, num_features), not negative, where the images are; ordered by centroid, then by
            square, row by row.

        Raises:
            DataError: The images hold fewer patches along a side than the grid has squares.
        """
        height, width = (1 + (size - self.filters.shape[-1]) // self.stride for size in images.shape[2:])
        if min(height, width) < self.grid:
            raise DataError(
                f"images of {tuple(images.shape[2:])} hold {height} x {width} patches, too few for "
                f"grid={self.grid}; give larger images, or a smaller grid or stride"
            )
        features = torch.empty(len(images), self.num_features, device=images.device)
        windows = [self._windows(size) for size in images.shape[2:]]
        with bar(total=len(images), description="features", unit="image") as progress:
            for part, room in zip(images.split(BATCH_SIZE), features.split(BATCH_SIZE), strict=True):
                ready = patches.pixels(part.to(self.filters.device))
                # Answers get no name: their memory, still in the cache, is free for those of the next batch.
                room.copy_(F.adaptive_avg_pool2d(self._answers(ready, *windows), self.grid).flatten(1))
                progress.update(len(part))
        return features

    def _answers(self, images: Tensor, down: Tensor, along: Tensor) -> Tensor:
        """What every centroid says to every patch, shape (n, count, rows, columns), not negative."""
        ready = images.contiguous(memory_format=torch.channels_last)
        products = F.conv2d(ready, self.filters, stride=self.stride)
        # Means over all windows, a side at a time.
        mean, square = (down.T @ each.mean(dim=1, keepdim=True) @ along for each in (images, images**2))
        contrast = (square - mean**2 + self.contrast_floor).rsqrt()
        return torch.addcmul(self.offsets, products, contrast, out=products).relu_()

    def _windows(self, size: int) -> Tensor:
        """Means over neighbours as a matrix, shape (size, places); as a product they are quicker."""
        every = torch.eye(size, device=self.filters.device)
        return F.avg_pool1d(every, self.filters.shape[-1], self.stride)
