"""All questions of the lessons on paper: a sheet for each lesson, and one key for all.

They are read from what executed notebooks show, so that keys are those of the book's own run.
"""

from __future__ import annotations

import html
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bs4 import BeautifulSoup, Tag

from tutorial_utils.exceptions import ChapterError

NOTICE = "Logistic Regression, Measured. Text: CC BY 4.0."
LETTERS = string.ascii_lowercase
STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; color: #111; background: #fff }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0.3rem } h2 { font-size: 1.2rem; break-after: avoid }
p.note, footer { color: #444; font-size: 0.9rem } section { break-inside: auto }
li.question { break-inside: avoid; margin: 1.1rem 0 } ol.options { margin: 0.3rem 0 }
.blank { display: inline-block; border-bottom: 1px solid #333; width: 11rem }
.sure { font-size: 0.9rem; margin: 0.3rem 0 }
@media print {
  body { margin: 0; max-width: none; font-size: 11pt }
  section.lesson + section.lesson { break-before: page }
}
"""


@dataclass(frozen=True)
class Asked:
    """One question as a lesson shows it. Texts are HTML, with code and emphasis.

    Attributes:
        text: The question.
        options: What one may choose; none where a number is asked.
        right: Place of the right option; None for a number.
        answer: The right answer.
        because: Why.
        unit: Stands behind a number.
        tolerance: How far a number may be off.
        sure: How sure one may be; none where it is not asked.
        predicts: Whether it stands before a result, which the lesson then shows.
    """

    text: str
    options: tuple[str, ...]
    right: int | None
    answer: str
    because: str
    unit: str
    tolerance: float
    sure: tuple[str, ...]
    predicts: bool


def questions_in(cell: Any) -> list[Asked]:
    """Read the questions that one executed cell shows, in their order.

    Raises:
        ChapterError: One lacks its text or its answer.
    """
    found = []
    for output in cell.get("outputs", []):
        shown = output.get("data", {}).get("text/html", "")
        if "lesson-questions" in shown:
            fields = BeautifulSoup(shown, "html.parser").select("fieldset.question")
            found += [_read(field) for field in fields]
    return found


def _read(field: Tag) -> Asked:
    sure = field.select_one("fieldset.sure")
    degrees = tuple(_inside(span) for span in sure.select("label > span")) if sure else ()
    if sure:
        sure.extract()
    answer = field.select_one("details strong")
    text = field.select_one("legend")
    if answer is None or text is None:
        raise ChapterError(f"a question lacks its text or its answer: {field.get_text(' ')[:80]!r}")
    reason = answer.parent
    said = _inside(answer)
    answer.extract()
    options = tuple(_inside(span) for span in field.select("label > span"))
    unit = field.select_one("label")
    return Asked(
        text=_inside(text),
        options=options,
        right=int(float(str(field["data-key"]))) if options else None,
        answer=said,
        because=_inside(reason).removeprefix(":").strip() if reason else "",
        unit="" if options or unit is None else unit.get_text().partition(":")[2].strip(),
        tolerance=float(str(field["data-tolerance"])),
        sure=degrees,
        predicts=field["data-kind"] == "predict",
    )


def _inside(element: Tag) -> str:
    return element.decode_contents().strip()


def write_sheet(title: str, questions: Sequence[Asked]) -> str:
    """Write the questions of one lesson as a page to print, without answers.

    Args:
        title: Of the lesson.
        questions: All of them.
    """
    body = (
        f"<h1>{html.escape(title)}</h1>"
        '<p>Name <span class="blank"></span> Date <span class="blank"></span></p>'
        '<p class="note">Some answers stand in the outputs of the lesson: keep it open. '
        "Answer a prediction before you get there.</p>" + _list(questions)
    )
    return page(f"{title}: questions", body)


def write_bank(lessons: Sequence[tuple[str, Sequence[Asked]]]) -> str:
    """Write the questions of all lessons, each with its title, on one page without answers."""
    parts = "".join(
        f'<section class="lesson"><h2>{html.escape(title)}</h2>{_list(questions)}</section>'
        for title, questions in lessons
    )
    return page("All questions", f"<h1>All questions</h1>{parts}")


def write_key(lessons: Sequence[tuple[str, Sequence[Asked]]]) -> str:
    """Write the answers to all questions, numbered as on the sheets, under the lessons' titles."""
    parts = "".join(
        f"<section><h2>{html.escape(title)}</h2><ol>{''.join(map(_answer, questions))}</ol></section>"
        for title, questions in lessons
    )
    note = (
        '<p class="note">Answers are those of the book\'s own run, with all settings as they are shipped. '
        "A learner who changed a setting may rightly answer otherwise.</p>"
    )
    return page("Key to all questions", f"<h1>Key to all questions</h1>{note}{parts}")


def _list(questions: Sequence[Asked]) -> str:
    return f"<ol>{''.join(map(_question, questions))}</ol>"


def _question(asked: Asked) -> str:
    lead = "<em>Predict.</em> " if asked.predicts else ""
    field = f'<p>Answer: <span class="blank"></span> {html.escape(asked.unit)}</p>'
    if asked.options:
        field = (
            f'<ol class="options" type="a">{"".join(f"<li>{option}</li>" for option in asked.options)}</ol>'
        )
    if asked.sure:
        field += f'<p class="sure">How sure are you? {" ".join(f"☐ {degree}" for degree in asked.sure)}</p>'
    return f'<li class="question">{lead}{asked.text}{field}</li>'


def _answer(asked: Asked) -> str:
    letter = f"{LETTERS[asked.right]}, " if asked.right is not None else ""
    margin = "" if asked.options else f" (± {asked.tolerance:.2g})"
    return f"<li><strong>{letter}{asked.answer}</strong>{margin}: {asked.because}</li>"


def page(title: str, body: str) -> str:
    """Put a body into a page that loads nothing."""
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main>{body}</main><footer><p>{NOTICE}</p></footer></body></html>\n"
    )
