"""The rules of a lesson, counted on one chapter: what is limited, what was found.

``python tests/lesson_rules.py start/01_read_digits`` prints the table of a chapter. Words
are counted on the built page, so build it first.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "book" / "_ext"))  # for those who run this file; pytest has it

import pair  # noqa: E402

LESSONS = sorted(f"{path.parent.name}/{path.stem}" for path in (ROOT / "notebooks").glob("*/*.py"))
"""All chapters, such as ``"foundations/02_gradients"``: every one is a lesson."""

WORDS, WORDS_OF_CLAIMS = 2_500, 4_000
VISIBLE_LINES, ALL_LINES = 120, 250
TEXT_SHARE = 0.1
SETUP_LINES = 3
COLUMNS = 80
QUESTIONS = 5

ROLE = re.compile(r"\{[\w:.+-]+\}`[^`]*`")
LABEL = re.compile(r"^\([\w-]+\)=", re.MULTILINE)
DIRECTIVE = re.compile(r"^\s*(?:`{3,}\{|:{3,}).*", re.MULTILINE)
EMPTY_LINK = re.compile(r"(?<!!)\[\s*\]\([^)]*\)")
LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
EXERCISE = re.compile(r"^#+ Exercise (\d+)(.*)$", re.MULTILINE)
STARS = re.compile(r"(?<!★)★{1,3}(?!★)")
FORMULA_OR_CODE = re.compile(r"\$\$.*?\$\$|`[^`\n]*`|(?<!\[)\$[^$\n]+\$", re.DOTALL)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NOT_WORDS = (
    *(
        "script",
        "style",
        "template",
        "noscript",
        ".cell_input",
        ".tag_hide-cell",
        ".provenance",
        ".headerlink",
    ),
    *(".only-printed", "pre.mermaid", "pre:not(.cell_output pre)"),
)
SAYS = {"print", "say", "Markdown", "display"}
"""Calls that show text and nothing else."""
GIVEN_TEXT = {"ask", "expect", "show"}
"""Calls whose texts are questions, guarded sentences and captions."""


@dataclass(frozen=True)
class Found:
    """One rule, its limit, and what a chapter has; ``kept`` is None where it cannot be told."""

    rule: str
    limit: str
    found: str
    kept: bool | None = True


class Lesson:
    """A chapter, its cells, and its built page."""

    def __init__(self, name: str, root: Path = ROOT) -> None:
        self.name, self.root = name, root
        self.notebook = pair.make_notebook(root / "notebooks" / f"{name}.py")
        self.cells = self.notebook.cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        self.setup, self.own_code = self.code[0], self.code[1:]
        self.prose = "\n\n".join(cell.source for cell in self.cells if cell.cell_type == "markdown")
        self.page = root / "_build" / "html" / "notebooks" / f"{name}.html"

    def exercises(self) -> dict[str, list[Any]]:
        """Cells of each exercise by its heading, up to the next heading of its level or above."""
        found: dict[str, list[Any]] = {}
        current: list[Any] | None = None
        for cell in self.cells:
            if cell.cell_type == "markdown":
                for heading in re.findall(r"^#+ .*$", FENCE.sub("", cell.source), re.MULTILINE):
                    current = found.setdefault(heading, []) if EXERCISE.match(heading) else None
            if current is not None:
                current.append(cell)
        return found


def tags_of(cell: Any) -> set[str]:
    """Tags of a cell."""
    return set(cell.metadata.get("tags", []))


def is_hidden(cell: Any) -> bool:
    """Whether a page hides the code of a cell, or shows it on a click alone."""
    return bool(tags_of(cell) & pair.WITHOUT_SOURCE)


def is_solution(cell: Any) -> bool:
    """Whether a cell is closed until asked for, with its output."""
    return "hide-cell" in tags_of(cell)


def name_of_call(node: ast.AST) -> str:
    """The last part of the name that is called, such as ``ask`` of ``questions.ask(...)``; else nothing."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def lines_of(node: Any) -> set[int]:
    """Numbers of the lines that a piece of code takes."""
    return set(range(node.lineno, node.end_lineno + 1))


def count_lines(source: str) -> tuple[int, int]:
    """Count lines that are not blank, but for those of ``ask(...)``, whose words the page counts.

    Returns:
        All lines, and those among them whose only effect is text.
    """
    tree, rows = ast.parse(source), source.splitlines()
    calls = [node for node in ast.walk(tree) if name_of_call(node)]
    asked = {line for node in calls if name_of_call(node) == "ask" for line in lines_of(node)}
    given = {line for node in calls if name_of_call(node) in GIVEN_TEXT for line in lines_of(node)}
    said = {line for node in calls if name_of_call(node) in SAYS for line in lines_of(node)}
    said |= {
        number
        for number, row in enumerate(rows, 1)
        if re.fullmatch(r"\s*[+(]*\s*f?(\".*\"|'.*')[,)+]*\s*", row)
    }
    lines = {number for number, row in enumerate(rows, 1) if row.strip()} - asked
    return len(lines), len(lines & said - given)


def words_of(page: Path) -> int:
    """Count the words of a built page, a formula as one; neither code, solutions nor the box at the foot."""
    article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").select_one("article")
    assert article is not None
    for formula in article.select(".math"):
        formula.replace_with(" formula ")
    for element in article.select(", ".join(NOT_WORDS)):
        element.extract()
    return len(re.findall(r"\w[\w'’.,-]*", article.get_text(" ")))  # noqa: RUF001


def count_questions(lesson: Lesson) -> int:
    """Questions in the last call of ``ask``."""
    asked = [
        node
        for cell in lesson.code
        for node in ast.walk(ast.parse(cell.source))
        if name_of_call(node) == "ask" and isinstance(node, ast.Call) and isinstance(node.args[0], ast.List)
    ]
    return len(asked[-1].args[0].elts) if asked else 0  # type: ignore[attr-defined]


def at_most(rule: str, limit: float, found: float, show: Callable[[float], str] = "{:,.0f}".format) -> Found:
    """A rule with an upper limit."""
    return Found(rule, f"<= {show(limit)}", show(found), found <= limit)


def none_of(rule: str, found: list[str]) -> Found:
    """A rule that nothing may break; names the first three that do."""
    shown = f"{len(found)}: {'; '.join(' '.join(each.split())[:60] for each in found[:3])}" if found else "0"
    return Found(rule, "0", shown, not found)


def rules(name: str, root: Path = ROOT) -> Iterator[Found]:
    """Count one chapter, such as ``"start/01_read_digits"``."""
    lesson = Lesson(name, root)
    yield from sizes(lesson)
    yield from forms(lesson)
    yield from exercise_forms(lesson)


def sizes(lesson: Lesson) -> Iterator[Found]:
    """How long a lesson is."""
    limit = WORDS_OF_CLAIMS if lesson.name.startswith("claims/") else WORDS
    if lesson.page.is_file():
        yield at_most("words of the page", limit, words_of(lesson.page))
    else:
        yield Found("words of the page", f"<= {limit:,}", "page not built", None)
    own = [cell for cell in lesson.own_code if not is_solution(cell)]
    counts = {id(cell): count_lines(cell.source) for cell in own}
    lines = sum(counts[id(cell)][0] for cell in own)
    yield at_most(
        "visible lines of code", VISIBLE_LINES, sum(counts[id(c)][0] for c in own if not is_hidden(c))
    )
    yield at_most("lines with hidden ones", ALL_LINES, lines)
    share = sum(counts[id(cell)][1] for cell in own) / max(1, lines)
    yield at_most("share of lines that only say something", TEXT_SHARE, share, "{:.0%}".format)
    folded = pair.folding(lesson.setup).get("cellView") == "form"
    yield at_most(
        "visible lines of set-up", SETUP_LINES, 1 if folded else len(lesson.setup.source.splitlines())
    )
    rows = [row for cell in lesson.own_code for row in cell.source.splitlines()]
    yield none_of(f"lines wider than {COLUMNS} columns", [row for row in rows if len(row) > COLUMNS])


def forms(lesson: Lesson) -> Iterator[Found]:
    """Plain Markdown that reads well anywhere, and cells that collapse everywhere."""
    prose = FORMULA_OR_CODE.sub("", lesson.prose)
    yield none_of("roles", ROLE.findall(lesson.prose))
    yield none_of("labels", LABEL.findall(lesson.prose))
    yield none_of("directives", DIRECTIVE.findall(lesson.prose))
    yield none_of("links without words", EMPTY_LINK.findall(prose))
    inside = [target for target in LINK.findall(prose) if not re.match(r"https?:|mailto:|#", target)]
    yield none_of(
        "links inside the book that name no file",
        [target for target in inside if not is_file_of_the_book(lesson, target)],
    )
    opening = lesson.cells[0].source.partition("\n")[2].strip()
    first = " ".join(re.split(r"(?<=[.?!])\s", opening)[:2])
    yield Found("a question in the first two sentences", "1", str(first.count("?")), "?" in first)
    time = re.search(r"\d+ minutes", lesson.cells[0].source)
    yield Found("reading time on top", "N minutes", time[0] if time else "none", bool(time))
    hidden = [cell.source for cell in lesson.code if is_hidden(cell)]
    yield none_of(
        "hidden cells without a title", [code for code in hidden if not code.startswith("# @title ")]
    )
    count = count_questions(lesson)
    yield Found("questions at the end", f">= {QUESTIONS}", str(count), count >= QUESTIONS)
    figures = [cell.source for cell in lesson.code if "mystnb" in cell.metadata]
    yield none_of("figures whose words Jupyter does not show", figures)


def exercise_forms(lesson: Lesson) -> Iterator[Found]:
    """Exercises: stars, starter, check, closed solution."""
    exercises = lesson.exercises()
    yield Found("exercises", ">= 3", str(len(exercises)), len(exercises) >= 3)
    yield none_of(
        "exercises without one to three stars", [head for head in exercises if not STARS.search(head)]
    )
    for rule, lacks in EXERCISE_RULES.items():
        yield none_of(
            f"exercises without {rule}", [head for head, cells in exercises.items() if lacks(cells)]
        )
    text = "\n".join(cell.source for cells in exercises.values() for cell in cells).lower()
    missing = [word for word in ("pencil", "predict") if word not in text]
    yield none_of("kinds of exercise that are missing", missing)
    closed = {"cellView": "form", "jupyter": {"source_hidden": True, "outputs_hidden": True}}
    solutions = [cell for cell in lesson.code if is_solution(cell)]
    yield none_of(
        "solutions that stand open", [c.source for c in solutions if not closed.items() <= c.metadata.items()]
    )


def _lacks_starter(cells: list[Any]) -> bool:
    return not any(cell.cell_type == "code" and not is_hidden(cell) for cell in cells)


def _lacks_check(cells: list[Any]) -> bool:
    return not any(
        "checks." in cell.source for cell in cells if cell.cell_type == "code" and not is_hidden(cell)
    )


def _lacks_solution(cells: list[Any]) -> bool:
    return not any(is_solution(cell) for cell in cells)


EXERCISE_RULES: dict[str, Callable[[list[Any]], bool]] = {
    "a starter cell": _lacks_starter,
    "a check": _lacks_check,
    "a closed solution": _lacks_solution,
}


def is_file_of_the_book(lesson: Lesson, target: str) -> bool:
    """Whether a link leads from a chapter to a page's file, as it opens in JupyterLab and on GitHub."""
    path = (lesson.root / "notebooks" / lesson.name).parent / target.partition("#")[0]
    return path.suffix in (".ipynb", ".md") and path.is_file()


def table(name: str) -> tuple[str, bool]:
    """The table of one chapter for the terminal, and whether every rule is kept."""
    found = list(rules(name))
    width = max(len(each.rule) for each in found)
    signs = {True: "  ", False: "✗ ", None: "? "}
    rows = [f"{signs[each.kept]}{each.rule:<{width}}  {each.limit:>9}  {each.found}" for each in found]
    return "\n".join([f"  {'rule':<{width}}  {'limit':>9}  found", *rows]), all(each.kept for each in found)


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit(
            "name chapters, such as: python tests/lesson_rules.py foundations/01_softmax_and_cross_entropy"
        )
    kept = True
    for chapter in sys.argv[1:]:
        text, well = table(chapter)
        print(f"{chapter}\n{text}\n")
        kept &= well
    sys.exit(0 if kept else 1)
