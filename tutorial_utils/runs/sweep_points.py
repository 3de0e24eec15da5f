"""The points of a sweep: read from the command line or a file, and all checked before one of them runs."""

from __future__ import annotations

import itertools
import math
import re
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
    return make_grid(axes, allowed, from_text=True, problems=problems)


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
    match _read_yaml(path):
        case {"grid": dict(axes), **others} if axes and not others:
            listed = {str(name): each if isinstance(each, list) else [each] for name, each in axes.items()}
            return make_grid(listed, allowed)
        case {"points": list(points), **others} if not others and all(isinstance(p, dict) for p in points):
            named = [{str(name): value for name, value in point.items()} for point in points]
            return _check_points(named, allowed)
    raise ConfigurationError(
        f"{path} is not a sweep file; expected `grid:` with a list of values for each parameter, "
        "or `points:` with a list of mappings"
    )


def _read_yaml(path: Path) -> Any:
    """Read a YAML file in which no name stands twice and 1e-3 is a number: YAML's own reader does neither."""
    import yaml  # type: ignore[import-untyped]

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        pass

    def read_mapping(loader: Any, node: Any) -> dict[Any, Any]:
        names = [loader.construct_object(name) for name, _ in node.value]
        for name in names:
            if names.count(name) > 1:
                raise yaml.YAMLError(f"{name} is given twice")
        return dict(zip(names, (loader.construct_object(value) for _, value in node.value), strict=True))

    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+$"), list("-+0123456789")
    )
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, read_mapping)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"the sweep file {path} cannot be read ({error})") from None


def make_grid(
    axes: Mapping[str, Sequence[Any]],
    allowed: Mapping[str, Parameter],
    *,
    from_text: bool = False,
    problems: Sequence[str] = (),
) -> list[Point]:
    """Combine values of several parameters.

    Args:
        axes: Values by parameter name.
        allowed: The notebook's parameters.
        from_text: The values are texts from a command line.
        problems: What was found before, to be told with all others.

    Returns:
        Every combination, the last parameter changing fastest.

    Raises:
        ConfigurationError: Lists every problem with every value.
    """
    _check_count(math.prod(len(values) for values in axes.values()))  # before a slip fills the memory
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return _check_points(points, allowed, from_text=from_text, problems=problems)


def _check_count(count: int) -> None:
    if not 0 < count <= MOST_POINTS:
        raise ConfigurationError(f"a sweep has 1 to {MOST_POINTS:,} points, this one {count:,}")


def _check_points(
    points: Sequence[Mapping[str, Any]],
    allowed: Mapping[str, Parameter],
    *,
    from_text: bool = False,
    problems: Sequence[str] = (),
) -> list[Point]:
    """Check all points before one runs; what a point leaves out gets the notebook's own value."""
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
            full = {name: values.get(name, allowed[name].default) for name in names if name in allowed}
            checked.append({name: allowed[name].kind(value) for name, value in full.items()})
    for index, point in enumerate(checked):
        if point in checked[:index]:
            found[f"a point stands twice: {parameters.name_run(point)}"] = None
    if found:
        raise ConfigurationError(join_problems("this sweep is not allowed:", found))
    return checked
