"""Intervals for numbers that are not independent: neighbouring images, and images seen by several models."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tutorial_utils.evaluation.statistics import CONFIDENCE, finite_values
from tutorial_utils.exceptions import DataError

# SciPy is imported where it is used.

Floats = NDArray[np.float64]

BLOCK_LENGTH = 100
"""Neighbouring images that are taken together: about as many as one writer gave to MNIST's test set."""

FEWEST_BLOCKS = 10
"""With fewer blocks their variance says next to nothing."""

BLOCKS_PER_DEGREE = 3
"""Blocks that are worth one degree of freedom where the covariance of neighbours is estimated, too."""


class BlockInterval(NamedTuple):
    """Mean over images in stored order, and its 95 % interval from blocks of neighbours.

    Attributes:
        design_effect: Variance of the mean behind the interval, as a multiple of what independent images
            would give: about 1 if they are, 2 if they tell only as much as half their number would.
        within_blocks: The part of it that blocks alone show; their neighbours add the rest.
        blocks: Number of blocks.
        n: Number of images.
    """

    mean: float
    low: float
    high: float
    design_effect: float
    within_blocks: float
    blocks: int
    n: int


class CrossedInterval(NamedTuple):
    """Mean over seeds and images, and its 95 % interval for other seeds and other images at once.

    Attributes:
        standard_error: Of the mean, in the unit of the values; what
            :func:`~tutorial_utils.evaluation.power.detectable` asks for.
        seed_share: Share of its square that other seeds alone would cause, 0 to 1; the rest is the images'.
        degrees_of_freedom: Of the t quantile: near the number of seeds if these dominate, of images if those.
    """

    mean: float
    low: float
    high: float
    standard_error: float
    seed_share: float
    degrees_of_freedom: float


def block_interval(values: ArrayLike, length: int = BLOCK_LENGTH, strata: int = 1) -> BlockInterval:
    """Student's t interval of a mean over images of which neighbours may be alike, at 95 %.

    The images of one writer stand together in MNIST's test set, and are easy or hard together, so Wilson's
    interval for independent images is too narrow. Here the sum of each block of neighbours counts as one
    observation (Cameron and Miller 2015, for clusters). Where a writer ends is not known: one writer's images
    may lie on both sides of an edge. So the covariance of neighbouring blocks is added, as for the mean of
    any series whose memory is no longer than a block (White and Domowitz 1984). A negative one is taken as
    chance.

    The interval is for other images from other writers. It holds for this one trained model.

    Args:
        values: One number per image in stored order, shape (n,): bool (right or wrong), losses, or
            differences of two models.
        length: Images per block, at least 1 and about as long as the memory. Blocks differ by one image where
            it does not divide n. ``n`` must be enough for ten blocks.
        strata: Equal consecutive parts that any other test set of this kind would have, too: 2 for MNIST,
            half of which comes from either of two collections (LeCun et al. 1998). What differs between them
            then counts as no chance.

    Returns:
        Mean and bounds in the unit of the values (fractions for bool). Without width if all blocks agree:
        for an accuracy of 0 or 1 use :func:`~tutorial_utils.evaluation.statistics.wilson_interval`.

    Raises:
        DataError: Values of another shape, not finite, too few for ten blocks, or in no equal parts.
    """
    series = finite_values(values, "this series")
    if series.ndim != 1:
        raise DataError(f"blocks need one number per image, shape (n,); found shape {series.shape}")
    sums = _block_sums(_centred(series, strata), length)
    degrees = sums.size - strata
    variances = [_variance_of_blocks(sums, degrees, neighbours=each) for each in (False, True)]
    # With neighbours, K blocks estimate the variance as well as K / 3 degrees of freedom would: the squares
    # contribute 2 / K to its relative variance, the products of neighbours 4 / K, together 2 / (K / 3).
    low, high = _t_interval(series.mean(), variances[1] / series.size**2, degrees / BLOCKS_PER_DEGREE)
    independent = float(series.var() * series.size)
    within, effect = (each / independent if independent else float("nan") for each in variances)
    return BlockInterval(float(series.mean()), low, high, effect, within, sums.size, series.size)


def crossed_interval(values: ArrayLike, block: int = 1, strata: int = 1) -> CrossedInterval:
    """Interval of a mean over seeds *and* images, at 95 %: what would other seeds on other images give?

    Every model answers every image, so neither the seeds' nor the images' spread alone is enough, and adding
    both counts twice what belongs to single pairs of them. The variance of the mean is that of the seeds'
    means plus that of the images' means, minus the variance that single pairs put into both: two-way
    clustering (Cameron, Gelbach and Miller 2011), here with parts below 0 set to 0. Its quantile is Student's
    with the degrees of freedom of Satterthwaite (1946), because ten seeds are few. The pigeonhole bootstrap
    (Owen 2007), which draws seeds and images again, aims at the same variance. It counts what belongs to
    single pairs three times, and its percentiles know no t quantile: of ten seeds they are too narrow where
    seeds dominate.

    For the difference of two settings pass the matrix of differences, paired by seed and image.
    Seeds that share training images vary less than fresh training sets would; the interval does not know.

    Args:
        values: Shape (seeds, images), bool (right or wrong) or numbers, both at least 2. Images in stored
            order if ``block`` is above 1.
        block: Neighbouring images that count as one observation, see :func:`block_interval`; 1 for images
            that are independent.
        strata: As in :func:`block_interval`.

    Returns:
        Mean and bounds in the unit of the values (fractions for bool).

    Raises:
        DataError: Values of another shape, not finite, too few images for ten blocks, or in no equal parts.
    """
    matrix = finite_values(values, "this matrix")
    if matrix.ndim != 2 or min(matrix.shape) < 2:
        raise DataError(
            "crossed intervals need one row per seed and one column per image, two or more of each; "
            f"found shape {matrix.shape}"
        )
    num_seeds, num_images = matrix.shape
    centred = _centred(matrix, strata)
    sums = (centred if block == 1 else _block_sums(centred, block)).reshape(num_seeds, -1)
    num_blocks = sums.shape[1]
    block_degrees = num_blocks - strata
    of_seeds, of_blocks = sums.sum(axis=1), sums.mean(axis=0)
    # What is left of a pair's sum, once what its seed and its block do on average is taken away.
    left = sums - of_blocks - (of_seeds / num_blocks)[:, np.newaxis]
    seeds = of_seeds.var(ddof=1) / num_seeds / num_images**2
    images = _variance_of_blocks(of_blocks, block_degrees, neighbours=block > 1) / num_images**2
    pairs = num_blocks * (left**2).sum() / (num_seeds - 1) / block_degrees / num_seeds / num_images**2
    by_seed, by_image = max(seeds - pairs, 0.0), max(images - pairs, 0.0)
    variance = by_seed + by_image + pairs
    degrees = (
        num_seeds - 1,
        block_degrees / (BLOCKS_PER_DEGREE if block > 1 else 1),
        (num_seeds - 1) * block_degrees,
    )
    noise = sum(part**2 / df for part, df in zip((seeds, images, pairs), degrees, strict=True))
    df = max(variance**2 / noise, min(degrees)) if noise else float(min(degrees))
    mean = float(matrix.mean())
    low, high = _t_interval(mean, variance, df)
    share = by_seed / variance if variance else float("nan")
    return CrossedInterval(mean, low, high, float(np.sqrt(variance)), float(share), float(df))


def _centred(values: Floats, strata: int) -> Floats:
    """Images in strata, shape (..., strata, n / strata), less each stratum's mean over everything."""
    n = values.shape[-1]
    if strata < 1 or n % strata:
        raise DataError(f"{n:,} images do not make {strata} equal parts; give strata=1, or all images")
    parts = values.reshape(*values.shape[:-1], strata, n // strata)
    means = parts.reshape(-1, strata, n // strata).mean(axis=(0, 2))
    centred: Floats = parts - means[:, np.newaxis]
    return centred


def _block_sums(parts: Floats, length: int) -> Floats:
    """Sums over blocks of neighbours, which differ by at most one in length; the last axis gets shorter."""
    strata, n = parts.shape[-2:]
    if length < 1 or strata * (n // length) < FEWEST_BLOCKS:
        raise DataError(
            f"a length of 1 or more and {FEWEST_BLOCKS} blocks are needed; blocks of {length:,} images in "
            f"{strata} x {n:,} images are too few"
        )
    starts = np.linspace(0, n, n // length, endpoint=False).astype(int)
    sums: Floats = np.add.reduceat(parts, starts, axis=-1)
    return sums


def _variance_of_blocks(sums: Floats, degrees_of_freedom: int, *, neighbours: bool) -> float:
    """Variance of the total of blocks whose own total is 0."""
    row = sums.ravel()
    products = max(float(row[1:] @ row[:-1]), 0.0) if neighbours else 0.0
    return (float(row @ row) + 2 * products) * row.size / degrees_of_freedom


def _t_interval(mean: float, variance: float, degrees_of_freedom: float) -> tuple[float, float]:
    from scipy import stats

    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees_of_freedom) * np.sqrt(variance))
    return float(mean) - half, float(mean) + half


def draw_best(
    values: ArrayLike, images: ArrayLike, num_images: int, *, draws: int = 1_000, seed: int = 0
) -> NDArray[np.int64]:
    """Which of several choices comes out best, when splits and images are drawn again.

    An image may lie in the validation part of several splits. It is drawn once for all of them, so that it
    counts alike in each (a bootstrap over two crossed samples, Owen 2007).

    Args:
        values: For each choice what each image gives, the more the better, shape (splits, n, choices).
        images: Which image each one is, int (splits, n), from 0.
        num_images: How many there are to be drawn from.
        draws: How often.
        seed: Of the draws.

    Returns:
        Position of the choice with the highest sum in each draw, shape (draws,).

    Raises:
        DataError: The shapes do not fit, or an image lies outside the range.
    """
    table, rows = np.asarray(values, dtype=np.float32), np.asarray(images)
    if table.ndim != 3 or table.shape[:2] != rows.shape or not 0 <= rows.min() <= rows.max() < num_images:
        raise DataError(
            f"need values of shape (splits, n, choices) and images of shape (splits, n) below {num_images}; "
            f"found shapes {table.shape} and {rows.shape}, images from {rows.min()} to {rows.max()}"
        )
    generator, splits = np.random.default_rng(seed), len(table)
    best = np.empty(draws, dtype=np.int64)
    for draw in range(draws):
        drawn = generator.integers(num_images, size=num_images)
        weights = np.bincount(drawn, minlength=num_images)[rows]
        of_splits = np.bincount(generator.integers(splits, size=splits), minlength=splits)
        weights = (weights * of_splits[:, np.newaxis]).astype(np.float32)
        best[draw] = np.einsum("si,sic->c", weights, table).argmax()
    return best
