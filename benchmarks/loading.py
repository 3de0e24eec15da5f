"""Reading a data set from files that are there, checksums included."""

from __future__ import annotations

import functools
from typing import Any

from rounds import interleave, say, summarise

from tutorial_utils.data import catalogue, datasets


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Both data sets.

    Args:
        rounds: Of each.
        quick: Makes no difference.

    Returns:
        Seconds by data set.
    """
    say("reading the data sets, checksums included")
    actions = {name: functools.partial(datasets.load, name) for name in catalogue.DATASETS}
    for load in actions.values():
        load()  # what is not there yet is fetched
    seconds, _ = interleave(actions, rounds)
    return {"seconds": {name: summarise(times) for name, times in seconds.items()}}
