"""Slides from a lesson: question, outcomes, predictions and figures, as one page that loads nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from lesson_text import Lesson, headings_above, solutions_in
from question_bank import NOTICE, Asked, questions_in

from tutorial_utils.lessons import live
from tutorial_utils.lessons.markup import inline
from tutorial_utils.lessons.show import METADATA

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
STYLE = """
* { box-sizing: border-box } html, body { margin: 0; background: #fff; color: #111 }
body { font: clamp(18px, 2.2vw, 34px)/1.35 system-ui, sans-serif }
section { display: flex; flex-direction: column; gap: 2vh; justify-content: center }
section { min-height: 100vh; padding: 3vh 5vw 7vh }
h1 { font-size: 2em; margin: 0; line-height: 1.15 } h2 { font-size: 1.15em; margin: 0; font-weight: 600 }
section p { margin: 0 } figure { margin: 0; display: flex; flex-direction: column; gap: 1.5vh; min-height: 0 }
img { width: 100%; height: 64vh; object-fit: contain } figcaption { font-size: 0.78em; max-width: 60em }
ul, ol { margin: 0; padding-left: 1.4em } li { margin: 0.45em 0 } .small { font-size: 0.6em; color: #444 }
a { color: #0b57a4 } nav { display: none }
@media screen {
  .deck section:not(.now) { display: none }
  .deck nav { display: flex; gap: 0.6em; align-items: center; font-size: 0.55em }
  .deck nav { position: fixed; right: 1.2vw; bottom: 1.2vh }
  nav button { font: inherit; padding: 0.25em 0.8em }
}
@page { size: 297mm 167mm; margin: 0 }
@media print {
  body { font-size: 20pt }
  section { min-height: 0; height: 167mm; break-after: page; padding: 8mm 14mm }
  img { height: 112mm }
}
"""
SCRIPT = """
"use strict";
(() => {
  const slides = [...document.querySelectorAll("section")];
  const [back, on] = document.querySelectorAll("nav button");
  let now = 0;
  const show = number => {
    now = Math.min(Math.max(number, 0), slides.length - 1);
    slides.forEach((slide, place) => slide.classList.toggle("now", place === now));
    document.querySelector("nav span").textContent = `${now + 1} of ${slides.length}`;
    back.disabled = now === 0;
    on.disabled = now === slides.length - 1;
    if (location.hash !== `#${now + 1}`) location.replace(`#${now + 1}`);
  };
  const asked = () => (Number(location.hash.slice(1)) || 1) - 1;
  const ways = {ArrowRight: 1, ArrowDown: 1, PageDown: 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1};
  addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ways) show(now + ways[event.key]);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(slides.length - 1);
    else return;
    event.preventDefault();
  });
  back.addEventListener("click", () => show(now - 1));
  on.addEventListener("click", () => show(now + 1));
  addEventListener("hashchange", () => show(asked()));
  document.body.className = "deck";
  show(asked());
})();
"""
"""Without it, the slides stand one below the other."""


def write_deck(lesson: Lesson, notebook: Any) -> str:
    """Make the slides of one lesson.

    Args:
        lesson: What it says of itself.
        notebook: As it was executed.

    Returns:
        A page with all pictures inside: arrow keys turn the slides, and each prints on a sheet of its own.
    """
    title = words(lesson.title)
    slides = [f'<h1>{title}</h1><p>{words(lesson.opening)}</p><p class="small">{NOTICE}</p>']
    if lesson.outcomes:
        items = "".join(f"<li>{words(each)}</li>" for each in lesson.outcomes)
        slides.append(f"<h2>After this you can</h2><ul>{items}</ul>")
    cells = zip(notebook.cells, headings_above(notebook.cells), solutions_in(notebook.cells), strict=True)
    for cell, heading, solution in cells:
        if cell.cell_type == "code" and not solution:
            slides += [_prediction(asked) for asked in questions_in(cell) if asked.predicts]
            slides += [f"<h2>{words(heading)}</h2>{figure}" for figure in _figures(cell, lesson.name)]
    body = "".join(
        f'<section aria-label="Slide {place}">{slide}</section>' for place, slide in enumerate(slides, 1)
    )
    buttons = (
        '<button type="button">Back</button><span role="status"></span><button type="button">Next</button>'
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB"><head><meta charset="utf-8"><title>{title}: slides</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><main>{body}</main><nav>{buttons}</nav><script>{SCRIPT}</script></body></html>\n"
    )


def words(markdown: str) -> str:
    """Write a line of Markdown for a slide: links as their words, formulas as they were typed."""
    return inline(_LINK.sub(r"\1", markdown).replace("$", "").replace("★", "").strip())


def _prediction(asked: Asked) -> str:
    options = "".join(f"<li>{option}</li>" for option in asked.options)
    return f'<h2>Predict, and write it down</h2><p>{asked.text}</p><ol type="a">{options}</ol>'


def _figures(cell: Any, chapter: str) -> Iterator[str]:
    """Each figure of a cell with its caption; of one that moves, the still and where it moves."""
    for output in cell.get("outputs", []):
        picture = output.get("data", {}).get("image/png")
        marks = output.get("metadata", {})
        if not picture:
            continue
        if METADATA in marks:
            alt, caption = marks[METADATA]["alt"], inline(marks[METADATA]["caption"])
        elif live.METADATA in marks:
            name = marks[live.METADATA]
            figure, page = live.FIGURES[name], f"notebooks/{chapter}"
            address = f"{live.PUBLISHED}{page}.html#{live.anchor(name, page)}"
            alt, caption = (
                figure.alt,
                f'{inline(figure.caption)} <a href="{address}">In the book it moves.</a>',
            )
        elif "mystnb" in cell.metadata:
            alt = cell.metadata["mystnb"].get("image", {}).get("alt", "")
            caption = words(cell.metadata["mystnb"].get("figure", {}).get("caption", ""))
        else:
            continue
        encoded = "".join(picture.split())
        yield (
            f'<figure><img src="data:image/png;base64,{encoded}" alt="{html.escape(alt)}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )
