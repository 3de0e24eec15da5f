"""Questions answer at once, by keyboard alone, in every look; keys show without a script, and on paper."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from built_book import LOOKS, find_barriers
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from playwright.sync_api import Browser, Locator, Page, expect

from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.lessons.expect import STRICT_VARIABLE
from tutorial_utils.lessons.questions import Question, ask, choice, number, predict

HOSTILE = "<img src=x onerror=owned=1> </script><script>owned=1</script> \"' &amp;"
QUESTIONS = [
    choice("How many does `softmax` return?", [1, 10, 784], correct=10, because="one *each*"),
    choice(
        "What happens?",
        {"it falls": "Look at the curve.", "it rises": ""},
        correct="it rises",
        because="of the rate",
        sure=True,
    ),
    number("Half in per cent?", answer=torch.tensor([50.0]), tolerance=0.5, because="100/2", unit="%"),
    choice(HOSTILE, [HOSTILE, "b"], correct="b", because=HOSTILE),
]
PREDICTION = predict("Which is larger?", ["one", "two"], correct="two", because="2 > 1")
PAGE = """<!DOCTYPE html><html lang="en"><head><title>Quiz</title>
<meta name="viewport" content="width=device-width"><style>
:root {{ color-scheme: light dark }} body {{ background: Canvas; color: CanvasText }}
</style></head><body><main><h1>Quiz</h1>{}</main></body></html>"""


def html_of(*questions: Question) -> str:
    InteractiveShell.instance()
    with capture_output() as said:
        ask(list(questions))
    return str(said.outputs[0].data["text/html"])


@pytest.fixture
def quiz(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Opens cells' outputs as a page from a file, offline, with or without scripts; nothing complains."""
    complaints: list[str] = []
    contexts = []

    def open_quiz(*cells: str, **settings: Any) -> Page:
        path = tmp_path / "quiz.html"
        path.write_text(PAGE.format("".join(cells)), encoding="utf-8")
        contexts.append(browser.new_context(offline=True, **settings))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: asked.url == path.as_uri() or complaints.append(asked.url))
        page.goto(path.as_uri())
        return page

    yield open_quiz
    for context in contexts:
        context.close()
    assert complaints == []


def said(question: Locator) -> Locator:
    return question.locator(".said")


def test_readers_answer_by_keyboard_and_learn_at_once_why(quiz: Any) -> None:
    page = quiz(html_of(PREDICTION), html_of(*QUESTIONS))
    first, second, third, fourth = page.locator("li .question").all()
    expect(first.locator("details")).to_be_hidden()
    first.locator("input").first.focus()
    for key in ("Space", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(said(first)).to_have_text("Not yet.")
    assert first.locator("details").get_attribute("open") is None
    page.keyboard.press("Shift+Tab")
    for key in ("ArrowDown", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(said(first)).to_have_text("Right.")
    expect(first.locator("details div")).to_have_text("10: one each")

    second.locator("button").click()
    expect(said(second)).to_have_text("Choose an answer first.")
    second.get_by_label("it falls").check()
    second.locator("button").click()
    expect(said(second)).to_have_text("Say how sure you are, too.")
    second.get_by_label("certain").check()
    second.locator("button").click()
    expect(said(second)).to_have_text("Not yet. Look at the curve.")

    field = third.get_by_label("Your answer")
    for typed, answer in (
        ("", "Write a number first."),
        ("x", "Write a number first."),
        ("50.6", "Not yet."),
    ):
        field.fill(typed)
        page.keyboard.press("Enter")
        expect(said(third)).to_have_text(answer)
    field.fill("50,5 %")
    page.keyboard.press("Enter")
    expect(said(third)).to_have_text("Right.")

    fourth.get_by_label("b", exact=True).check()
    fourth.locator("button").click()
    expect(page.locator(".tally").last).to_have_text(
        "4 of 4 answered, 1 right at the first try. You were certain of 1, and right about 0 of these."
    )
    assert page.evaluate("typeof owned") == "undefined"
    assert fourth.locator("legend").inner_text() == HOSTILE


def test_thousands_may_be_parted_where_the_answer_is_large_and_whole(quiz: Any) -> None:
    large = number("How many?", answer=7850, tolerance=0.5, form=",.0f", because="so")
    small = number("What loss?", answer=1.39, tolerance=0.011, because="so")
    thousandth = number("What share?", answer=1.386, tolerance=0.0001, because="so")
    page = quiz(html_of(large, small, thousandth))
    right = {
        0: ["7850", "7,850", "7 850", "7\u202f850", "7.850", "7\u2019850", "7850,0"],
        1: ["1,39", "1.39", "1,386"],
        2: ["1,386", "1.386"],
    }
    wrong = {0: ["7,85", "7,8500", "7850000", "7,850,000", "785"], 1: ["139", "1,390,000"], 2: ["1386"]}
    for answers, verdict in ((right, "yes"), (wrong, "no")):
        for place, texts in answers.items():
            question = page.locator(".question").nth(place)
            for text in texts:
                question.get_by_label("Your answer").fill(text)
                question.locator("button").click()
                judged = said(question).get_attribute("data-right")
                # What is no number at all is asked for again.
                assert (judged or "no") == verdict, text


def test_a_prediction_counts_once_and_then_is_explained(quiz: Any) -> None:
    page = quiz(html_of(PREDICTION), html_of(*QUESTIONS))
    question = page.locator(".question").first
    question.get_by_label("one").check()
    question.get_by_role("button", name="Lock in my prediction").press("Enter")
    expect(said(question)).to_have_text("Something else came out.")
    expect(question.locator("details div")).to_have_text("two: 2 > 1")
    assert all(field.is_disabled() for field in question.locator("input").all())
    expect(question.locator("summary")).to_be_focused()


def test_the_first_answer_is_told_once_with_what_the_word_stands_for(quiz: Any) -> None:
    asked = number("Half?", answer=0.5, tolerance=0.01, because="so", sure=True)
    page = quiz(html_of(*QUESTIONS, asked))
    page.evaluate("""window.told = []; document.addEventListener("lesson-answer", event => {
        told.push([event.detail.asked, event.detail.perCent, event.detail.right]);
    });""")
    unsure, two, half = (page.locator(".question").nth(place) for place in (0, 1, 4))
    expect(two.locator(".sure")).to_have_text(
        "How sure are you? I am guessing (50 %) fairly sure (75 %) certain (95 %)"
    )
    unsure.locator("input").first.check()
    unsure.locator("button").click()
    for option in ("it falls", "it rises"):
        two.get_by_label(option).check()
        two.get_by_label("certain").check()
        two.locator("button").click()
    half.get_by_label("Your answer").fill("0.5")
    half.get_by_label("guessing").check()
    half.locator("button").click()
    names = [question.get_attribute("data-asked") for question in (two, half)]
    assert page.evaluate("told") == [[names[0], 95, False], [names[1], 10, True]]


def test_a_question_is_known_again_when_others_its_key_and_its_reason_change() -> None:
    def name(*questions: Question) -> str:
        return html_of(*questions).split('data-asked="')[1].split('"')[0]

    changed = choice("How many does `softmax` return?", [1, 10, 784], correct=1, because="two")
    assert name(QUESTIONS[0]) == name(*QUESTIONS) == name(changed, QUESTIONS[1])
    assert name(QUESTIONS[0]) != name(
        choice("How many does it return?", [1, 10, 784], correct=10, because="")
    )


@pytest.mark.parametrize("answered", [False, True])
def test_questions_pass_the_rules_of_accessibility_in_every_look(quiz: Any, answered: bool) -> None:
    page = quiz(html_of(PREDICTION), html_of(*QUESTIONS))
    if answered:
        for question in page.locator(".question").all():
            for field in question.locator("input").all():
                field.check() if field.get_attribute("type") == "radio" else field.fill("1")
            question.locator("button").click()
    found = []
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        found += find_barriers(page, slight=True)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0
    assert found == []


def test_keys_show_without_a_script_and_on_paper(quiz: Any) -> None:
    page = quiz(html_of(*QUESTIONS[:3]), java_script_enabled=False)
    assert page.get_by_role("button").count() == 0
    page.locator("summary").first.click()
    expect(page.locator("details div").first).to_have_text("10: one each")
    expect(page.locator(".keys")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".keys")).to_have_text("Answers: 1. 10; 2. it rises; 3. 50 %")
    assert not any(details.is_visible() for details in page.locator("details").all())


def test_two_runs_give_the_same_and_other_questions_other_names() -> None:
    assert html_of(*QUESTIONS) == html_of(*QUESTIONS)
    names = [html_of(question).split('id="')[1].split('"')[0] for question in QUESTIONS]
    assert len(set(names)) == len(QUESTIONS)


def test_a_key_that_is_no_option_stops_the_book_and_is_added_for_a_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(STRICT_VARIABLE, raising=False)
    added = choice("How many?", [1, 2], correct=3, because="so")
    assert [option for option, _ in added.options] == ["1", "2", "3"] and added.key == 2
    monkeypatch.setenv(STRICT_VARIABLE, "1")
    with pytest.raises(ConfigurationError, match="'3' is not among"):
        choice("How many?", [1, 2], correct=3, because="so")


@pytest.mark.parametrize(
    "make",
    [
        lambda: choice("?", [1, 1], correct=1, because=""),
        lambda: number("?", answer=float("nan"), tolerance=1, because=""),
        lambda: number("?", answer=1, tolerance=0, because=""),
        lambda: ask([]),
        lambda: ask([PREDICTION, PREDICTION]),
    ],
)
def test_what_cannot_be_asked_is_refused(make: Any) -> None:
    with pytest.raises(ConfigurationError):
        make()
