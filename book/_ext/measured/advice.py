"""A table of advice with its measured effect: numbers put into sentences."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from docutils import nodes  # type: ignore[import-untyped]
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

from measured.sources import logger, results_of
from measured.tables import link_to_section, make_table

VALUE = re.compile(r"\{([^|{}]+)\|([^|{}]+)\|([^|{}]*)\}")
"""A number in a sentence: ``{chapter|path|format}``; ``/`` stands between the parts of the path."""


def fill_in(env: BuildEnvironment, sentence: str) -> str:
    """Put measured values into a sentence.

    Args:
        env: Sphinx's environment; the page comes to depend on the results files.
        sentence: With values written as :data:`VALUE` says.

    Returns:
        The sentence with numbers; a value that is not there stays as it was written, after a warning.
    """

    def look_up(match: re.Match[str]) -> str:
        chapter, path, specification = match.groups()
        results = results_of(env, chapter)
        value: Any = results and {"metrics": results.metrics, "timings": results.timings}
        try:
            for part in path.split("/"):
                value = value[int(part)] if isinstance(value, list) else value[part]
            if value is None:
                raise ValueError("it is undefined")
            return format(value, specification)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            text = f"{match[0]}: no such value ({error!r})"
            logger.warning("%s", text, location=env.docname, type="measured")
            return match[0]

    return VALUE.sub(look_up, " ".join(sentence.split()))


class MeasuredAdvice(SphinxDirective):
    """``{measured-advice} FILE``: a table of advice, where the book keeps it and what it did."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make one section and table for each group of the YAML file beside the page."""
        path = Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]
        self.env.note_dependency(str(path))
        made: list[nodes.Node] = []
        for group in yaml.safe_load(path.read_text()):
            title = group["group"]
            section = nodes.section(ids=[f"advice-{nodes.make_id(title)}"])
            section += nodes.title("", title)
            rows = [
                [row["advice"], link_to_section(self.env, row["where"]), fill_in(self.env, row["effect"])]
                for row in group["rows"]
            ]
            section += make_table(("Advice", "Where", "Measured effect"), rows)
            made.append(section)
        return made
