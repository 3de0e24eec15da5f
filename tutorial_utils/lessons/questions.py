"""Questions with instant feedback, and predictions that are locked in before a result is revealed.

Keys and reasons are computed: they come from the chapter's variables when the cell runs, so that they hold in
the book, in Jupyter, on Colab and for a reader's own settings. One cell, tagged ``remove-input``, closes a
lesson::

    # %% tags=["remove-input"]
    # @title Five questions
    from tutorial_utils.lessons.questions import ask, choice, number

    ask(
        [
            choice(
                "How many numbers does softmax return for one image?",
                [1, num_classes, 28 * 28],
                correct=num_classes,
                because="one probability for each class.",
            ),
            choice(
                "What does a larger learning rate do here?",
                {"lowers the loss faster": "Look at the last curve again.", "makes it diverge": ""},
                correct="makes it diverge" if diverged else "lowers the loss faster",
                because=f"the loss ended at {loss:.2f}.",
                sure=True,
            ),
            number(
                "Scores 2, 1 and 0: what is the probability of the first class?",
                answer=p[0],
                tolerance=0.01,
                because="divide e² by the sum of the three exponentials.",
            ),
            ...
        ]
    )

Before a result that surprises, one prediction alone::

    ask([predict("Which is larger?", ["A", "B"], correct="A" if a > b else "B", because=f"{a:.2f}, {b:.2f}")])

Its cell stands behind the one that computes the key, and before the one that shows it.

Texts are plain, with ```code```, ``**strong**`` and ``*emphasis*``. Without its script, as in a notebook
that is not trusted, each question shows its answer on a click; on paper the answers follow the last question.
"""

from __future__ import annotations

import hashlib
import html
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.lessons.expect import STRICT_VARIABLE
from tutorial_utils.lessons.markup import inline

SURE = {"guess": "I am guessing", "fairly": "fairly sure", "certain": "certain"}
"""How sure a reader may be, by the value that stands for it."""

PER_CENT = {"fairly": 75, "certain": 95}
"""The probability of being right that each word stands for; a guess has that of chance."""

GUESSED_NUMBER = 10
"""Per cent for a number that is guessed, which nothing limits to a few options."""


@dataclass(frozen=True)
class Question:
    """One question, made by :func:`choice`, :func:`number` or :func:`predict`.

    Attributes:
        kind: ``"choice"`` and ``"number"`` are answered until right, ``"predict"`` once.
        text: The question.
        options: Each with what is said to a reader who chooses it and is wrong; none for a number.
        key: Place of the right option, or the right number.
        answer: The key as a reader sees it.
        because: The reason, a clause or a sentence.
        tolerance: How far a number may be off.
        unit: Stands behind the field of a number.
        sure: Also ask how sure the reader is. The book keeps score of these answers, in the browser alone.
    """

    kind: Literal["choice", "number", "predict"]
    text: str
    options: tuple[tuple[str, str], ...]
    key: float
    answer: str
    because: str
    tolerance: float = 0.0
    unit: str = ""
    sure: bool = False


def choice(
    text: str,
    options: Sequence[Any] | Mapping[Any, str],
    *,
    correct: Any,
    because: str,
    sure: bool = False,
) -> Question:
    """Ask for one of several options.

    Args:
        text: The question.
        options: Texts or numbers; or each with what to say to a reader who chooses it and is wrong.
        correct: The right one, computed, as it stands among the options.
        because: Why it is right; shown with the answer.
        sure: Also ask how sure the reader is.

    Raises:
        ConfigurationError: There are fewer than two options; or, in the book's own build, the right one is
            not among them. In a reader's run, whose settings may make another answer right, it is then added.
    """
    return _with_options("choice", text, options, correct, because, sure)


def predict(
    text: str,
    options: Sequence[Any] | Mapping[Any, str],
    *,
    correct: Any,
    because: str,
    sure: bool = False,
) -> Question:
    """Ask what will come out, before it is shown: the answer counts once, and then is explained.

    Takes and raises the same as :func:`choice`.
    """
    return _with_options("predict", text, options, correct, because, sure)


def number(
    text: str,
    *,
    answer: Any,
    tolerance: float,
    because: str,
    unit: str = "",
    form: str = ".4g",
    sure: bool = False,
) -> Question:
    """Ask for a number. Readers may write 0.5 or 0,5, and 7850, 7,850 or 7 850 where that is the answer.

    Args:
        text: The question, saying what to round to.
        answer: The right number, computed: a number, or a tensor or array of one element.
        tolerance: How far an answer may be off and still count, above 0; same unit as the answer.
        because: Why it is right.
        unit: Shown behind the field, such as ``"%"``.
        form: Format specification of the answer as shown.
        sure: Also ask how sure the reader is.

    Raises:
        ConfigurationError: The answer is not finite, or the tolerance not above 0.
    """
    key = float(answer)
    if not math.isfinite(key) or not 0 < tolerance < math.inf:
        raise ConfigurationError(
            f"{text!r} needs a finite answer and a tolerance above 0, found {key} and {tolerance}"
        )
    shown = f"{key:{form}}{f' {unit}' if unit else ''}"
    return Question("number", text, (), key, shown, because, float(tolerance), unit, sure)


def ask(questions: Sequence[Question]) -> None:
    """Show questions under the cell, each with its own button; a single one stands without a number.

    Raises:
        ConfigurationError: There are none, or two are alike.
    """
    texts = [question.text for question in questions]
    if not texts or len(set(texts)) < len(texts):
        raise ConfigurationError(f"ask() takes one or more different questions, found {texts}")
    # The same in every build, and another for every cell.
    stem = f"q{hashlib.sha256(repr(list(questions)).encode()).hexdigest()[:8]}"
    fields = [_field(question, f"{stem}-{place}") for place, question in enumerate(questions, 1)]
    body = fields[0] if len(fields) == 1 else f"<ol>{''.join(f'<li>{field}</li>' for field in fields)}</ol>"
    keys = "; ".join(f"{place}. {inline(each.answer)}" for place, each in enumerate(questions, 1))
    if len(fields) == 1:
        keys = inline(questions[0].answer)
    page = (
        '<div class="lesson-questions" data-lm-suppress-shortcuts="true">'  # no commands of JupyterLab
        f"<style>{_read('questions.css')}</style>"
        f'{body}<div role="status" class="tally"></div>'
        f'<div class="only-printed keys"><strong>Answers:</strong> {keys}</div></div>'
        f"<script>{_read('questions.js')}</script>"
    )
    plain = "\n".join(
        f"{each.text} {' / '.join(option for option, _ in each.options)}".rstrip() for each in questions
    )
    from IPython.display import display  # a notebook always has it; a script may not

    display({"text/html": page, "text/plain": plain}, raw=True)  # type: ignore[no-untyped-call]


def _with_options(
    kind: Literal["choice", "predict"],
    text: str,
    options: Sequence[Any] | Mapping[Any, str],
    correct: Any,
    because: str,
    sure: bool,
) -> Question:
    given = options if isinstance(options, Mapping) else dict.fromkeys(options, "")
    reasons = {str(option): reason for option, reason in given.items()}
    right = str(correct)
    if right not in reasons and os.environ.get(STRICT_VARIABLE):
        raise ConfigurationError(f"{text!r}: the right answer {right!r} is not among {list(reasons)}")
    reasons.setdefault(right, "")
    if len(reasons) < 2:
        raise ConfigurationError(f"{text!r} needs at least two different options, found {list(reasons)}")
    return Question(kind, text, tuple(reasons.items()), list(reasons).index(right), right, because, sure=sure)


def _field(question: Question, name: str) -> str:
    """One question as a group of fields, with its answer behind a click until the script hides it."""
    if question.options:
        answers = "".join(
            f'<label><input type="radio" name="{name}" value="{place}"> <span>{inline(option)}</span></label>'
            f"<span class=reason hidden>{inline(reason)}</span>"
            for place, (option, reason) in enumerate(question.options)
        )
    else:
        answers = (
            f'<label>Your answer: <input type="text" inputmode="decimal" autocomplete="off" size="9">'
            f" {inline(question.unit)}</label>"
        )
    if question.sure:
        chance = round(100 / len(question.options)) if question.options else GUESSED_NUMBER
        degrees = "".join(
            f'<label><input type="radio" name="{name}-sure" value="{value}"'
            f' data-per-cent="{PER_CENT.get(value, chance)}">'
            f" <span>{words} ({PER_CENT.get(value, chance)} %)</span></label>"
            for value, words in SURE.items()
        )
        answers += f'<fieldset class="sure"><legend>How sure are you?</legend>{degrees}</fieldset>'
    button = "Lock in my prediction" if question.kind == "predict" else "Check"
    summary = "What came out" if question.kind == "predict" else "The answer"
    return (
        f'<fieldset class="question" id="{name}" data-kind="{question.kind}" data-key="{question.key!r}"'
        f' data-tolerance="{question.tolerance!r}" data-asked="{_asked(question)}">'
        f"<legend>{inline(question.text)}</legend>{answers}"
        f'<button type="button" hidden>{button}</button> <span role="status" class="said"></span>'
        f"<details><summary>{html.escape(summary)}</summary><div><strong>{inline(question.answer)}</strong>:"
        f" {inline(question.because)}</div></details></fieldset>"
    )


def _asked(question: Question) -> str:
    """Name a question by what readers see of it, so that its first answer is known again later.

    Unlike its ``id``, this stays when another question of the cell, the key or the reason changes.
    """
    seen = repr((question.text, [option for option, _ in question.options]))
    return hashlib.sha256(seen.encode()).hexdigest()[:6]


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()
