"""Ways of doing the same work, timed in turn: a machine that slows down slows all of them alike."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

Seconds = dict[str, list[float]]
"""Seconds of every round, by action."""


def interleave(
    actions: Mapping[str, Callable[[], T]],
    rounds: int,
    *,
    first: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Seconds, dict[str, T]]:
    """Run every action once a round, each round beginning with another one.

    Args:
        actions: What to run, by name.
        rounds: How often.
        first: How many rounds went before: a caller with something new for each round makes one at a time.
        clock: Tells seconds; :func:`time.process_time` those of the processor, where one thread does all.

    Returns:
        Seconds of every round, and what the last one returned, both by name.
    """
    seconds: Seconds = {name: [] for name in actions}
    last: dict[str, T] = {}
    names = list(actions)
    for number in range(rounds):
        shift = (first + number) % len(names)
        for name in names[shift:] + names[:shift]:
            started = clock()
            last[name] = actions[name]()
            seconds[name].append(clock() - started)
        latest = ", ".join(f"{name} {times[-1]:.3f} s" for name, times in seconds.items())
        say(f"  round {first + number + 1}: {latest}")
    return seconds, last


def say(text: str) -> None:
    """Report progress: a benchmark takes minutes."""
    print(text, file=sys.stderr, flush=True)


def summarise(seconds: Sequence[float]) -> dict[str, Any]:
    """Summarise the rounds of one action.

    Args:
        seconds: Of every round.

    Returns:
        ``median``, ``low`` and ``high`` (the fastest and the slowest round), and ``rounds``, all of them.
    """
    return {
        "median": statistics.median(seconds),
        "low": min(seconds),
        "high": max(seconds),
        "rounds": [round(value, 6) for value in seconds],
    }


def compare(seconds: Seconds, with_way: str) -> dict[str, float]:
    """How many times as long as one of them the actions took, by their medians."""
    reference = statistics.median(seconds[with_way])
    return {name: statistics.median(times) / reference for name, times in seconds.items()}
