"""Exercises: a starter stops nothing, what is right is called so, each usual mistake gets its hint."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tutorial_utils.lessons import checks


def starter(*given: Any) -> Any: ...


def plain_softmax(z: torch.Tensor) -> torch.Tensor:
    return z.exp() / z.exp().sum(dim=-1, keepdim=True)


def broken(*given: Any) -> Any:
    raise ValueError("oh")


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (lambda z: (z - z.amax(-1, keepdim=True)).softmax(-1), "Right: .* 3 cases"),
        (starter, "Not yet: starter returns nothing"),
        (broken, r"Not yet: broken\(a tensor of shape \(2, 3\)\) raised ValueError: oh"),
        (plain_softmax, "Look at this: the exponentials overflow or vanish"),
        (lambda z: z.softmax(0), "Look at this: each column sums to one"),
        (lambda z: z.exp() / z.exp().sum(), "Look at this: all numbers together sum to one"),
        (lambda z: z.exp(), "Look at this: these are exponentials that nobody divided"),
        (lambda z: z.softmax(-1).sum(-1), r"has shape \(2,\), expected \(2, 3\)"),
        (lambda z: "x", "should return a tensor, found 'x'"),
        (lambda z: z, "gave tensor"),
    ],
)
def test_a_softmax_is_judged_by_what_it_returns(
    attempt: Callable[..., Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checks.softmax(attempt)
    printed = capsys.readouterr().out
    assert re.search(said, " ".join(printed.split()))
    assert max(map(len, printed.splitlines())) <= checks.COLUMNS


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (torch.nn.CrossEntropyLoss(), "Right"),
        (lambda z, y: -torch.nn.functional.cross_entropy(z, y), "wrong sign"),
        (lambda z, y: torch.nn.functional.cross_entropy(z, y, reduction="sum"), "take the mean"),
        (lambda z, y: -z.softmax(1)[range(len(y)), y].log().mean(), "use the logits"),
    ],
)
def test_a_cross_entropy_is_judged_by_what_it_returns(
    attempt: Callable[..., Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checks.cross_entropy(attempt)
    assert said in " ".join(capsys.readouterr().out.split())


def test_a_convolution_is_judged_by_what_it_returns(capsys: pytest.CaptureFixture[str]) -> None:
    def slide(image: torch.Tensor, window: torch.Tensor) -> torch.Tensor:
        return (image.unfold(0, 3, 1).unfold(1, 2, 1) * window).sum(dim=(2, 3))

    for attempt, said in (
        (slide, "Right"),
        (lambda image, window: slide(image, window.flip(0, 1)), "Look at this: the window is turned round"),
        (lambda image, window: image, r"has shape \(7, 6\), expected \(5, 5\)"),
    ):
        checks.convolution(attempt)
        assert re.search(said, capsys.readouterr().out)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (..., "Not yet: put your answer in place of the dots."),
        (None, "Not yet: put your answer in place of the dots."),
        (2.31, "Right."),
        (torch.tensor(2.3), "Right."),
        (2.5, "Not yet: 2.5 is not it. Think of this: ten classes."),
        ("two", "Not yet: the answer should be one number, found 'two'."),
    ],
)
def test_an_answer_counts_within_its_tolerance(
    given: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    checks.answer(given, 2.302585, tolerance=0.01, hint="ten classes")
    assert capsys.readouterr().out == f"{said}\n"


def test_a_result_that_nobody_typed_is_not_called_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    checks.answer(3, 5, tolerance=0.5, wrong="the model still reads 3", hint="ink")
    assert capsys.readouterr().out == "Not yet: the model still reads 3. Think of this: ink.\n"
