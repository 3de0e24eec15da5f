"""What lessons say of themselves, for the page of those who teach with them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

import nbformat
from lesson_text import Lesson, read_lesson
from markupsafe import Markup
from question_bank import questions_in
from sphinx.environment import BuildEnvironment

from measured.sources import CHAPTERS, chapters_in, depend_on
from tutorial_utils.exceptions import ConfigurationError, did_you_mean

_TARGET = re.compile(r"(?<=\]\()(?!\w+:)[^)\s]+(?=\))")
NOTHING = "–"  # noqa: RUF001


class Lessons:
    """The lessons of the contents, in their order, and how many questions each asks.

    Attributes:
        all: What each says of itself, by part and name.
        questions: Their numbers of questions, by the same.
    """

    def __init__(self, env: BuildEnvironment) -> None:
        self.all: dict[str, Lesson] = {}
        self.questions: dict[str, int] = {}
        for name in chapters_in(env):
            text = depend_on(env, f"{CHAPTERS}{name}.ipynb").read_text(encoding="utf-8")
            notebook = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
            self.all[name] = read_lesson(name, notebook)
            self.questions[name] = sum(len(questions_in(cell)) for cell in notebook.cells)

    def part(self, folder: str) -> list[Lesson]:
        """The lessons of one part, such as ``"mnist"``."""
        return [lesson for name, lesson in self.all.items() if name.startswith(f"{folder}/")]

    def link(self, name: str) -> Markup:
        """Link a lesson by its title, with its minutes.

        Raises:
            ConfigurationError: The contents have no such lesson.
        """
        if name not in self.all:
            raise ConfigurationError(f"the contents have no lesson {name!r}; {did_you_mean(name, self.all)}")
        lesson = self.all[name]
        minutes = f" ({lesson.minutes} min)" if lesson.minutes else ""
        return Markup(f"[{lesson.title}](../{CHAPTERS}{name}.ipynb){minutes}")


def cell(lesson: Lesson, markdown: str) -> Markup:
    """Write a lesson's own words into a cell of a table: on one line, links as they lead from ``book/``."""
    folder = posixpath.dirname(f"{CHAPTERS}{lesson.name}")

    def lead(found: re.Match[str]) -> str:
        path, sign, anchor = found[0].partition("#")
        path = posixpath.join(folder, path) if path else f"{CHAPTERS}{lesson.name}.ipynb"
        return f"{posixpath.relpath(path, 'book')}{sign}{anchor}"

    return Markup(_TARGET.sub(lead, markdown).replace("|", r"\|") or NOTHING)


def lines(lesson: Lesson, items: Iterable[str]) -> Markup:
    """Write several of a lesson's sentences into a cell, each on a line of its own."""
    return Markup("<br>".join(cell(lesson, item) for item in items) or NOTHING)
