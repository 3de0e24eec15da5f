"""Sentences of advice: numbers put into them."""

from __future__ import annotations

import re
from typing import Any

from sphinx.environment import BuildEnvironment

from measured.sources import read_results

VALUE = re.compile(r"\{([^|{}]+)\|([^|{}]+)\|([^|{}]*)\}")
"""A number in a sentence: ``{chapter|path|format}``; ``/`` stands between the parts of the path.

Per cent are written as in the rest of the book, ``92.5 %``."""


def fill_in(env: BuildEnvironment, sentence: str) -> str:
    """Put measured values, written as :data:`VALUE` says, into a sentence.

    Raises:
        DataError: A chapter has no results.
        ValueError: They lack a value, or it does not fit its format.
    """

    def look_up(match: re.Match[str]) -> str:
        chapter, path, specification = match.groups()
        results = read_results(env, chapter)
        value: Any = {"metrics": results.metrics, "timings": results.timings}
        try:
            for part in path.split("/"):
                value = value[int(part)] if isinstance(value, list) else value[part]
            if value is None:
                raise ValueError("it is undefined")
            return format(value, specification).replace("%", " %")
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(f"{match[0]}: no such value ({error!r})") from error

    return VALUE.sub(look_up, sentence)
