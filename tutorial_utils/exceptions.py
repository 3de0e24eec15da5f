"""The errors that users meet: one family, each saying what was wrong, what is allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping


class TutorialError(Exception):
    """Base of every error that this package raises on purpose."""


class ConfigurationError(TutorialError, ValueError):
    """One or more settings are not allowed; raised before any data is touched.

    Attributes:
        problems: What is wrong with each setting, by its name, where the error is about named settings.
    """

    def __init__(self, message: str, problems: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.problems = dict(problems or {})


class DownloadError(TutorialError, OSError):
    """No source could deliver the wanted files; the message lists every attempt."""


class DataError(TutorialError, ValueError):
    """A file, a tensor or what a statistic is given does not hold the data that it should hold."""


class CheckpointError(TutorialError, ValueError):
    """A stored model cannot be read, or does not fit the model that it should fill."""


class PredictionError(TutorialError, ValueError):
    """Predictions or labels cannot be evaluated: empty, not finite, of unequal length, not probabilities."""


class TrainingError(TutorialError, RuntimeError):
    """A run was stopped before its end, so its model must not be scored as a trained one."""


class ClaimError(TutorialError, ValueError):
    """A claim lacks what its verdict needs: measurements with intervals, and rules, or why there are none."""


class ExpectationError(TutorialError, AssertionError):
    """A sentence does not hold for the numbers beside it; raised in the book's own build alone."""


class ChapterError(TutorialError, RuntimeError):
    """A notebook did not run to its end, or ended without the results it should have written."""


class SweepError(TutorialError, RuntimeError):
    """A sweep cannot run: its cluster does not answer, or is not fit for it."""


def join_problems(opening: str, problems: Iterable[str]) -> str:
    """Write several problems as one message, a line each."""
    return "\n".join([opening, *(f"  - {problem}" for problem in problems)])


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """Suggest the nearest names, ``"did you mean 'mnist'?"``, or list all: ``"allowed: 'a', 'b'"``."""
    choices = sorted(allowed)
    near = difflib.get_close_matches(name.lower(), choices, n=2, cutoff=0.5)
    # A short name inside a longer one ("epochs" in "num_epochs") is nearer than letter counts say.
    near += [choice for choice in choices if name.lower() in choice and choice not in near]
    if near:
        return "did you mean " + " or ".join(repr(choice) for choice in near[:3]) + "?"
    return "allowed: " + ", ".join(repr(choice) for choice in choices)
