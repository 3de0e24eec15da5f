"""Statements of a lesson that depend on numbers, guarded where the numbers are made.

A statement stands in the prose, written by a person for the settings as shipped. Beside it, in a cell tagged
``remove-input``, one call says what must be true for it to hold::

    # %% tags=["remove-input"]
    # @title Guards of the sentences above
    from tutorial_utils.lessons.expect import expect

    expect("momentum reaches the loss in fewer epochs", epochs_with, below=epochs_without)
    expect("about one image in ten is recognised", accuracy, between=(0.05, 0.2), see="the first table")
    expect("no image is lost", len(train) + len(validation), equals=len(images))

The tag hides the code everywhere and never what the cell says: a reader who changed a parameter must see it.
"""

from __future__ import annotations

import os
from typing import Any

from tutorial_utils.exceptions import ConfigurationError, ExpectationError

STRICT_VARIABLE = "TUTORIAL_STRICT"
"""Environment variable that the book's own build sets to ``1``: there, what does not hold is an error."""

BROKEN = "> **With these settings this does not hold:** "
"""How what a cell says begins where a statement does not hold."""

_made: dict[str, dict[str, Any]] = {}
"""What was expected in this process, by statement: a kernel runs one chapter, and some cells again."""


def expect(
    statement: str,
    value: Any,
    *,
    below: Any = None,
    above: Any = None,
    between: tuple[Any, Any] | None = None,
    equals: Any = None,
    see: str = "",
) -> None:
    """Guard a statement of the prose; silent when it holds.

    When it does not, the book's own build (``tutorial chapter``, but no preview) stops. Everywhere else the
    cell says so in the open, and what to look at instead.

    Args:
        statement: A clause as the prose has it, without a full stop; unique in its chapter.
        value: What was measured: a number, or a tensor or array of one element.
        below: A number that the value must be less than.
        above: A number that the value must be greater than.
        between: Lowest and highest number allowed, both included.
        equals: What it must be exactly: a count, a text or a list of them; for a fraction use ``between``.
        see: What a reader should look at instead, in a few words of Markdown.

    Raises:
        ExpectationError: In the book's own build, the statement does not hold.
        ConfigurationError: Not exactly one bound was given, or it is no bound.
    """
    given = {"below": below, "above": above, "between": between, "equals": equals}
    bounds = {name: _plain(bound) for name, bound in given.items() if bound is not None}
    if len(bounds) != 1:
        raise ConfigurationError(
            f"{statement!r} has {len(bounds)} bounds; give one of below=, above=, between= and equals="
        )
    ((kind, bound),) = bounds.items()
    found = _plain(value)
    holds, margin = _judge(found, kind, bound)
    _made[statement] = {
        "statement": statement,
        "value": found,
        "bound": {kind: bound},
        "holds": holds,
        "margin": margin,
    }
    if holds:
        return
    measured = f"{_write(found)}, expected {_say(kind, bound)}"
    if os.environ.get(STRICT_VARIABLE):
        raise ExpectationError(
            f"this does not hold: {statement} (found {measured}); change the sentence, or what it rests on"
        )
    _show(f"{BROKEN}{statement}.\n>\n> Found {measured}." + (f" Look instead at {see}." if see else ""))


def recorded() -> list[dict[str, Any]]:
    """What was expected so far, in order: each statement with value, bound, whether it held, and margin.

    The margin is the distance to the bound as a share of the larger of value and bound, negative when the
    statement does not hold; None for ``equals``, which has none.
    """
    return [dict(entry) for entry in _made.values()]


def _judge(value: Any, kind: str, bound: Any) -> tuple[bool, float | None]:
    """Whether a value keeps its bound, and by which margin."""
    if kind == "equals":
        return bool(value == bound), None
    numbers = [value, *(bound if isinstance(bound, list) else [bound])]
    if wrong := [item for item in numbers if isinstance(item, bool) or not isinstance(item, int | float)]:
        raise ConfigurationError(
            f"{kind}= compares numbers, found {wrong[0]!r}; use equals= for anything else"
        )
    if kind == "between":
        low, high = bound
        if not low < high:
            raise ConfigurationError(f"between=({low}, {high}) must go from a lower to a higher number")
        return low <= value <= high, min(_margin(value, low), _margin(high, value))
    if kind == "below":
        return value < bound, _margin(bound, value)
    return value > bound, _margin(value, bound)


def _margin(larger: float, smaller: float) -> float:
    """How far one number lies above another, as a share of the larger of both sizes."""
    size = max(abs(larger), abs(smaller))
    return float((larger - smaller) / size) if size else 0.0


def _plain(value: Any) -> Any:
    """A plain value: one number out of a tensor or an array of one element, lists of larger ones."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        plain = value.tolist()
        while isinstance(plain, list) and len(plain) == 1:
            plain = plain[0]
        return plain
    return value


def _write(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _say(kind: str, bound: Any) -> str:
    """Write a bound: ``"below 3"``, ``"between 0.05 and 0.2"``, ``"5"``."""
    if kind == "between":
        return f"between {_write(bound[0])} and {_write(bound[1])}"
    return _write(bound) if kind == "equals" else f"{kind} {_write(bound)}"


def _show(text: str) -> None:
    from IPython.display import Markdown, display  # a notebook always has it; a script may not

    display(Markdown(text))  # type: ignore[no-untyped-call]
