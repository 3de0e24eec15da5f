"""Numbers of several runs as measurements of a claim, each with the interval that suits it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from tutorial_utils.evaluation import dependence, influence, medians, power, statistics
from tutorial_utils.evaluation.predictions import Floats, Predictions
from tutorial_utils.report.ledger import Measurement
from tutorial_utils.report.verdicts import write_value


def over_seeds_and_images(
    rows: ArrayLike,
    *,
    of_what: str = "test images",
    where: ArrayLike | None = None,
    independent: bool = False,
    **names: object,
) -> Measurement:
    """Mean over seeds and images, for other seeds and other images at once.

    Images are MNIST's test images or others of its kind: blocks of neighbours count as one, the two halves
    are fixed parts; see :func:`~tutorial_utils.evaluation.dependence.crossed_interval`.

    Args:
        rows: One number per image, one row per seed, shape (seeds, n): hits, differences of hits, losses, or
            what :mod:`~tutorial_utils.evaluation.influence` makes of another number.
        of_what: What the columns are.
        where: bool, shape (n,): the mean is over these images alone, in their blocks.
        independent: Neighbours are no more alike than others, as on CIFAR-10: each image counts by itself.
        **names: What the rule's text leaves open.
    """
    values = np.asarray(rows, dtype=float)
    n = values.shape[1]
    if where is not None:
        inside = np.asarray(where)
        mean, n = values[:, inside].mean(), int(inside.sum())
        values = mean + inside * (values - mean) / inside.mean()
    block, strata = (1, 1) if independent else (dependence.BLOCK_LENGTH, 2)
    found = dependence.crossed_interval(values, block=block, strata=strata)
    return Measurement(
        *found[:3],
        n=n,
        of_what=of_what,
        how="crossed, over seeds and " + ("images" if independent else f"blocks of {block} images"),
        degrees_of_freedom=found.degrees_of_freedom,
        names=names,
    )


def gain(before: ArrayLike, after: ArrayLike, **names: Any) -> Measurement:
    """Mean of after minus before, paired by seed and image; see :func:`over_seeds_and_images`.

    Args:
        before: Shape (seeds, n).
        after: Same shape, same seeds and images.
        **names: ``of_what`` and ``where`` as there, and what the rule's text leaves open.
    """
    return over_seeds_and_images(np.asarray(after, float) - np.asarray(before, float), **names)


def of_confusions(
    true_labels: Tensor,
    predictions: Iterable[Predictions],
    metric: Callable[[Floats], Floats],
    **names: Any,
) -> Measurement:
    """A number that the confusion matrix determines, for other seeds and other images at once.

    Args:
        true_labels: int64, shape (n,).
        predictions: Of the same images, one per seed.
        metric: As for :func:`~tutorial_utils.evaluation.influence.of_confusion_metric`.
        **names: As for :func:`over_seeds_and_images`.
    """
    rows = [influence.of_confusion_metric(true_labels, each, metric) for each in predictions]
    return over_seeds_and_images(np.stack(rows), **names)


def over_seeds(
    values: Sequence[float] | Floats,
    *,
    of_what: str = "seeds",
    test_share: float = 0.0,
    log: bool = False,
    **names: object,
) -> Measurement:
    """Mean over training runs, by Student's t.

    Args:
        values: One number per run.
        of_what: In what the runs differ.
        test_share: As for :func:`~tutorial_utils.evaluation.statistics.mean_interval`: above 0 widens the
            interval of runs that share training images (Nadeau and Bengio 2003).
        log: Take the geometric mean, for rates and ratios, which must be above 0.
        **names: What the rule's text leaves open.
    """
    numbers = np.log(values) if log else np.asarray(values, dtype=float)
    ends: Any = (float(numbers.mean()), *statistics.mean_interval(numbers.tolist(), test_share))
    how = [f"t over {of_what}", *(["of the logarithm"] if log else [])]
    how += ["widened for shared images"] if test_share else []
    return Measurement(
        *(np.exp(ends).tolist() if log else ends),
        n=len(numbers),
        of_what=of_what,
        how=", ".join(how),
        degrees_of_freedom=len(numbers) - 1,
        log_scale=log,
        names=names,
    )


def over_pairs(table: ArrayLike, *, test_share: float = 0.0, **names: Any) -> Measurement:
    """Mean over all pairs of training runs, by the jackknife over runs.

    A run takes part in many pairs, so pairs are not independent. The jackknife asks how much the mean changes
    when one run is left out: its pseudo-values have the mean over pairs as theirs, and go into Student's t.

    Args:
        table: What each pair gives, shape (n, n), symmetric, n at least 3; the diagonal is not read. For two
            runs, which make one pair, the interval is a point.
        test_share: As for :func:`over_seeds`.
        **names: What the rule's text leaves open.
    """
    between = np.array(table, dtype=float)
    n = len(between)
    np.fill_diagonal(between, 0)
    of_each = between.sum(axis=1) / (n - 1)
    spread = 2 * (n - 1) / max(n - 2, 1)
    pseudo_values = of_each.mean() + spread * (of_each - of_each.mean())
    found = over_seeds(pseudo_values, test_share=test_share, **names)
    return replace(found, how=found.how.replace("t over seeds", "jackknife over seeds"))


def over_images(values: ArrayLike, *, of_what: str = "training images", **names: object) -> Measurement:
    """Mean over images in stored order, of which neighbours may be alike.

    Args:
        values: One number per image, shape (n,).
        of_what: What they are.
        **names: What the rule's text leaves open.
    """
    found = dependence.block_interval(values)
    return Measurement(
        *found[:3],
        n=found.n,
        of_what=of_what,
        how=f"blocks of {dependence.BLOCK_LENGTH} images",
        degrees_of_freedom=found.blocks / dependence.BLOCKS_PER_DEGREE,
        names=names,
    )


def share(count: int, n: int, *, of_what: str, **names: object) -> Measurement:
    """A count out of independent draws, as a share (Wilson 1927).

    Args:
        count: How many of them.
        n: How many there were.
        of_what: What was drawn.
        **names: What the rule's text leaves open.
    """
    ends = statistics.wilson_interval(count, n)
    return Measurement(count / n, *ends, n=n, of_what=of_what, how="Wilson", names=names)


def median(values: ArrayLike, bound: float, *, of_what: str, **names: object) -> Measurement:
    """Median of independent values, from one of them to another, with the sign test against a bound.

    Args:
        values: Shape (n,), n at least 6; see :func:`~tutorial_utils.evaluation.medians.median_interval`.
        bound: Of the rule that judges it, in their unit.
        of_what: What they are.
        **names: What the rule's text leaves open.
    """
    found = medians.median_interval(values)
    return Measurement(
        found.median,
        found.low,
        found.high,
        n=found.n,
        of_what=of_what,
        how=f"from rank {found.rank} to {found.n + 1 - found.rank}",
        confidence=found.confidence,
        exact_p=medians.sign_test(values, bound),
        names=names,
    )


def best_of_grid(
    values: ArrayLike, images: ArrayLike, choices: Floats, *, seed: int = 0, **names: object
) -> Measurement:
    """Which of a geometric grid of settings is best, with an interval for other splits and images.

    Its ends are moved out by half a step: a grid knows its best no better.

    Args:
        values: For each choice what each image gives, the more the better, shape (splits, n, choices).
        images: Which image each one is, int (splits, n), out of those from 0 to the largest.
        choices: In rising order, each the same multiple of the last.
        seed: Of the draws.
        **names: What the rule's text leaves open.
    """
    table = np.asarray(values)
    drawn = choices[dependence.draw_best(table, images, int(np.max(images)) + 1, seed=seed)]
    half_step = np.sqrt(choices[1] / choices[0])
    low, high = np.quantile(drawn, statistics.TAILS)
    return Measurement(
        float(choices[table.mean(axis=(0, 1)).argmax()]),
        low / half_step,
        high * half_step,
        n=len(np.unique(images)),
        of_what="distinct validation images",
        how=f"bootstrap, crossed with {len(table)} splits",
        log_scale=True,
        names=names,
    )


def odds_ratio(
    happened: Sequence[ArrayLike], name: str, properties: Mapping[str, ArrayLike], **names: Any
) -> Measurement:
    """Odds ratio of what happened to an image, per standard deviation more of a property.

    Args:
        happened: bool, shape (n,), for each seed: where its model is wrong.
        name: Which of the properties.
        properties: For each name one number per image, shape (n,); the others are held equal.
        **names: As for :func:`over_seeds_and_images`.
    """
    rows = [influence.of_log_odds(each, properties)[name] for each in happened]
    logs = over_seeds_and_images(np.stack(rows), **names)
    ends = np.exp(np.array([logs.value, logs.low, logs.high], dtype=float)).tolist()
    return replace(logs, **dict(zip(("value", "low", "high"), ends, strict=True)), log_scale=True)


class Parts(dict[str, dict[str, Any]]):
    """Parts of claims by name, such as ``"7b"``.

    Args:
        entries: Of :meth:`~tutorial_utils.report.ledger.Ledger.entries`.
    """

    def __init__(self, entries: Iterable[dict[str, Any]]) -> None:
        super().__init__(
            (f"{entry['id']}{part['letter']}", part) for entry in entries for part in entry["parts"]
        )

    def column(self, key: str) -> dict[str, Any]:
        """One entry of every part, by name: ``"measurement"``, ``"low"``, ``"high"``, ``"verdict"``."""
        return {name: part[key] for name, part in self.items()}


def sees(entries: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """What the interval of each part could settle.

    Args:
        entries: Of :meth:`~tutorial_utils.report.ledger.Ledger.entries`.

    Returns:
        A row for each part with a rule and an interval of Student's t that is no point: its name, half the
        width of its interval, and the smallest distance from the rule's bound that such an interval settles
        four times in five (Cohen 1988); for intervals of logarithms, both as factors.
    """
    rows = []
    for name, part in Parts(entries).items():
        if part["rule"] is None or part["degrees_of_freedom"] is None or part["high"] == part["low"]:
            continue
        found = half_width(part), detectable(part)
        texts = (
            [f"{each:.2f} times" for each in np.exp(found)]
            if part["log_scale"]
            else [write_value(each, part["unit"], part["digits"]).lstrip("+") for each in found]
        )
        rows.append({"part": name, "half-width": texts[0], "settled four times in five": texts[1]})
    return rows


def half_width(part: dict[str, Any]) -> float:
    """Half the width of a part's interval, in its unit, or of the logarithms where it is made of those.

    Args:
        part: Of an entry, with an interval.
    """
    ends = np.array([part["low"], part["high"]], dtype=float)
    low, high = np.log(ends) if part["log_scale"] else ends
    return float(high - low) / 2


def detectable(part: dict[str, Any]) -> float:
    """Smallest distance from its bound that such an interval settles four times in five (Cohen 1988).

    Args:
        part: Of an entry, with an interval of Student's t that is no point.

    Returns:
        In the unit of the part, or of its logarithm where the interval is made of those.
    """
    from scipy import stats

    df = part["degrees_of_freedom"]
    quantile = stats.t.ppf((1 + statistics.CONFIDENCE) / 2, df)
    return power.detectable(half_width(part) / quantile, df)
