"""Browsers as they are: they translate, forbid, falsify and recolour. Each provoked in Chromium."""

from typing import Any

import pytest
from built_book import find_barriers
from conftest import OpenPage
from playwright.sync_api import Page, expect
from test_demo import A_THREE, PROBABILITIES, draw, point

pytestmark = pytest.mark.book

TRANSLATE = """() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walk.nextNode()) texts.push(walk.currentNode);
    for (const text of texts) {
        const parent = text.parentElement;
        if (!text.data.trim() || parent.closest("script, style, svg, textarea")) continue;
        const [outer, inner] = [document.createElement("font"), document.createElement("font")];
        outer.append(inner);
        text.replaceWith(outer);
        inner.textContent = `«${text.data}»`;
    }
    return texts.length;
}"""
"""What a browser's translation does: each text in two elements of its own, with other words."""


VALUES = "JSON.stringify(Figures.shown.softmax.values)"


@pytest.mark.fault(97)
def test_a_translated_page_plays_draws_and_answers_all_the_same(open_page: OpenPage) -> None:
    demo = open_page("book/demo")
    assert demo.evaluate(TRANSLATE) > 100
    draw(demo)
    assert max(demo.evaluate(PROBABILITIES)) > 0.5
    demo.locator("#demo-tests button").nth(3).click()
    expect(demo.locator("#demo-brief")).to_contain_text("Read as")
    playground = open_page("book/playground")
    playground.evaluate(TRANSLATE)
    playground.locator("a[data-settings]").first.click()
    expect(playground.locator("#playground-set")).to_contain_text("learning rate 0.0005")
    playground.locator("#playground-learning_rate").press("ArrowRight")
    playground.locator("#playground-epoch-step").click()
    assert playground.evaluate("Playground.state().epoch") >= 1
    lesson = open_page("notebooks/foundations/01_softmax_and_cross_entropy")
    lesson.evaluate(TRANSLATE)
    before = lesson.evaluate(
        "Figures.shown.softmax.values.loss ?? JSON.stringify(Figures.shown.softmax.values)"
    )
    lesson.locator(".live-softmax input[type=range]").first.press("ArrowLeft")
    assert before != lesson.evaluate(VALUES)
    question = lesson.locator(".lesson-questions .question").first
    question.locator("input").first.check()
    for sure in question.locator(".sure input").all()[:1]:
        sure.check()
    question.get_by_role("button").click()
    expect(question.locator(".said")).not_to_be_empty()


SEND = """([type, x, y, id, primary]) => {
    const paper = document.getElementById("demo-paper");
    const event = new PointerEvent(type, {
        clientX: x, clientY: y, pointerId: id, isPrimary: primary, button: 0, pointerType: "touch",
        bubbles: true,
    });
    paper.dispatchEvent(event);
}"""


@pytest.mark.fault(98)
def test_a_pointer_whose_end_never_came_does_not_lock_the_paper(open_page: OpenPage) -> None:
    demo = open_page("book/demo")

    def ink() -> int:
        return int(
            demo.evaluate("Demo.latest() ? Demo.latest().pixels.filter(level => level > 0).length : 0")
        )

    def send(kind: str, at: tuple[float, float], number: int, primary: bool = True) -> None:
        demo.evaluate(SEND, [kind, *point(demo, *at), number, primary])

    send("pointerdown", (60, 60), 7)  # no such pointer exists, so that no browser can capture it
    send("pointermove", (60, 200), 7)
    assert (first := ink()) > 0
    send("pointerdown", (200, 200), 8, primary=False)  # a second finger of the same hand: nothing
    send("pointermove", (220, 60), 8, primary=False)
    assert ink() == first
    send("pointerdown", (200, 60), 9)  # a first finger: the other must be gone
    send("pointermove", (200, 200), 9)
    assert ink() > first
    send("pointerup", (200, 200), 9)
    demo.get_by_role("button", name="Clear").click()
    draw(demo)
    assert ink() > 0


@pytest.mark.fault(99)
def test_a_browser_that_forbids_more_changes_of_the_address_neither_throws_nor_loses_the_link(
    open_page: OpenPage,
) -> None:
    def forbid(page: Page) -> None:
        page.add_init_script("""
            history.replaceState = () => {
                window.asked = (window.asked ?? 0) + 1;
                throw new DOMException("100 times per 30 seconds", "SecurityError");
            };
            Object.defineProperty(navigator, "clipboard", {value: {writeText: async (text) => {
                window.copied = text;
            }}});""")

    page = open_page("book/playground", before=forbid)
    page.locator("#playground-step").click()
    page.wait_for_function("window.asked > 0")
    page.locator("#playground-step").click()
    page.locator("#playground-copy").click()
    expect(page.locator("#playground-status")).to_contain_text("The link is copied")
    copied = page.evaluate("window.copied")
    assert copied.endswith("steps=2") and "#" not in page.url
    again = open_page("book/playground", "#" + copied.partition("#")[2])
    again.wait_for_function("Playground.state().mode === 'paused' && Playground.state().steps === 2")


STORED = ["book/intro", "book/playground", "notebooks/mnist/02_model", "search"]


@pytest.mark.fault(100)
@pytest.mark.parametrize("name", STORED)
def test_a_page_that_may_store_nothing_is_readable_and_silent(open_page: OpenPage, name: str) -> None:
    def block(page: Page) -> None:
        page.add_init_script("""
            for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name, {
                get() { throw new DOMException("denied", "SecurityError"); }, configurable: true,
            });""")

    page = open_page(name, before=block)  # at its end, no script has complained
    assert page.evaluate("document.documentElement.dataset.theme") in ("light", "dark")
    mode = "document.documentElement.dataset.mode"
    before = page.evaluate(mode)
    page.locator("button.theme-switch-button:visible").first.click()
    assert page.evaluate("document.documentElement.dataset.mode") != before
    assert page.evaluate("localStorage.getItem('mode')") == page.evaluate(
        "document.documentElement.dataset.mode"
    )
    assert not find_barriers(page)


SEEN = """element => {
    const style = getComputedStyle(element);
    return [style.backgroundImage, style.backgroundColor, style.forcedColorAdjust];
}"""


@pytest.mark.fault(101)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_themes_keep_bars_legends_and_edges(open_page: OpenPage, scheme: Any) -> None:
    page = open_page("book/demo", forced_colors="active", color_scheme=scheme)
    draw(page, A_THREE)
    bars = [bar.evaluate(SEEN) for bar in page.locator(".demo-bar").all()]
    assert len(bars) == 10 and all("gradient" in image for image, _, _ in bars)
    assert len({image for image, _, _ in bars}) == 2, "the top bar has a colour of its own"
    legend = [page.locator(mark).first.evaluate(SEEN)[1] for mark in (".demo-for", ".demo-against")]
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert len({*legend, ground}) == 3
    edges = page.locator(".demo-paper").evaluate("e => getComputedStyle(e).borderTopStyle")
    assert edges == "solid"
    play = open_page("book/playground", forced_colors="active", color_scheme=scheme)
    canvas = play.locator("#playground-curves").evaluate(SEEN)
    text = play.locator("#playground-root").evaluate(
        "e => getComputedStyle(e).getPropertyValue('--playground-text')"
    )
    assert canvas[2] == "none" and canvas[1] != text
    status = open_page("book/status", forced_colors="active", color_scheme=scheme)
    table = status.locator(".pst-scrollable-table-container").first.evaluate(SEEN)
    assert "gradient" in table[0], "the shadow that says that a table goes on"


@pytest.mark.fault(102)
@pytest.mark.parametrize("name", ["book/intro", "book/demo"])
def test_a_canvas_that_returns_other_pixels_than_were_drawn_is_noticed(
    open_page: OpenPage, name: str
) -> None:
    def falsify(page: Page) -> None:
        page.add_init_script("""
            const {getImageData} = CanvasRenderingContext2D.prototype;
            CanvasRenderingContext2D.prototype.getImageData = function (...box) {
                const image = getImageData.apply(this, box);
                for (let i = 0; i < image.data.length; i += 101) image.data[i] ^= 1;
                return image;
            };""")

    expect(open_page(name).locator("#demo-falsified")).to_be_hidden()
    falsified = open_page(name, before=falsify).locator("#demo-falsified")
    expect(falsified).to_be_visible()
    expect(falsified).to_contain_text("Allow this page to read canvases")


@pytest.mark.parametrize(
    ("key", "code", "shift", "undone"),
    [
        ("z", "KeyZ", False, True),
        ("Z", "KeyZ", False, True),  # Caps Lock
        ("я", "KeyZ", False, True),  # a keyboard with other letters
        ("z", "KeyY", False, True),  # German: Z and Y change places
        ("y", "KeyZ", False, False),
        ("Z", "KeyZ", True, False),  # elsewhere this repeats
    ],
)
def test_undo_works_with_caps_lock_and_on_other_keyboards(
    open_page: OpenPage, key: str, code: str, shift: bool, undone: bool
) -> None:
    page = open_page("book/demo")
    draw(page)
    page.evaluate(
        """([key, code, shiftKey]) => document.getElementById("demo-paper").dispatchEvent(new KeyboardEvent(
            "keydown", {key, code, shiftKey, ctrlKey: true, bubbles: true, cancelable: true}))""",
        [key, code, shift],
    )
    assert page.evaluate("Demo.latest() === null") == undone


def test_a_finger_held_still_neither_selects_nor_magnifies(open_page: OpenPage) -> None:
    page = open_page("book/demo", has_touch=True, is_mobile=True, viewport={"width": 375, "height": 700})
    prevented = page.locator("#demo-paper").evaluate("""paper => {
        const touch = new Touch({identifier: 1, target: paper, clientX: 9, clientY: 9});
        const event = new TouchEvent("touchstart", {touches: [touch], cancelable: true, bubbles: true});
        return !paper.dispatchEvent(event);
    }""")
    assert prevented
    assert page.locator("#demo-paper").evaluate("e => getComputedStyle(e).userSelect") == "none"
