"""A reader's own function or answer, checked with a message that helps.

An exercise has a starter cell that runs as it is, a check, and a solution that stays closed::

    # %%
    def your_softmax(scores):
        ...  # write it here

    checks.softmax(your_softmax)

The check prints one sentence: what is right, or what to look at first. It raises nothing, so that a starter
that has not been filled in stops no run. A page adds its own check in one call::

    checks.function(your_gradient, gradient, [(probabilities, labels)], hints={"the mean": ...})
    checks.answer(your_loss, math.log(10), tolerance=0.01, hint="all ten classes get the same probability")
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

Test = Callable[[Any], bool]
"""Takes what the reader's function returned for one case and says whether a certain mistake explains it."""

COLUMNS = 72
"""Most letters of a printed line, so that a page shows it without scrolling."""

ROWS = torch.tensor([[2.0, 1.0, 0.0], [0.0, 0.0, 3.0]])
"""Scores of two examples for three classes."""


def softmax(attempt: Callable[[Any], Any]) -> None:
    """Check a softmax over the last axis: values, sums, and large scores.

    Args:
        attempt: Takes scores of shape (n, classes) and returns as many probabilities.
    """
    function(
        attempt,
        lambda scores: torch.softmax(scores, dim=-1),
        [(ROWS,), (ROWS + 1000,), (ROWS - 1000,)],
        hints={
            "each column sums to one, not each row: sum over dim=-1": lambda found: _near(
                found.sum(dim=0), torch.ones(3)
            ),
            "all numbers together sum to one: sum over dim=-1, and keep that dimension": lambda found: _near(
                found.sum(), torch.tensor(1.0)
            ),
            "the exponentials overflow or vanish: subtract each row's largest score first": lambda found: (
                bool(found.isnan().any() or found.isinf().any())
            ),
            "these are exponentials that nobody divided: each row must sum to one": lambda found: _near(
                found, ROWS.exp()
            ),
        },
    )


def cross_entropy(attempt: Callable[[Any, Any], Any]) -> None:
    """Check a mean cross-entropy.

    Args:
        attempt: Takes logits of shape (n, classes) and labels of shape (n,), and returns one number.
    """
    labels = torch.tensor([0, 1])
    right = torch.nn.functional.cross_entropy(ROWS, labels)
    function(
        attempt,
        torch.nn.functional.cross_entropy,
        [(ROWS, labels), (100 * ROWS, labels)],
        hints={
            "it has the wrong sign: the loss is minus the logarithm": lambda found: _near(found, -right),
            "this is the sum over the examples; take the mean": lambda found: _near(found, 2 * right),
            "it is infinite: do not take the logarithm of a rounded probability; use the logits": (
                lambda found: not bool(found.isfinite().all())
            ),
        },
    )


def convolution(attempt: Callable[[Any, Any], Any]) -> None:
    """Check a convolution of one image with one filter, in steps of one pixel, without a margin.

    Args:
        attempt: Takes an image and a smaller window, both (height, width), and returns a number for every
            place where the window fits.
    """
    generator = torch.Generator().manual_seed(0)
    image, window = torch.rand(7, 6, generator=generator), torch.rand(3, 2, generator=generator)

    def right(image: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(image[None, None], window[None, None])[0, 0]

    mirrored = right(image, window.flip(0, 1))
    hint = "the window is turned round: row by row, multiply what lies on top of each other"
    hints = {hint: lambda found: _near(found, mirrored)}
    function(attempt, right, [(image, window)], hints=hints)


def function(
    attempt: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Sequence[tuple[Any, ...]],
    *,
    hints: Mapping[str, Test] | None = None,
) -> None:
    """Compare a reader's function with one that is right, and print what came out.

    Args:
        attempt: The reader's.
        reference: Takes the same and returns the right tensor or number.
        cases: Arguments to try, in order; the first that differs is reported.
        hints: What to say by what went wrong; each test gets what came back for that case, a tensor of the
            right shape. The first that answers True is printed.
    """
    _say(_compare(attempt, reference, cases, hints or {}))


def answer(given: Any, right: float, *, tolerance: float, hint: str = "", wrong: str = "") -> None:
    """Check a number that a reader worked out, and print what came out.

    Args:
        given: The reader's; None or ``...`` as long as there is none.
        right: The answer, computed.
        tolerance: How far an answer may be off and still count.
        hint: What to say when it is off by more.
        wrong: What to say then in place of "3 is not it", where the reader worked out something else.
    """
    if given is None or given is ...:
        _say("Not yet: put your answer in place of the dots.")
        return
    try:
        off = abs(float(given) - float(right))
    except (TypeError, ValueError, RuntimeError):
        _say(f"Not yet: the answer should be one number, found {_describe(given)}.")
        return
    _say(
        "Right."
        if off <= tolerance
        else f"Not yet: {wrong or f'{given} is not it'}.{f' Think of this: {hint}.' if hint else ''}"
    )


def _compare(
    attempt: Callable[..., Any],
    reference: Callable[..., Any],
    cases: Sequence[tuple[Any, ...]],
    hints: Mapping[str, Test],
) -> str:
    name = getattr(attempt, "__name__", "your function")
    for arguments in cases:
        expected = torch.as_tensor(reference(*arguments))
        call = f"{name}({', '.join(_describe(each) for each in arguments)})"
        try:
            returned = attempt(*arguments)
        except Exception as error:  # whatever a reader's code may raise
            return f"Not yet: {call} raised {type(error).__name__}: {error}"
        if returned is None or returned is ...:
            return f"Not yet: {name} returns nothing. Fill it in, and let it return its result."
        try:
            found = torch.as_tensor(returned).detach()
        except (TypeError, ValueError, RuntimeError):
            return f"Not yet: {name} should return a tensor, found {_describe(returned)}."
        if found.shape != expected.shape:
            return f"Not yet: {call} has shape {tuple(found.shape)}, expected {tuple(expected.shape)}."
        if not _near(found, expected):
            hint = next((words for words, test in hints.items() if test(found)), "")
            off = f"Not yet: {call} gave\n{found}\nexpected\n{expected}"
            return f"{off}\nLook at this: {hint}." if hint else off
    return f"Right: {name} agrees in {len(cases)} case{'s' if len(cases) > 1 else ''}."


def _say(text: str) -> None:
    """Print a verdict in lines that fit a page; a tensor keeps its own."""
    for line in text.splitlines():
        print(textwrap.fill(line, COLUMNS, break_long_words=False, break_on_hyphens=False) if line else "")


def _near(found: torch.Tensor, expected: torch.Tensor) -> bool:
    same = found.shape == expected.shape
    return same and torch.allclose(found.double(), expected.double(), rtol=1e-4, atol=1e-6)


def _describe(value: Any) -> str:
    """Say what a value is, short: a tensor by its shape, another by its text."""
    if isinstance(value, torch.Tensor) and value.dim():
        return f"a tensor of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 40 else f"{type(value).__name__}"
