"""Tests: whether models differ, whether confusions balance, what errors go with; on statsmodels and SciPy."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.sparse.csgraph import connected_components
from statsmodels.discrete.discrete_model import Logit
from statsmodels.stats.contingency_tables import SquareTable, cochrans_q, mcnemar
from statsmodels.stats.multitest import multipletests

from tutorial_utils.evaluation.statistics import CONFIDENCE, finite_values, paired_difference
from tutorial_utils.exceptions import DataError

ERRORS_PER_PROPERTY = 10
"""Fewest errors and fewest right answers that a regression needs per property (Peduzzi et al. 1996)."""


class McNemar(NamedTuple):
    """How two models differ on the same images.

    Attributes:
        only_first: Images that only the first model gets right.
        only_second: Images that only the second model gets right.
        p_value: Exact, two-sided.
        n: Number of images.
    """

    only_first: int
    only_second: int
    p_value: float
    n: int


@dataclass(frozen=True)
class HypothesisTest:
    """Outcome of a test.

    Attributes:
        statistic: The larger, the less it fits the null hypothesis.
        p_value: Chance of such a statistic or a larger one if the null hypothesis holds, 0 to 1.
        df: Degrees of freedom of its chi-squared distribution.
    """

    statistic: float
    p_value: float
    df: int


def exact_mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> McNemar:
    """Ask whether two models are right equally often on the same images (McNemar 1947, exact binomial form).

    Only images count that one model gets right and the other wrong: if neither is better, a fair coin decides
    which. It assumes independent images, and speaks of these two trained models, not of how they were trained
    (Dietterich 1998). For the size of the difference, give
    :func:`~tutorial_utils.evaluation.statistics.paired_difference` beside it.

    Args:
        first_right: bool, shape (n,), True where the first model is right.
        second_right: The same of the second model, of the same images in the same order.

    Returns:
        Counts and the two-sided p-value; 1 if the models are right on the same images.

    Raises:
        DataError: Not two bool arrays of equal length, for instance a table of counts; for a confusion
            matrix see :func:`bowker`.
    """
    one, other = _array(first_right), _array(second_right)
    if one.dtype != bool or other.dtype != bool or one.ndim != 1 or one.shape != other.shape or not len(one):
        raise DataError(
            "pass two bool arrays of shape (n,), True where the model is right, over the same images; "
            f"found {one.dtype} of shape {one.shape} and {other.dtype} of shape {other.shape}. "
            "For a confusion matrix use bowker()"
        )
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    return McNemar(only_first, only_second, _fair_coin(only_first, only_second), len(one))


def adjust(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values for their number by Benjamini and Hochberg's (1995) step-up procedure.

    Of the findings at or below 0.05, at most 5 % are then false on average, for independent tests and some
    positively dependent ones. All tests that were looked at belong in, not only the promising ones.

    Args:
        p_values: Shape (m,), at least one, 0 to 1.

    Returns:
        Adjusted values in the order given, shape (m,), never below the original ones.

    Raises:
        DataError: Not p-values; NaN is none, nor is a bool.
    """
    values = _array(p_values)
    numbers = values.ndim == 1 and len(values) > 0 and values.dtype.kind in "iuf"
    if not numbers or not ((values >= 0) & (values <= 1)).all():
        raise DataError(
            "p-values must be a sequence of at least one number between 0 and 1, without NaN; "
            f"leave out tests that were not made. Found {values}"
        )
    adjusted: NDArray[np.float64] = multipletests(values.astype(float), method="fdr_bh")[1]
    return adjusted


def cochran_q(right: ArrayLike) -> HypothesisTest:
    """Ask whether several models are right equally often on the same images (Cochran 1950).

    :func:`compare_all` then tells which differ. For two models it is McNemar's test without continuity
    correction. It assumes independent images, and at least two dozen on which the models disagree: with
    fewer, the chi-squared distribution is rough.

    Args:
        right: bool, shape (n, m), one row per image, one column per model, m at least 2.

    Returns:
        Statistic, p-value and m - 1 degrees of freedom; 0 and 1 if the models never disagree.

    Raises:
        DataError: Not a bool array of that shape.
    """
    table = _array(right)
    if table.dtype != bool or table.ndim != 2 or table.shape[1] < 2 or not len(table):
        raise DataError(
            "pass a bool array of shape (images, models) with at least one image and two models; "
            f"found {table.dtype} of shape {table.shape}"
        )
    # Images that all models get right, or all wrong, do not count; without others statsmodels divides 0 by 0.
    disagreed = table[table.any(axis=1) & ~table.all(axis=1)]
    statistic = float(cochrans_q(disagreed).statistic) if len(disagreed) else 0.0
    return _chi_squared(statistic, table.shape[1] - 1)


def compare_all(rights: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Compare every pair of models on the same images.

    For assumptions see :func:`exact_mcnemar`,
    :func:`~tutorial_utils.evaluation.statistics.paired_difference` and :func:`adjust`. The intervals are
    not adjusted: each holds at 95 % on its own.

    Args:
        rights: For each model's name bool, shape (n,), True where it is right; at least two models.

    Returns:
        One row per pair, in the order given. Columns: ``first``, ``second`` (names); ``only_first``,
        ``only_second`` (images that only this one gets right); ``difference``, ``low``, ``high`` (of the
        accuracies, second minus first, fractions); ``p`` (exact McNemar); ``p_adjusted`` (for the number of
        pairs).

    Raises:
        DataError: Fewer than two models, or arrays that :func:`exact_mcnemar` refuses.
    """
    if len(rights) < 2:
        raise DataError(f"a comparison needs at least two models, found {list(rights)}")
    rows = []
    for first, second in itertools.combinations(rights, 2):
        only_first, only_second, p_value, _ = exact_mcnemar(rights[first], rights[second])
        difference, low, high, _ = paired_difference(rights[first], rights[second])
        rows.append((first, second, only_first, only_second, difference, low, high, p_value))
    columns = ["first", "second", "only_first", "only_second", "difference", "low", "high", "p"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(p_adjusted=adjust(table["p"]))


def bowker(matrix: ArrayLike) -> HypothesisTest:
    """Ask whether confusions are symmetric: is i read as j as often as j as i (Bowker 1948).

    The statistic sums (n_ij - n_ji)^2 / (n_ij + n_ji) over the pairs i < j. It assumes independent images.
    Classes of unequal size are confused asymmetrically for that reason alone. With few confusions per pair
    the chi-squared distribution is rough; :func:`asymmetric_pairs` is exact.

    Only pairs that occur count as degrees of freedom, where Bowker and statsmodels count all k (k - 1) / 2: a
    pair that never occurs adds nothing to the statistic, and in a sparse matrix would hide asymmetry.

    Args:
        matrix: Counts, shape (k, k), rows true, columns predicted, k at least 2.

    Returns:
        Statistic, p-value and degrees of freedom; 0, 1 and 0 if nothing was confused.

    Raises:
        DataError: Not a square table of counts.
    """
    counts = _square(matrix)
    confused = np.triu(counts + counts.T, 1) > 0
    # By default statsmodels would count every empty cell as half an image.
    symmetry = SquareTable(counts, shift_zeros=False).symmetry()
    return _chi_squared(float(symmetry.statistic), int(confused.sum()))


def marginal_homogeneity(matrix: ArrayLike) -> HypothesisTest:
    """Ask whether each class is predicted as often as it occurs (Stuart 1955; Maxwell 1970).

    Weaker than symmetry: confusions can be asymmetric and still balance. It assumes independent images, and
    many confusions: the p-value comes from the chi-squared distribution.

    Classes never confused with another are dropped: their difference is zero whatever holds, and would make
    the covariance singular. So would groups of classes without confusions between them; each group is tested
    and the independent statistics are added.

    Args:
        matrix: Counts, shape (k, k), rows true, columns predicted, k at least 2.

    Returns:
        Statistic, p-value and degrees of freedom, which are the classes less the groups; 0, 1 and 0 if
        nothing was confused.

    Raises:
        DataError: Not a square table of counts.
    """
    counts = _square(matrix)
    # The covariance is the Laplacian of the graph of confusions: of full rank but one in each component.
    num_groups, group = connected_components(counts, directed=False)
    members = [np.flatnonzero(group == index) for index in range(num_groups)]
    tests = [SquareTable(counts[np.ix_(m, m)], shift_zeros=False).homogeneity() for m in members]
    return _chi_squared(sum(float(test.statistic) for test in tests), sum(int(test.df) for test in tests))


def asymmetric_pairs(matrix: ArrayLike, class_names: Sequence[str]) -> pd.DataFrame:
    """Ask of each pair of classes whether one is read as the other more often than the other way round.

    Exact binomial tests, adjusted by Benjamini and Hochberg for all k (k - 1) / 2 pairs: which pairs occur is
    a result, so those that do not count too. Ask :func:`bowker` first; it says what is assumed.

    Args:
        matrix: Counts, shape (k, k), rows true, columns predicted, k at least 2.
        class_names: In label order, k of them.

    Returns:
        One row per pair, smallest p-value first, equal ones in label order. Columns: ``first``, ``second``
        (class names); ``n_ij`` (the first read as the second), ``n_ji`` (the second read as the first);
        ``p``; ``p_adjusted``.

    Raises:
        DataError: Not a square table of counts, or not one name per class.
    """
    counts = _square(matrix)
    if len(class_names) != len(counts):
        raise DataError(f"{len(counts)} classes need as many names, found {len(class_names)}")
    rows = []
    for i, j in itertools.combinations(range(len(counts)), 2):
        there, back = int(counts[i, j]), int(counts[j, i])
        rows.append((class_names[i], class_names[j], there, back, _fair_coin(there, back)))
    pairs = pd.DataFrame(rows, columns=["first", "second", "n_ij", "n_ji", "p"])
    return pairs.assign(p_adjusted=adjust(pairs["p"])).sort_values("p", kind="stable", ignore_index=True)


def error_regression(is_wrong: ArrayLike, properties: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Ask which properties of images go with errors, each at equal values of the others.

    A logistic regression of wrong or right on properties in units of their standard deviation (n - 1). It
    assumes independent images and log-odds linear in a property: one that does harm at both ends can show
    nothing. Properties that nearly repeat each other get wide intervals. It finds association, not cause. The
    p-values are not adjusted; see :func:`adjust`.

    Args:
        is_wrong: bool, shape (n,), True where the model is wrong.
        properties: For each property's name one number per image, shape (n,).

    Returns:
        Index: property. Columns: ``odds_ratio`` (of an error, per standard deviation more), ``low``,
        ``high`` (95 %, Wald), ``p_value`` (Wald, two-sided). Its ``attrs`` hold ``n`` (images), ``n_wrong``
        and ``pseudo_r2`` (McFadden: 0 explains nothing, 1 everything).

    Raises:
        DataError: Too few errors or right answers, lengths that differ, values that are not finite, a
            property that is constant or follows from the others, or errors that it separates perfectly.
    """
    wrong, design = _regression(is_wrong, properties)
    fit = _fit_logit(wrong, design)
    odds_ratios = np.exp(np.column_stack([fit.params, fit.conf_int(alpha=1 - CONFIDENCE)]))[1:]
    table = pd.DataFrame(
        odds_ratios,
        index=pd.Index(list(properties), name="property"),
        columns=["odds_ratio", "low", "high"],
    ).assign(p_value=fit.pvalues[1:])
    table.attrs = {"n": len(wrong), "n_wrong": int(wrong.sum()), "pseudo_r2": float(fit.prsquared)}
    return table


def fit_standardised(
    is_wrong: ArrayLike, properties: Mapping[str, ArrayLike]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit the regression of :func:`error_regression`, for those who need more of it than its table.

    Args:
        is_wrong: As there.
        properties: As there.

    Returns:
        The design, shape (n, 1 + number of properties), ones first and then properties in units of their
        standard deviation; and its coefficients, logarithms of odds ratios after the first.

    Raises:
        DataError: As there.
    """
    wrong, design = _regression(is_wrong, properties)
    return design, np.asarray(_fit_logit(wrong, design).params)


def _regression(
    is_wrong: ArrayLike, properties: Mapping[str, ArrayLike]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Outcome and design, checked."""
    wrong = _array(is_wrong)
    if wrong.dtype != bool or wrong.ndim != 1:
        raise DataError(
            "is_wrong must be bool of shape (n,), True for errors; "
            f"found {wrong.dtype} of shape {wrong.shape}"
        )
    _check_enough(wrong, len(properties))
    return wrong, np.column_stack([np.ones(len(wrong)), _standardised(properties, len(wrong))])


def _array(values: ArrayLike) -> NDArray[Any]:
    """Values as an array; rows of unequal length become objects, which no check below lets pass."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.asarray(values, dtype=object)


def _square(matrix: ArrayLike) -> NDArray[np.float64]:
    """A confusion matrix as float64, if it is one."""
    counts = _array(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or len(counts) < 2:
        raise DataError(f"a confusion matrix has shape (k, k) with k >= 2; found {counts.shape}")
    numbers = counts.dtype.kind in "iuf" and np.isfinite(counts).all()
    if not numbers or (counts < 0).any() or (counts % 1).any():
        raise DataError(
            "a confusion matrix holds counts: whole numbers from 0, not bool; pass it before normalising"
        )
    if not counts.any():
        raise DataError("the confusion matrix is empty: no image was counted")
    return counts.astype(float)


def _chi_squared(statistic: float, df: int) -> HypothesisTest:
    """Upper tail; no degree of freedom leaves nothing to test."""
    return HypothesisTest(statistic, float(stats.chi2.sf(statistic, df)) if df else 1.0, df)


def _fair_coin(heads: int, tails: int) -> float:
    """Two-sided exact p-value that a coin which fell so is fair."""
    return float(mcnemar([[0, heads], [tails, 0]], exact=True).pvalue)


def _standardised(properties: Mapping[str, ArrayLike], n: int) -> NDArray[np.float64]:
    """Properties in units of their standard deviation, shape (n, number of properties)."""
    if not properties:
        raise DataError("a regression needs at least one property")
    columns = []
    for name, values in properties.items():
        column = _array(values)
        if column.shape != (n,):
            raise DataError(f"property {name!r} has shape {column.shape}; one number per image is ({n},)")
        if column.dtype.kind not in "biuf":
            raise DataError(f"property {name!r} must hold numbers, found {column.dtype}")
        column = finite_values(column, f"property {name!r}")
        if (column == column[0]).all():
            raise DataError(f"property {name!r} is the same for every image; leave it out")
        columns.append((column - column.mean()) / column.std(ddof=1))
    return np.column_stack(columns)


def _check_enough(wrong: NDArray[np.bool_], num_properties: int) -> None:
    needed = ERRORS_PER_PROPERTY * num_properties
    counts = {"errors": int(wrong.sum()), "right answers": int((~wrong).sum())}
    for name, count in counts.items():
        if count < needed:
            raise DataError(
                f"each property needs at least {ERRORS_PER_PROPERTY} {name}: {needed} in all, found {count}; "
                "use fewer properties or more images"
            )


def _fit_logit(wrong: NDArray[np.bool_], design: NDArray[np.float64]) -> Any:
    """Maximum likelihood, if there is one."""
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DataError("a property follows from the others (a copy, or a sum); leave one of them out")
    with warnings.catch_warnings():
        # Without a maximum the steps never end; statsmodels says so in several warnings, this function once.
        warnings.simplefilter("ignore")
        try:
            fit = Logit(wrong.astype(float), design).fit(disp=False)
            found = bool(fit.mle_retvals["converged"])
        except np.linalg.LinAlgError:
            found = False
    if not found:
        raise DataError(
            "the regression has no solution: a property, or several together, separates errors from right "
            "answers perfectly, in all images or in a group of them. Look at rates by group instead"
        )
    return fit
