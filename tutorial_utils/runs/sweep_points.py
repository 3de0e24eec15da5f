"""The points of a sweep: read from the command line or a file, and all checked before one of them runs."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tutorial_utils.exceptions import ConfigurationError, join_problems
from tutorial_utils.runs import parameters
from tutorial_utils.runs.parameters import Parameter, Scalar

MOST_POINTS = 1_000
"""A grid above this is more likely a slip than a wish."""

Point = dict[str, Scalar]
"""The values of one run, by parameter name."""


def read_grid(texts: Sequence[str], allowed: Mapping[str, Parameter]) -> list[Point]:
    """Read a grid from the command line.

    Args:
        texts: Such as ``["learning_rate=0.001,0.01", "seed=0,1,2"]``.
        allowed: The notebook's parameters.

    Returns:
        Every combination, the last parameter changing fastest.

    Raises:
        ConfigurationError: Lists every problem with every value.
    """
    axes: dict[str, list[str]] = {}
    problems: list[str] = [] if texts else ["the grid is empty"]
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        listed = [value.strip() for value in values.split(",")]
        if not equals or not name or "" in listed:
            problems.append(f"{text!r} is not of the form NAME=VALUE,VALUE,...")
        elif name in axes:
            problems.append(f"{name} is given twice")
        else:
            axes[name] = listed
    return _grid(axes, allowed, from_text=True, problems=problems)


def read_file(path: Path, allowed: Mapping[str, Parameter]) -> list[Point]:
    """Read a sweep from a YAML file: ``grid:`` with a list for each parameter, or a list of ``points:``.

    Args:
        path: The file.
        allowed: The notebook's parameters.

    Returns:
        The points, in order.

    Raises:
        ConfigurationError: The file is missing, not such a file, or holds values that are not allowed.
    """
    content = _read_yaml(path)
    kind, value = (
        next(iter(content.items())) if isinstance(content, dict) and len(content) == 1 else ("", None)
    )
    if kind == "grid" and isinstance(value, dict) and value:
        axes = {str(name): each if isinstance(each, list) else [each] for name, each in value.items()}
        return make_grid({name: [_number(each) for each in values] for name, values in axes.items()}, allowed)
    if kind == "points" and isinstance(value, list) and all(isinstance(point, dict) for point in value):
        points = [{str(name): _number(each) for name, each in point.items()} for point in value]
        return check_points(points, allowed)
    raise ConfigurationError(
        f"{path} is not a sweep file; expected `grid:` with a list of values for each parameter, "
        "or `points:` with a list of mappings"
    )


def _read_yaml(path: Path) -> Any:
    """Read a YAML file in which no name stands twice, which YAML's own reader would not notice."""
    import yaml  # type: ignore[import-untyped]

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        pass

    def read_mapping(loader: Any, node: Any) -> dict[Any, Any]:
        names = [loader.construct_object(name) for name, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name} is given twice")
        return dict(zip(names, (loader.construct_object(value) for _, value in node.value), strict=True))

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, read_mapping)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"the sweep file {path} cannot be read ({error})") from None


def _number(value: Any) -> Any:
    """YAML reads 1e-3, without a dot, as text."""
    if isinstance(value, str) and "e" in value.lower():
        with contextlib.suppress(ValueError):
            return float(value)
    return value


def make_grid(axes: Mapping[str, Sequence[Any]], allowed: Mapping[str, Parameter]) -> list[Point]:
    """Combine values of several parameters.

    Args:
        axes: Values by parameter name.
        allowed: The notebook's parameters.

    Returns:
        Every combination, the last parameter changing fastest.

    Raises:
        ConfigurationError: Lists every problem with every value.
    """
    return _grid(axes, allowed, from_text=False, problems=[])


def _grid(
    axes: Mapping[str, Sequence[Any]],
    allowed: Mapping[str, Parameter],
    *,
    from_text: bool,
    problems: Sequence[str],
) -> list[Point]:
    """Combine values; ``problems`` are those found before, to be told with all others."""
    count = math.prod(len(values) for values in axes.values())
    _check_count(count)  # before a slip fills the memory
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return check_points(points, allowed, from_text=from_text, problems=problems)


def _check_count(count: int) -> None:
    if not 0 < count <= MOST_POINTS:
        raise ConfigurationError(f"a sweep has 1 to {MOST_POINTS:,} points, this one {count:,}")


def check_points(
    points: Sequence[Mapping[str, Any]],
    allowed: Mapping[str, Parameter],
    *,
    from_text: bool = False,
    problems: Sequence[str] = (),
) -> list[Point]:
    """Check the values of all points before any of them runs.

    Args:
        points: Values by parameter name.
        allowed: The notebook's parameters.
        from_text: The values are texts from a command line.
        problems: What was found before, to be told with all others.

    Returns:
        The points, read and checked. All have the same names: where a point left one out that another has, it
        gets the notebook's own value.

    Raises:
        ConfigurationError: No points, too many, one of them twice, or values that are not allowed; each
            problem is named once.
    """
    _check_count(len(points))
    names = dict.fromkeys(name for point in points for name in point)
    checked: list[Point] = []
    found = dict.fromkeys(problems)
    for point in points:
        try:
            values = parameters.check(allowed, point, from_text=from_text)
        except ConfigurationError as error:
            found |= dict.fromkeys(error.problems.values())
        else:
            # One number, one form: 1 and 1.0 are the same rate, and get the same file.
            checked.append(
                {
                    name: allowed[name].kind(values.get(name, allowed[name].default))
                    for name in names
                    if name in allowed
                }
            )
    seen: set[str] = set()
    for point in checked:
        name = parameters.name_run(point)
        if json.dumps(point) in seen:
            found[f"a point stands twice: {name}"] = None
        seen.add(json.dumps(point))
    if found:
        raise ConfigurationError(join_problems("this sweep is not allowed:", found))
    return checked
