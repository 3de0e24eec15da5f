"""What a lesson says of itself: title, question, time, needs, outcomes, exercises; and where solutions are.

Read from a chapter's notebook, with or without outputs, by the forms that ``CONTRIBUTING.md`` asks for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

CHAPTERS = "notebooks/"
HEADING = re.compile(r"^(#+) +(.*?) *$", re.MULTILINE)
EXERCISE = re.compile(r"Exercise \d+\b")
STARS = re.compile("★+")
SOLUTION = "hide-cell"
"""The tag of solutions, below the heading of an exercise. Elsewhere, it folds what only some will read."""

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_SENTENCE = re.compile(r".+?(?:[.?!](?=\W*(?:\s|$))|$)", re.DOTALL)
_NEEDS = re.compile(r"\*\*You need\*\*\s+(.+?\.)(?=\*|\s|$)", re.DOTALL)
_ITEM = re.compile(r"^\* +(.+?)(?=^\* |\n\s*\n|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """An exercise: one to three stars, or none, and what it asks in a sentence or two of Markdown."""

    stars: str
    task: str


@dataclass(frozen=True)
class Lesson:
    """What a lesson says of itself, in Markdown; empty where it does not.

    Attributes:
        name: Part and name, such as ``"mnist/03_training"``.
        title: Its heading.
        opening: The paragraph with its question.
        time: How long it takes, in its own words.
        minutes: The first number of minutes in them.
        needs: What to know before.
        outcomes: What one can do afterwards.
        exercises: Its exercises.
    """

    name: str
    title: str
    opening: str
    time: str
    minutes: int | None
    needs: str
    outcomes: tuple[str, ...]
    exercises: tuple[Exercise, ...]


def chapters_of(contents: Path) -> list[str]:
    """Names of all chapters in a list of contents, ``_toc.yml``, in its order."""

    def files(entry: Any) -> list[str]:
        if isinstance(entry, list):
            return [name for each in entry for name in files(each)]
        below = [name for key in ("parts", "chapters", "sections") for name in files(entry.get(key, []))]
        return [entry["file"], *below] if "file" in entry else below

    listed = files(yaml.safe_load(contents.read_text(encoding="utf-8")))
    return [name.removeprefix(CHAPTERS) for name in listed if name.startswith(CHAPTERS)]


def read_lesson(name: str, notebook: Any) -> Lesson:
    """Read what a lesson says of itself.

    Args:
        name: Part and name.
        notebook: As nbformat reads it.
    """
    top = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    heading = HEADING.search(top)
    paragraphs = [text.strip() for text in re.split(r"\n\s*\n", top[heading.end() if heading else 0 :])]
    paragraphs = [text for text in paragraphs if text]
    timed = next(
        (match[0] for text in paragraphs for match in _SENTENCE.finditer(text) if _minutes(match[0])), ""
    )
    needs = _NEEDS.search(top)
    outcomes = re.split(r"after this chapter you can", top, maxsplit=1, flags=re.IGNORECASE)[1:]
    return Lesson(
        name=name,
        title=heading[2] if heading else name,
        opening=one_line(paragraphs[0]) if paragraphs else "",
        time=one_line(timed).strip("*. "),
        minutes=_minutes(timed),
        needs=one_line(needs[1]) if needs else "",
        outcomes=tuple(one_line(item).rstrip(";.") for item in _ITEM.findall(outcomes[0]))
        if outcomes
        else (),
        exercises=tuple(_exercises(notebook.cells)),
    )


def _minutes(text: str) -> int | None:
    found = re.search(r"\b(\d+) minutes\b", text)
    return int(found[1]) if found else None


def _exercises(cells: Sequence[Any]) -> list[Exercise]:
    found = []
    for cell in cells:
        if cell.cell_type == "markdown":
            text = _FENCE.sub("", cell.source)
            for heading in HEADING.finditer(text):
                if EXERCISE.match(heading[2]):
                    stars = STARS.search(heading[2])
                    found.append(Exercise(stars[0] if stars else "", _task(text[heading.end() :])))
    return found


def _task(text: str) -> str:
    """The sentences up to the first question, if it is among the first three; else the first sentence."""
    paragraph = re.split(r"\n\s*\n", text.strip())[0]
    sentences = [one_line(match[0]) for match in _SENTENCE.finditer(paragraph)][:3]
    asked = next((place for place, each in enumerate(sentences) if each.endswith("?")), 0)
    return " ".join(sentences[: asked + 1])


def headings_above(cells: Sequence[Any]) -> list[str]:
    """For each cell the heading that it stands under; a cell of Markdown may begin a new one itself."""
    above, current = [], ""
    for cell in cells:
        if cell.cell_type == "markdown":
            titles = HEADING.findall(_FENCE.sub("", cell.source))
            current = titles[-1][1] if titles else current
        above.append(current)
    return above


def solutions_in(cells: Sequence[Any]) -> list[bool]:
    """For each cell, whether it is the solution of an exercise."""
    found, level = [], 0  # of the exercise's heading; 0 outside of exercises
    for cell in cells:
        if cell.cell_type == "markdown":
            for signs, title in HEADING.findall(_FENCE.sub("", cell.source)):
                if EXERCISE.match(title):
                    level = len(signs)
                elif len(signs) <= level:
                    level = 0
        found.append(level > 0 and SOLUTION in cell.metadata.get("tags", []))
    return found


def one_line(text: str) -> str:
    """Write a paragraph on one line."""
    return " ".join(text.split())
