"""Converted chapters keep the rules of a lesson; `lesson_rules.py` counts them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from built_book import BUILD, ROOT
from lesson_rules import FORMULA_OR_CODE, LESSONS, Found, Lesson, count_lines, rules, table, words_of

from tutorial_utils.report import results

SMALLEST_MARGIN = 1e-3
"""Another processor rounds otherwise, and after some epochs a few of 10,000 images are judged otherwise."""
CITATION = re.compile(r"\[([^\]]*\b(?:1[89]|20)\d\d\b[^\]]*)\]\((https?://[^)\s]+)\)")
BIBLIOGRAPHY = (ROOT / "book" / "references.bib").read_text()


def broken(found: Iterator[Found]) -> list[str]:
    return [f"{each.rule}: {each.found}, {each.limit}" for each in found if each.kept is False]


def test_every_chapter_keeps_the_rules_of_a_lesson() -> None:
    found = {name: broken(rules(name)) for name in LESSONS}
    assert {name: rules for name, rules in found.items() if rules} == {}


@pytest.mark.book
def test_the_words_of_every_chapter_were_counted() -> None:
    assert [name for name in LESSONS if not Lesson(name).page.is_file()] == []


@pytest.mark.book
def test_no_sentence_lies_nearer_to_its_bound_than_processors_differ() -> None:
    near = [
        (chapter.notebook, entry["statement"], entry["margin"])
        for chapter in map(results.read, (BUILD / "results").glob("*/*.json"))
        for entry in chapter.metrics.get("expectations", [])
        if entry["margin"] is not None and entry["margin"] < SMALLEST_MARGIN
    ]
    assert near == []


# Citations: links in converted chapters, roles in the others


def addresses() -> dict[str, str]:
    """Keys of the bibliography by the addresses that its entries give."""
    found = {}
    for key, entry in re.findall(r"^@\w+\{(.+?),\n(.*?)^\}", BIBLIOGRAPHY, re.MULTILINE | re.DOTALL):
        for field, value in re.findall(r"^\s*(doi|url)\s*=\s*\{(.+?)\},?$", entry, re.MULTILINE):
            found[f"https://doi.org/{value}" if field == "doi" else value] = key
    return found


def prose_of(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("\n# ", "\n")


def cited_in(text: str) -> list[str]:
    """Addresses that links with a year in their words lead to."""
    return [address for _, address in CITATION.findall(FORMULA_OR_CODE.sub("", text))]


def test_every_citation_of_a_chapter_is_in_the_bibliography() -> None:
    known = addresses()
    assert len(known) > 20
    found = {name: cited_in(prose_of(ROOT / "notebooks" / f"{name}.py")) for name in LESSONS}
    assert {name: [a for a in cited if a not in known] for name, cited in found.items() if cited} == {
        name: [] for name, cited in found.items() if cited
    }


def test_every_work_in_the_bibliography_is_cited_somewhere() -> None:
    pages = [
        *(ROOT / "notebooks").glob("*/*.py"),
        *(ROOT / "book").glob("*.md"),
        *(ROOT / "book").glob("*.yml"),
    ]
    text = "\n".join(map(prose_of, pages))
    by_role = {
        key.strip() for keys in re.findall(r"\{cite[:\w]*\}`([^`]+)`", text) for key in keys.split(",")
    }
    by_link = {
        addresses()[address]
        for address in re.findall(r"\((https?://[^)\s]+)\)", text)
        if address in addresses()
    }
    works = set(re.findall(r"^@\w+\{(.+?),$", BIBLIOGRAPHY, re.MULTILINE))
    package = "".join(path.read_text().lower() for path in (ROOT / "tutorial_utils").rglob("*.py"))
    in_package = {work for work in works if re.sub(r"\d+\w?$", "", work) in package}
    assert works - by_role - by_link - in_package == set()


# The counting itself

HEADER = (ROOT / "notebooks" / "foundations" / "02_gradients.py").read_text().partition("# %%")[0]
GOOD = """# %% [markdown]
# # A lesson
#
# What is a loss? One number that says how wrong a model is.
#
# *20 minutes, needs [the model](02_model.ipynb#The-model), leads to [more](../../book/more.md).*
#
# > **Note** An array `x[0](1)`, a formula $f[i](x)$, and a diagram:
#
# ```mermaid
# flowchart LR
# ```

# %% tags=["remove-cell"]
# @title Set-up
import a
import b
import c
import d

# %% tags=["parameters"]
seed: int = 0  # any number

# %%
loss = seed + 1
print(loss)
{lines}

# %% tags=["remove-input"]
# @title Guards
expect("it is small", loss, below=2)

# %% [markdown]
# ## Exercises

# %% [markdown]
# ### Exercise 1 ★ With a pencil

# %%
your_answer = ...
checks.answer(your_answer, 1)

# %% tags=["hide-cell"]
# @title Solution
checks.answer(1, 1)

# %% [markdown]
# ### Exercise 2 ★★ Predict, then run

# %%
checks.softmax(your_softmax)

# %% tags=["hide-cell"]
# @title Solution
pass

# %% [markdown]
# ### Exercise 3 ★★★

# %%
checks.softmax(your_softmax)

# %% tags=["hide-cell"]
# @title Solution
pass

# %% tags=["remove-input"]
# @title Five questions
ask(
    [
        choice("No code?", ["a", "b"], correct="a", because="so"),
        q,
        q,
        q,
        q,
    ]
)
""".replace("{lines}", "\n".join(f"x{number} = {number}" for number in range(30)))

MISTAKES = {
    "visible lines of code": ("x0 = 0", "\n".join(f"y{number} = 0" for number in range(120))),
    "lines with hidden ones": ("# @title Guards", "# @title Guards\n" + "y = 0\n" * 250),
    "share of lines that only say something": (
        "x0 = 0",
        'say(\n    "one"\n    f" two {seed}"\n    " three."\n)',
    ),
    "visible lines of set-up": ('tags=["remove-cell"]', 'tags=["other"]'),
    "lines wider than 80 columns": ("x0 = 0", f"x0 = 0  # {'x' * 80}"),
    "roles": ("What is a loss?", "What is a {term}`loss`?"),
    "labels": ("# ## Exercises", "# (label)=\n# ## Exercises"),
    "directives": ("# > **Note**", "# :::{note}\n# :::\n# > **Note**"),
    "links without words": ("What is a loss?", "What is a loss in [](02_model.ipynb)?"),
    "links inside the book that name no file": ("02_model.ipynb", "02_model"),
    "a question in the first two sentences": ("What is a loss?", "About the loss. It is good."),
    "reading time on top": ("20 minutes", "long"),
    "hidden cells without a title": ("# @title Guards\n", ""),
    "questions at the end": ("        q,\n    ]", "    ]"),
    "figures whose words Jupyter does not show": (
        "# %%\nloss",
        '# %% mystnb={"figure": {"name": "a"}}\nloss',
    ),
    "exercises": ("# ### Exercise 3", "# ### Other"),
    "exercises without one to three stars": ("★★★", "★★★★"),
    "exercises without a starter cell": (
        "# %%\nyour_answer",
        '# %% tags=["hide-input"]\n# @title x\nyour_answer',
    ),
    "exercises without a check": ("checks.answer(your_answer, 1)\n", ""),
    "exercises without a closed solution": (
        '# %% tags=["hide-cell"]\n# @title Solution\nchecks',
        "# %%\nchecks",
    ),
    "kinds of exercise that are missing": ("With a pencil", "Easy"),
}


def write_lesson(folder: Path, text: str) -> None:
    path = folder / "notebooks" / "part" / "01_lesson.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + text)
    (folder / "book").mkdir(exist_ok=True)
    for name in ("notebooks/part/02_model.ipynb", "book/more.md"):
        (folder / name).write_text("")


def test_a_good_lesson_keeps_every_rule_and_its_words_wait_for_the_page(tmp_path: Path) -> None:
    write_lesson(tmp_path, GOOD)
    found = list(rules("part/01_lesson", tmp_path))
    assert broken(iter(found)) == []
    assert [each.rule for each in found if each.kept is None] == ["words of the page"]


@pytest.mark.parametrize("rule", MISTAKES)
def test_every_mistake_breaks_its_rule(tmp_path: Path, rule: str) -> None:
    before, after = MISTAKES[rule]
    assert before in GOOD
    write_lesson(tmp_path, GOOD.replace(before, after, 1))
    kept = {each.rule: each.kept for each in rules("part/01_lesson", tmp_path)}
    assert kept[rule] is False


def test_a_rule_is_tried_with_a_mistake_for_each(tmp_path: Path) -> None:
    write_lesson(tmp_path, GOOD)
    tried = {each.rule for each in rules("part/01_lesson", tmp_path)}
    # What follows from a tag cannot be wrong in a chapter that was just paired.
    assert tried - MISTAKES.keys() == {"words of the page", "solutions that stand open"}


def test_lines_are_counted_without_blanks_and_questions_and_texts_among_them() -> None:
    said, shown = 'print(x)\nsay(\n    f"it is {x}"\n)', 'show(ax, caption="A.",\n    alt="B.")'
    source = f'x = 1\n\n{said}\n{shown}\nask([\n  "c",\n])'
    assert count_lines(source) == (7, 4)


def test_words_are_those_that_a_reader_meets(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        """<nav>Not here</nav><article><h1>One two<a class="headerlink">#</a></h1>
        <p>Three <span class="math">\\(a + b\\)</span> five.</p>
        <div class="cell"><div class="cell_input"><pre>no = code</pre></div>
        <div class="cell_output"><pre>six</pre></div></div>
        <figcaption>seven</figcaption><pre>no code</pre><div class="tag_hide-cell">no solution</div>
        <div class="only-printed">no keys</div><script>no()</script></article>"""
    )
    assert words_of(page) == 7


def test_the_table_says_which_rules_a_chapter_breaks() -> None:
    text, well = table("foundations/02_gradients")
    assert len(text.splitlines()) == len(MISTAKES) + 3
    signs = [line[0] for line in text.splitlines()[1:]]
    assert well is (set(signs) == {" "})


def test_what_the_rules_fold_is_folded_in_the_notebooks_that_are_tracked() -> None:
    for path in (ROOT / "notebooks").glob("*/*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            if "hide-cell" in cell["metadata"].get("tags", []):
                assert cell["metadata"]["cellView"] == "form"
                assert cell["metadata"]["jupyter"] == {"source_hidden": True, "outputs_hidden": True}
