"""What lessons say of themselves, for the page of those who teach with them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

import nbformat
from lesson_text import Lesson, read_lesson
from markupsafe import Markup
from question_bank import questions_in
from sphinx.environment import BuildEnvironment

from measured.sources import CHAPTERS, chapters_in, depend_on
from tutorial_utils.exceptions import ConfigurationError, did_you_mean

_TARGET = re.compile(r"(?<=\]\()[.#\d][^)\s]*(?=\))")
"""A link to a file beside a chapter or above it, or to a heading: neither an address nor a label."""

NOTHING = "–"  # noqa: RUF001


class Lessons:
    """The lessons of the contents, in their order, and how many questions each asks.

    Attributes:
        all: What each says of itself, by part and name.
        questions: Their numbers of questions, by the same.
    """

    def __init__(self, env: BuildEnvironment) -> None:
        self._env = env
        self.all: dict[str, Lesson] = {}
        self.questions: dict[str, int] = {}
        for name in chapters_in(env):
            text = depend_on(env, f"{CHAPTERS}{name}.ipynb").read_text(encoding="utf-8")
            notebook = nbformat.v4.reads(text)  # type: ignore[no-untyped-call]
            self.all[name] = read_lesson(name, notebook)
            self.questions[name] = sum(len(questions_in(cell)) for cell in notebook.cells)

    def parts(self) -> list[tuple[str, list[Lesson]]]:
        """The lessons of each part of the contents with its caption, or else of each folder with its name."""
        contents = getattr(self._env, "external_site_map", None)
        if contents is None:
            folders = dict.fromkeys(posixpath.dirname(name) for name in self.all)
            return [
                (each, [found for found in self.all.values() if found.name.startswith(f"{each}/")])
                for each in folders
            ]

        def pages(trees: Iterable[Any]) -> Iterator[str]:
            for page in (page for tree in trees for page in tree.files()):
                yield page.removeprefix(CHAPTERS)
                yield from pages(contents[page].subtrees)

        found = [
            (tree.caption, [self.all[name] for name in pages([tree]) if name in self.all])
            for tree in contents.root.subtrees
        ]
        return [(caption, lessons) for caption, lessons in found if lessons]

    def link(self, name: str, *, timed: bool = True) -> Markup:
        """Link a lesson by its title.

        Args:
            name: Part and name.
            timed: Put its minutes behind, where it says them.

        Raises:
            ConfigurationError: The contents have no such lesson.
        """
        if name not in self.all:
            raise ConfigurationError(f"the contents have no lesson {name!r}; {did_you_mean(name, self.all)}")
        lesson = self.all[name]
        minutes = f" ({lesson.minutes} min)" if timed and lesson.minutes else ""
        return Markup(f"[{lesson.title}](../{CHAPTERS}{name}.ipynb){minutes}")


def cell(lesson: Lesson, markdown: str) -> Markup:
    """Write a lesson's own words into a cell of a table: on one line, links as they lead from ``book/``."""
    folder = posixpath.dirname(f"{CHAPTERS}{lesson.name}")

    def lead(found: re.Match[str]) -> str:
        path, sign, anchor = found[0].partition("#")
        path = posixpath.join(folder, path) if path else f"{CHAPTERS}{lesson.name}.ipynb"
        return f"{posixpath.relpath(path, 'book')}{sign}{anchor}"

    return Markup(_TARGET.sub(lead, markdown).replace("|", r"\|") or NOTHING)
