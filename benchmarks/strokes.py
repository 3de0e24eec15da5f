"""How soon the answer on the landing page follows the pen, in the built book and the system's browser."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from rounds import say, summarise

PAGE = Path(__file__).parents[1] / "_build" / "html" / "book" / "intro.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STROKES = (
    ((0.3, 0.3), (0.7, 0.3), (0.4, 0.75)),
    ((0.5, 0.15), (0.5, 0.85)),
    ((0.3, 0.3), (0.6, 0.2), (0.7, 0.4), (0.45, 0.5), (0.7, 0.6), (0.6, 0.8), (0.3, 0.75)),
)
"""A 7, a 1 and a 3, each in one stroke: shares of the paper's width and height."""

STEPS = 10
"""Movements of the pen from corner to corner."""

# The page's own listener comes after this one. Its changes are on screen once the next frame is drawn, and
# what waits for a message is done behind the frame. A browser may hand on a movement with the next frame
# only: an event's own time is when it happened.
WATCH = """() => {
  globalThis.delays = [];
  const bars = document.querySelector("#demo-bars");
  const follow = (event) => {
    const before = bars.textContent;
    requestAnimationFrame(() => {
      const behind = new MessageChannel();
      behind.port1.onmessage = () => {
        if (bars.textContent !== before) delays.push((performance.now() - event.timeStamp) / 1000);
      };
      behind.port2.postMessage(null);
    });
  };
  for (const kind of ["pointerdown", "pointermove"]) addEventListener(kind, follow, true);
}"""


def find_browser() -> str:
    """The system's Chromium.

    Raises:
        SystemExit: It or the built book is missing.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise SystemExit(f"error: none of {', '.join(BROWSERS)} is here: apt-get install chromium")
    if not PAGE.is_file():
        raise SystemExit(f"error: {PAGE} is not there; `make book` builds it")
    return found


def draw_digits(page: Page) -> list[float]:
    """Draw each digit on fresh paper; seconds from every movement that changed the answer to its frame."""
    page.evaluate("delays.length = 0")
    paper = page.locator("#demo-paper")
    box = paper.bounding_box()
    assert box is not None
    for (x, y), *others in STROKES:
        page.locator("#demo-clear").click()
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.mouse.down()
        for x, y in others:
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=STEPS)
        page.mouse.up()
    page.wait_for_timeout(200)
    delays: list[float] = page.evaluate("delays")
    return delays


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Draw the digits several times, after once to warm up.

    Args:
        rounds: How often all are drawn.
        quick: Makes no difference.

    Returns:
        ``seconds`` of each round's middle movement, the ``worst`` of all, and how many ``movements``.
    """
    say("from the pen to the answer, on the landing page")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(PAGE.as_uri())
        page.locator("#demo-paper").scroll_into_view_if_needed()
        page.evaluate(WATCH)
        draw_digits(page)
        drawn = [draw_digits(page) for _ in range(rounds)]
        browser.close()
    return {
        "seconds": summarise([statistics.median(delays) for delays in drawn]),
        "worst": max(map(max, drawn)),
        "movements": sum(map(len, drawn)),
    }
