"""The points of a sweep: read from the command line or a file, and all checked before one of them runs."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from tutorial_utils.exceptions import ConfigurationError, join_problems
from tutorial_utils.runs import parameters
from tutorial_utils.runs.parameters import Parameter, Scalar

MOST_POINTS = 1_000
"""A grid above this is more likely a slip than a wish."""

Point = dict[str, Scalar]
"""The values of one run, by parameter name."""

_SWEEP_FILE: TypeAdapter[Any] = TypeAdapter(
    dict[Literal["grid"], dict[str, str | list[str]]] | dict[Literal["points"], list[dict[str, str]]]
)


def read_grid(texts: Sequence[str], allowed: Mapping[str, Parameter]) -> list[Point]:
    """Read a grid from the command line, such as ``["learning_rate=0.001,0.01", "seed=0,1,2"]``.

    Returns:
        Every combination, the last parameter changing fastest.

    Raises:
        ConfigurationError: Lists every problem with every value.
    """
    form = "NAME=VALUE,VALUE,..."
    pairs, problems = parameters.split_pairs(texts, form)
    axes = {name: [value.strip() for value in values.split(",")] for name, values in pairs.items()}
    for name in [name for name, values in axes.items() if "" in values]:
        problems[name] = f"'{name}={pairs[name]}' is not of the form {form}"
        del axes[name]
    return _make_grid(axes, allowed, problems.values())


def read_file(path: Path, allowed: Mapping[str, Parameter]) -> list[Point]:
    """Read points, in order, from a YAML file: ``grid:`` with a list for each parameter, or ``points:``.

    Raises:
        ConfigurationError: The file is missing, not such a file, or holds values that are not allowed.
    """
    found = _read_yaml(path)
    with contextlib.suppress(ValidationError):
        match _SWEEP_FILE.validate_python(found):
            case {"grid": axes} if axes:
                listed = {name: [each] if isinstance(each, str) else each for name, each in axes.items()}
                return _make_grid(listed, allowed)
            case {"points": points}:
                return _check_points(points, allowed)
    raise ConfigurationError(
        f"{path} is not a sweep file; expected `grid:` with a list of values for each parameter, "
        "or `points:` with a list of mappings"
    )


def _read_yaml(path: Path) -> Any:
    """Read a YAML file in which no name stands twice; every value is a text, as on the command line."""
    import yaml  # type: ignore[import-untyped]

    class Loader(yaml.BaseLoader):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            found: dict[Any, Any] = super().construct_mapping(node, deep=True)
            names = [name.value for name, _ in node.value]
            if len(found) < len(names):
                raise yaml.YAMLError(f"{max(names, key=names.count)} is given twice")
            return found

    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f"the sweep file {path} cannot be read ({error})") from None


def _make_grid(
    axes: Mapping[str, Sequence[str]], allowed: Mapping[str, Parameter], problems: Iterable[str] = ()
) -> list[Point]:
    """Combine values of several parameters; problems that were found before are told with all others."""
    _check_count(math.prod(len(values) for values in axes.values()))  # before a slip fills the memory
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return _check_points(points, allowed, problems)


def _check_count(count: int) -> None:
    if not 0 < count <= MOST_POINTS:
        raise ConfigurationError(f"a sweep has 1 to {MOST_POINTS:,} points, this one {count:,}")


def _check_points(
    points: Sequence[Mapping[str, str]], allowed: Mapping[str, Parameter], problems: Iterable[str] = ()
) -> list[Point]:
    """Check all points before one runs; what a point leaves out gets the notebook's own value."""
    _check_count(len(points))
    names = dict.fromkeys(name for point in points for name in point)
    checked: list[Point] = []
    found = dict.fromkeys(problems)
    for texts in points:
        try:
            values = parameters.check(allowed, texts, from_text=True)
        except ConfigurationError as error:
            found |= dict.fromkeys(error.problems.values())
        else:
            point = {name: values.get(name, allowed[name].default) for name in names if name in allowed}
            if point in checked:
                found[f"a point stands twice: {parameters.name_run(point)}"] = None
            checked.append(point)
    if found:
        raise ConfigurationError(join_problems("this sweep is not allowed:", found))
    return checked
