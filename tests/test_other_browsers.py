"""The live pages in Firefox and in WebKit: they draw, train and agree with Chromium's numbers."""

import itertools
import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
from built_book import path_of
from conftest import OpenPage
from other_browsers import PATIENCE, Driven, firefox, webkit
from test_demo import A_THREE, PAPER, PROBABILITIES
from test_demo import draw as draw_in_chromium

pytestmark = [pytest.mark.book, pytest.mark.nightly]


@pytest.fixture(scope="module", params=[firefox, webkit], ids=["firefox", "webkit"])
def other(request: pytest.FixtureRequest) -> Iterator[Driven]:
    with request.param() as browser:
        yield browser


def visit(browser: Driven, name: str) -> None:
    browser.open("about:blank")  # or an address with the same page would only change its fragment
    browser.open(
        path_of(name.partition("#")[0]).as_uri() + (f"#{name.partition('#')[2]}" if "#" in name else "")
    )


def wait_for(browser: Driven, condition: str) -> None:
    end = time.monotonic() + PATIENCE
    while not browser.evaluate(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.1)


def draw(browser: Driven, points: list[tuple[float, float]]) -> None:
    """Draw on the paper with a mouse, in straight lines of five steps, as the other test does in Chromium."""
    browser.evaluate(
        "document.getElementById('demo-paper').scrollIntoView({block: 'center', behavior: 'instant'})"
    )
    left, top, width = browser.evaluate("""(e => {
        const box = e.getBoundingClientRect();
        return [box.left + e.clientLeft, box.top + e.clientTop, e.clientWidth];
    })(document.getElementById("demo-paper"))""")

    def move(x: float, y: float) -> dict[str, Any]:
        at = [round(left + x * width / PAPER), round(top + y * width / PAPER)]
        return {"type": "pointerMove", "x": at[0], "y": at[1], "duration": 0, "origin": "viewport"}

    actions = [move(*points[0]), {"type": "pointerDown", "button": 0}]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        actions += [move(x0 + (x1 - x0) * k / 5, y0 + (y1 - y0) * k / 5) for k in range(1, 6)]
    browser.act([*actions, {"type": "pointerUp", "button": 0}])


def test_a_drawing_is_judged_as_in_chromium(other: Driven, open_page: OpenPage) -> None:
    visit(other, "book/demo")
    assert other.evaluate("Demo.check()") is True, "it agrees with PyTorch on the test images"
    assert not other.evaluate("document.getElementById('demo-falsified').textContent")
    draw(other, A_THREE)
    wait_for(other, "Demo.latest() !== null")
    here = other.evaluate(PROBABILITIES)
    chromium = open_page("book/demo")
    draw_in_chromium(chromium)
    there = chromium.evaluate(PROBABILITIES)
    # Edges of strokes are smoothed by rules of each browser's own.
    assert here == pytest.approx(there, abs=0.1) and sum(here) == pytest.approx(1)
    assert here.index(max(here)) == there.index(max(there))
    other.evaluate("document.getElementById('demo-undo').click()")
    assert other.evaluate("Demo.latest() === null")


def test_training_ends_where_chromium_ends(other: Driven, open_page: OpenPage) -> None:
    point = "#dataset=three_blobs&learning_rate=0.5&seed=7&steps=40"
    visit(other, f"book/playground{point}")
    wait_for(other, "Playground.state().mode === 'paused' && Playground.state().steps === 40")
    here = other.evaluate("Playground.state()")
    chromium = open_page("book/playground", point)
    chromium.wait_for_function("Playground.state().mode === 'paused' && Playground.state().steps === 40")
    there = chromium.evaluate("Playground.state()")
    for name, value in there.items():
        expected = pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
        assert here[name] == expected, name
    other.evaluate("document.getElementById('playground-play').click()")
    wait_for(other, "Playground.state().steps > 60")
    other.evaluate("document.getElementById('playground-play').click()")
    assert other.evaluate("Playground.state().mode") == "paused"


def test_a_moving_figure_moves(other: Driven) -> None:
    visit(other, "notebooks/foundations/01_softmax_and_cross_entropy")
    wait_for(other, "typeof Figures !== 'undefined' && 'softmax' in Figures.shown")
    before = other.evaluate("Figures.shown.softmax.values")
    other.evaluate("""(slider => {
        slider.value = Number(slider.value) - 1;
        slider.dispatchEvent(new Event("input", {bubbles: true}));
    })(document.querySelector(".live-softmax input[type=range]"))""")
    after = other.evaluate("Figures.shown.softmax.values")
    assert before != after

    def finite(value: Any) -> bool:
        return all(map(finite, value)) if isinstance(value, list) else math.isfinite(value)

    assert all(map(finite, after.values()))
