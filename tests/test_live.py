"""Figures that move: values beside PyTorch's, keyboard, print, access; and their stills outside the book."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
import yaml
from bs4 import BeautifulSoup
from built_book import HTML, LOOKS, ROOT, each_look, find_barriers
from conftest import OpenPage
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from sklearn import metrics
from sphinx.testing.util import SphinxTestApp
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint

from tutorial_utils.data import exploration
from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.lessons import live, stills

STATIC = ROOT / "book" / "_static"
# What Sphinx makes of a still, see `test_the_book_makes_stills_numbered_figures_and_loads_their_scripts`.
STILL = """([name, source]) => {
    const figure = document.createElement("figure");
    figure.className = `align-default live-figure live-${name}`;
    figure.id = `live-${name}`;
    const [image, caption] = [document.createElement("img"), document.createElement("figcaption")];
    Object.assign(image, {src: source, alt: "What the still shows, in words.", loading: "lazy"});
    caption.textContent = "What the figure shows.";
    figure.append(image, caption);
    document.querySelector("article h1").after(figure);
}"""


INK = torch.zeros(28, 28)
INK[4:24, 8:20] = torch.rand(20, 12, generator=torch.Generator().manual_seed(0))
VOTES = INK * torch.randn(28, 28, generator=torch.Generator().manual_seed(1))
DRAW = np.random.default_rng(0)
LABELS = np.repeat([5, 3, 8], [120, 300, 280])
SURE = 1 / (1 + np.exp(-DRAW.normal(np.where(LABELS == 5, 2, -3), 2.5)))
PICTURES = DRAW.integers(0, 256, (len(LABELS), 28, 28), dtype=np.uint8)
SHEARS = np.linspace(-0.6, 0.6, 13)
VALUES: dict[str, dict[str, Any]] = {
    "running_logit": {"ink": INK, "votes": VOTES, "start": -3.0},
    "threshold": {
        "probabilities": np.outer(SURE, np.arange(10) == 5),
        "labels": LABELS,
        "images": PICTURES,
        "digit": 5,
    },
    "sample_size": {"accuracy": 0.87},
    "learning_rates": {
        "rates": [0.001, 0.01, 0.1],
        "validation_loss": [
            [[0.9, 0.7, 0.6], [0.5, 0.4, 0.3], [2, 5]],
            [[1, 0.9, 0.8], [0.6, 0.4, 0.35], [2, 1, 0.5]],
        ],
        "validation_accuracy": [
            [[0.6, 0.7, 0.8], [0.7, 0.8, 0.9], [0.4, 0.3]],
            [[0.5, 0.6, 0.7], [0.7, 0.8, 0.88], [0.5, 0.7, 0.86]],
        ],
        "start": 0,
    },
    "shear": {
        "shears": SHEARS,
        "images": exploration.shear(
            (INK[None, None] * 255).to(torch.uint8).expand(13, -1, -1, -1), torch.tensor(SHEARS)
        ),
        "probabilities": DRAW.dirichlet(np.ones(10), 13),
        "truth": 5,
    },
}
"""What a chapter hands over to figures that ask for it; made up here."""


def display(name: str) -> SimpleNamespace:
    """What a notebook gets."""
    with patch("IPython.display.display") as displayed:
        live.show(name, **VALUES.get(name, {}))
    (data,), how = displayed.call_args
    return SimpleNamespace(data=data, metadata=how["metadata"])


@pytest.fixture
def open_figure(open_page: OpenPage) -> Callable[..., Page]:
    """Opens a page of the book with a figure in it."""

    def open_(name: str, **settings: object) -> Page:
        page = open_page("book/notation", **settings)
        page.evaluate(STILL, [name, f"data:image/png;base64,{display(name).data['image/png']}"])
        if live.VALUES in (metadata := display(name).metadata):
            numbers = json.dumps(metadata[live.VALUES])
            data = f'<script type="application/json" id="live-values-{name}">{numbers}</script>'
            page.evaluate("data => document.body.insertAdjacentHTML('beforeend', data)", data)
        page.add_style_tag(path=STATIC / "figures.css")
        expect(page.locator("figure.live-figure img")).to_be_visible()  # as without scripts
        for script in ("softmax", "figures", f"figure_{name}"):
            page.add_script_tag(path=STATIC / f"{script}.js")
        return page

    return open_


@pytest.fixture
def softmax(open_figure: Callable[..., Page]) -> Page:
    return open_figure("softmax")


def scores_of(page: Page) -> tuple[list[float], int]:
    """What the figure is set to: the scores, and the place of the true digit."""
    settings = page.evaluate("Figures.shown.softmax.settings")
    return [settings[f"score_{digit}"] for digit in stills.DIGITS], stills.DIGITS.index(settings["truth"])


def expect_pytorchs_values(page: Page) -> None:
    scores, truth = scores_of(page)
    logits = torch.tensor(scores, dtype=torch.float64)
    probabilities = logits.softmax(0)
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(truth)).item()
    values = page.evaluate("Figures.shown.softmax.values")
    assert values["probabilities"] == pytest.approx(probabilities.tolist(), abs=1e-5)
    assert values["loss"] == pytest.approx(loss, abs=1e-5)

    rows = [row.locator("td").all_inner_texts() for row in page.locator(".live tbody tr").all()[:3]]
    for (score, exponential, p), z, exact in zip(rows, scores, probabilities.tolist(), strict=True):
        assert float(score.replace("−", "-")) == z  # noqa: RUF001
        assert float(exponential) == pytest.approx(torch.tensor(z).exp().item(), rel=1e-3, abs=5e-4)
        assert p == ("< 0.001" if exact < 0.0005 else "> 0.999" if exact > 0.9995 else f"{exact:.3f}")
    assert page.locator(".live-result").inner_text().endswith(f" {loss:.4f} nats.")
    bars = page.locator(".live svg").first.locator("rect")
    widths = [float(bar.get_attribute("width") or "nan") for bar in bars.all()]
    assert [width / 256 for width in widths] == pytest.approx(probabilities.tolist(), abs=1e-5)
    expect(bars.nth(truth)).to_have_class("live-for")
    expect(page.locator(".live svg rect.live-for")).to_have_count(1)


def press(control: Locator, *keys: str) -> None:
    control.focus()
    for key in keys:
        control.page.keyboard.press(key)


@pytest.mark.book
def test_softmax_and_loss_are_pytorchs_wherever_the_keyboard_takes_the_scores(softmax: Page) -> None:
    assert scores_of(softmax) == (list(stills.SCORES), stills.DIGITS.index(stills.TRUE_DIGIT))
    expect_pytorchs_values(softmax)
    three, five, eight = (softmax.get_by_label(f"Score of the digit {digit}") for digit in stills.DIGITS)
    for control, keys in (
        (five, ["ArrowRight"] * 3),
        (eight, ["PageUp", "ArrowLeft"]),
        (softmax.get_by_label("True digit", exact=True), ["ArrowDown"]),
        (three, ["End"]),
        (eight, ["Home"]),  # a loss far above what is drawn, and probabilities near 0 and 1
        (five, ["Home"]),
    ):
        before = scores_of(softmax)
        press(control, *keys)
        assert scores_of(softmax) != before
        expect_pytorchs_values(softmax)


@pytest.mark.book
def test_the_same_number_added_to_every_score_changes_nothing_but_the_scores(softmax: Page) -> None:
    before = softmax.evaluate("Figures.shown.softmax.values")
    scores, _ = scores_of(softmax)
    add = softmax.get_by_role("button", name="Add 1 to every score")
    for _ in range(3):
        press(add, "Enter")
    assert scores_of(softmax)[0] == pytest.approx([score + 3 for score in scores])
    after = softmax.evaluate("Figures.shown.softmax.values")
    assert after["probabilities"] == pytest.approx(before["probabilities"], abs=1e-12)
    assert after["loss"] == pytest.approx(before["loss"], abs=1e-12)
    expect(add).to_be_disabled()  # the largest score is at its end
    press(softmax.get_by_role("button", name="Start again"), "Space")
    assert scores_of(softmax)[0] == scores
    expect_pytorchs_values(softmax)


@pytest.mark.book
def test_every_control_is_reached_by_tab_is_named_and_large_enough_for_a_finger(softmax: Page) -> None:
    softmax.locator(".live").evaluate("e => { e.tabIndex = -1; e.focus(); }")
    names = []
    for _ in range(6):
        softmax.keyboard.press("Tab")
        focused = softmax.locator(":focus")
        names.append(focused.evaluate("e => e.labels?.[0]?.firstChild.data.trim() ?? e.textContent"))
        box, style = focused.bounding_box(), focused.evaluate("e => getComputedStyle(e).outlineStyle")
        assert box and min(box["width"], box["height"]) >= 44 and style == "solid", names[-1]
    digits = [f"Score of the digit {digit}" for digit in stills.DIGITS]
    assert names == [*digits, "True digit", "Add 1 to every score", "Start again"]


@pytest.mark.book
def test_screen_readers_hear_what_came_out_once_the_reader_rests(softmax: Page) -> None:
    status = softmax.locator(".live-status")
    softmax.clock.install()
    softmax.clock.pause_at(softmax.evaluate("Date.now()") + 1000)
    press(softmax.get_by_label("Score of the digit 5"), *["ArrowRight"] * 4)
    assert status.inner_text() == "" and status.get_attribute("role") == "status"
    softmax.clock.run_for(1000)
    assert status.text_content() == softmax.locator(".live-result").inner_text()
    first = softmax.locator(".live svg").first
    assert re.search(r"3, 0\.\d+; 5, 0\.\d+; 8, 0\.\d+", first.get_attribute("aria-label") or "")


@pytest.mark.book
def test_axe_finds_nothing_and_nothing_overflows_in_any_look(softmax: Page) -> None:
    for look in each_look(softmax, LOOKS):
        wide, window = softmax.evaluate("(e => [e.scrollWidth, e.clientWidth])(document.documentElement)")
        assert wide <= window, look
        assert not find_barriers(softmax, "figure.live-figure", slight=True), look
        right = "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
        inner = softmax.locator(".live > *").evaluate_all(right)
        assert inner < softmax.locator(".live").evaluate_all(right), look
        sizes = softmax.locator(".live svg").evaluate_all(
            "all => all.map(svg => 14 * svg.getBoundingClientRect().width / 320)"
        )
        assert min(sizes) >= 9, look  # pixels of its smallest text


@pytest.mark.book
def test_the_still_is_printed_and_nothing_that_moves(softmax: Page) -> None:
    expect(softmax.locator("figure.live-figure img")).to_be_hidden()
    softmax.emulate_media(media="print")
    expect(softmax.locator("figure.live-figure img")).to_be_visible()
    assert softmax.locator("figure.live-figure img").evaluate("e => e.decode().then(() => e.naturalWidth)")
    expect(softmax.locator(".live")).to_be_hidden()


@pytest.mark.book
def test_the_lead_after_each_row_is_pytorchs_sum_of_weights_times_ink(
    open_figure: Callable[..., Page],
) -> None:
    page = open_figure("running_logit")
    slider = page.get_by_label("Rows of the image")
    leads = [-3.0, *(VOTES.double().sum(dim=1).cumsum(dim=0) - 3).tolist()]

    def expect_lead(rows: int) -> None:
        values = page.evaluate("Figures.shown.running_logit.values")
        assert values["path"] == pytest.approx(leads[: rows + 1], abs=1e-4)
        assert values["share"] == pytest.approx(torch.tensor(leads[rows]).sigmoid().item(), abs=1e-4)
        said = page.locator(".live-result").inner_text()
        assert f"{3 if leads[rows] > 0 else 5} leads by {abs(leads[rows]):.2f}." in said
        inked = (INK >= 0.1).sum(dim=1)
        coloured = page.locator(".live svg").first.locator("rect.live-for, rect.live-against")
        assert coloured.count() == inked[:rows].sum()
        assert page.locator(".live svg rect.live-unread").count() == inked[rows:].sum()
        for_three = page.locator(".live svg").first.locator("rect.live-for")
        assert for_three.count() == ((INK >= 0.1) & (VOTES > 0))[:rows].sum()

    expect_lead(28)  # as the still
    press(page.get_by_role("button", name="Blank sheet"), "Enter")
    expect_lead(0)
    press(slider, "ArrowRight", *["PageUp"] * 4)
    expect_lead(page.evaluate("Figures.shown.running_logit.settings.rows"))
    press(slider, "End", "ArrowLeft")
    expect_lead(27)
    for look in each_look(page, LOOKS):
        wide, window = page.evaluate("(e => [e.scrollWidth, e.clientWidth])(document.documentElement)")
        assert wide <= window, look
        assert not find_barriers(page, "figure.live-figure", slight=True), look


def values_of(page: Page, name: str) -> Any:
    return page.evaluate("name => Figures.shown[name].values", name)


def strip_of(name: str) -> np.ndarray[Any, Any]:
    """The pictures that the page gets, as ink of shape (n, side, side)."""
    address = display(name).metadata[live.VALUES]["pictures"]
    strip = 255 - np.asarray(Image.open(BytesIO(base64.b64decode(address.partition(",")[2]))).convert("L"))
    return strip.reshape(len(strip), -1, len(strip)).swapaxes(0, 1)


@pytest.mark.book
def test_counts_precision_and_recall_at_a_threshold_are_scikit_learns(
    open_figure: Callable[..., Page],
) -> None:
    page = open_figure("threshold")
    slider = page.get_by_role("slider", name="Call it 5 from")
    strip = strip_of("threshold")
    for keys in ([], ["ArrowRight"], ["PageUp"], ["End"], ["Home"], ["PageUp", "ArrowLeft"]):
        press(slider, *keys)
        values, given = values_of(page, "threshold"), display("threshold").metadata[live.VALUES]
        step = page.evaluate("Figures.shown.threshold.settings.step")
        called = values["threshold"] <= SURE
        counts = metrics.confusion_matrix(LABELS == 5, called).ravel().tolist()
        assert [values[key] for key in ("tn", "fp", "fn", "tp")] == counts
        assert values["recall"] == pytest.approx(metrics.recall_score(LABELS == 5, called), abs=1e-9)
        assert values["precision"] == pytest.approx(metrics.precision_score(LABELS == 5, called), abs=1e-9)
        cells = page.locator(".live tbody td").all_inner_texts()
        assert [int(text) for text in cells] == [counts[3], counts[2], counts[1], counts[0]]
        log_odds = np.log(SURE / (1 - SURE))
        nearest = np.argsort(np.abs(log_odds - stills.LOG_ODDS[step].item()))[:3]
        shown = given["nearest"][step]
        assert sorted(given["scores"][i] for i in shown) == pytest.approx(sorted(log_odds[nearest]), rel=1e-5)
        in_order = sorted(shown, key=lambda i: given["scores"][i])
        expected = (PICTURES[sorted(nearest, key=lambda i: log_odds[i])] / 17).round() * 17
        np.testing.assert_array_equal(strip[in_order], expected)


@pytest.mark.book
def test_the_interval_and_the_smallest_difference_are_statsmodels(open_figure: Callable[..., Page]) -> None:
    page = open_figure("sample_size")
    assert values_of(page, "sample_size")["n"] == stills.START_SIZE
    for label, keys in (
        ("Test images", ["End"]),
        ("Accuracy", ["PageUp", "ArrowRight"]),
        ("Test images", ["Home", "ArrowRight"]),
        ("Images that one model", ["End"]),
        ("Test images", ["PageUp"]),
    ):
        press(page.get_by_role("slider", name=label), *keys)
        values, settings = values_of(page, "sample_size"), page.evaluate("Figures.shown.sample_size.settings")
        n, p, apart = values["n"], settings["accuracy"], settings["disagreement"]
        assert n == stills.SIZES[settings["place"]]
        assert [values["low"], values["high"]] == pytest.approx(
            proportion_confint(p * n, n, method="wilson"), abs=1e-9
        )
        solve = NormalIndPower().solve_power
        effect = solve(nobs1=n, alpha=0.05, power=0.8)  # in standard deviations of one answer
        assert values["apart"] == pytest.approx(effect * (p * (1 - p)) ** 0.5, rel=1e-4)
        paired = solve(nobs1=n, alpha=0.05, power=0.8, ratio=0)  # of one difference of answers
        assert values["same"] / (apart - values["same"] ** 2) ** 0.5 == pytest.approx(paired, rel=1e-4)
    assert stills.SIZES[0] == 20 and stills.SIZES[-1] == 100_000


@pytest.mark.book
def test_the_curve_of_a_rate_is_the_chapters(open_figure: Callable[..., Page]) -> None:
    page = open_figure("learning_rates")
    given = VALUES["learning_rates"]
    assert page.locator("polyline.live-other").count() == 0  # they would answer the question
    press(page.get_by_role("combobox"), "ArrowDown")
    for place, keys in ((0, ["Home"]), (1, ["ArrowRight"]), (2, ["End"])):
        press(page.get_by_role("slider", name="Learning rate"), *keys)
        values = values_of(page, "learning_rates")
        assert [values["rate"], values["curve"]] == [
            given["rates"][place],
            given["validation_loss"][1][place],
        ]
        assert values["accuracy"] == given["validation_accuracy"][1][place][-1]
    assert page.locator("polyline.live-other").count() == 3
    press(page.get_by_role("combobox"), "ArrowUp")
    assert values_of(page, "learning_rates")["loss"] is None
    assert "training was stopped" in page.locator(".live-result").inner_text()
    assert page.locator(".live-verdict").inner_text().startswith("0.01 or above. The lowest is at 0.01:")


@pytest.mark.book
def test_a_sheared_digit_has_the_chapters_image_and_probabilities(open_figure: Callable[..., Page]) -> None:
    page = open_figure("shear")
    given, strip = VALUES["shear"], strip_of("shear")
    assert np.abs(strip - given["images"][:, 0].numpy().astype(int)).max() <= 8  # of 255: 16 shades
    for keys in ([], ["Home"], ["PageUp", "ArrowRight"], ["End"]):
        press(page.get_by_role("slider", name="Shear"), *keys)
        step = page.evaluate("Figures.shown.shear.settings.step")
        assert values_of(page, "shear")["shares"] == pytest.approx(given["probabilities"][step], abs=1e-5)
        assert values_of(page, "shear")["answer"] == given["probabilities"][step].argmax()
        box = page.locator(".live svg svg").get_attribute("viewBox")
        assert box == f"{step} 0 1 1"
    press(page.get_by_role("button", name="Upright"), "Enter")
    slants = exploration.slant(given["images"]).abs()
    assert page.evaluate("Figures.shown.shear.settings.step") == slants.argmin()


@pytest.mark.book
def test_the_loss_its_slope_and_accuracys_are_autograds_and_scikit_learns(
    open_figure: Callable[..., Page],
) -> None:
    page = open_figure("log_loss")
    for keys in ([], ["Home"], ["PageUp", "ArrowRight"], ["End"], ["ArrowLeft"]):
        press(page.get_by_role("slider"), *keys)
        values = values_of(page, "log_loss")
        p = torch.tensor(values["p"], dtype=torch.float64, requires_grad=True)
        loss = torch.nn.functional.binary_cross_entropy(p, torch.ones_like(p))
        loss.backward()
        assert values["loss"] == pytest.approx(loss.item(), abs=1e-9)
        assert p.grad is not None and values["slope"] == pytest.approx(p.grad.item(), abs=1e-9)
        assert values["right"] == metrics.accuracy_score([1], [round(p.item())])


@pytest.mark.book
def test_the_way_down_is_that_of_torchs_optimiser_and_without_batches_that_of_the_closed_form(
    open_figure: Callable[..., Page],
) -> None:
    page = open_figure("descent")
    inputs, targets, start = stills.bowl()
    lowest = torch.linalg.lstsq(inputs, targets[:, None]).solution[:, 0]
    curvature = inputs.T @ inputs / len(inputs)
    for control, keys in (
        ("steps", ["ArrowLeft"]),
        ("batch", ["ArrowUp"]),  # 16
        ("rate", ["PageDown", "ArrowLeft"]),
        ("momentum", ["PageUp", "ArrowRight"]),
        ("batch", ["Home", "ArrowDown"]),  # 4
        ("steps", ["End"]),
    ):
        press(page.locator(f"#live-descent-{control}"), *keys)
        settings, values = page.evaluate("Figures.shown.descent.settings"), values_of(page, "descent")
        path = torch.tensor(values["path"], dtype=torch.float64)
        weights = start.clone().requires_grad_()
        optimiser = torch.optim.SGD([weights], lr=values["rate"], momentum=settings["momentum"])
        for expected, batch in zip(path[1:], values["batches"], strict=True):
            optimiser.zero_grad()
            ((inputs[batch] @ weights - targets[batch]) ** 2 / 2).mean().backward()
            optimiser.step()
            assert weights.tolist() == pytest.approx(expected.tolist(), abs=1e-5)
        dealt = torch.tensor(values["batches"]).flatten()
        for epoch in dealt[: len(dealt) // 64 * 64].view(-1, 64):
            assert epoch.sort().values.tolist() == list(range(64))
        if settings["batch"] == 64:
            power = torch.linalg.matrix_power(
                torch.eye(2, dtype=torch.float64) - values["rate"] * curvature, settings["steps"]
            )
            assert (lowest + power @ (start - lowest)).tolist() == pytest.approx(path[-1].tolist(), abs=1e-9)
        assert values["far"] == pytest.approx((path[-1] - lowest).norm().item(), abs=1e-9)
        losses = [((inputs @ w - targets) ** 2 / 2).mean().item() for w in (*path, lowest)]
        above = [loss - losses[-1] for loss in losses[:-1]]
        assert values["above"] == pytest.approx(above, abs=1e-9)
    assert torch.linalg.eigvalsh(curvature).tolist() == pytest.approx([0.1, 1])  # as the question says


@pytest.mark.book
def test_a_prediction_is_answered_by_the_first_move_and_then_closed(
    open_figure: Callable[..., Page],
) -> None:
    page = open_figure("threshold")
    guesses, verdict = page.get_by_role("radio"), page.locator(".live-verdict")
    press(guesses.first, "Space")
    assert verdict.inner_text() == "" and guesses.first.is_checked()
    page.clock.install()
    press(page.get_by_role("slider", name="Call it 5 from"), "ArrowRight")
    assert verdict.inner_text().startswith("You predicted “Precision”. It is: Recall. ")
    expect(page.locator(".live-predict input:disabled")).to_have_count(3)
    page.clock.run_for(1000)
    heard = page.locator(".live-status").text_content() or ""
    assert heard.startswith(verdict.inner_text()) and heard.endswith(
        page.locator(".live-result").inner_text()
    )


PREDICTED = ("threshold", "sample_size", "learning_rates", "shear", "log_loss", "descent")


@pytest.mark.book
@pytest.mark.parametrize("name", PREDICTED)
def test_axe_finds_nothing_in_any_look_of_any_figure_and_readers_colours_are_kept(
    name: str, open_figure: Callable[..., Page]
) -> None:
    page = open_figure(name)
    for look in each_look(page, LOOKS):
        wide, window = page.evaluate("(e => [e.scrollWidth, e.clientWidth])(document.documentElement)")
        assert wide <= window, look
        assert not find_barriers(page, "figure.live-figure", slight=True), look
        inner = page.locator(".live > *").evaluate_all(
            "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
        )
        assert inner < page.locator(".live").evaluate("e => e.getBoundingClientRect().right"), look
    # What is drawn stays inside its picture, and no text is cut off.
    outside = page.locator(".live svg[role=img]").evaluate_all(
        """all => all.flatMap(svg => [...svg.querySelectorAll(":scope > text")].filter(text => {
            const [inner, outer] = [text.getBBox(), svg.viewBox.baseVal];
            return inner.x < -1 || inner.x + inner.width > outer.width + 1;
        }).map(text => text.textContent))"""
    )
    assert not outside
    page.emulate_media(forced_colors="active", color_scheme="light")
    fills = page.locator(".live svg text").evaluate_all("all => all.map(e => getComputedStyle(e).fill)")
    probe = (
        "() => { document.body.style.color = 'CanvasText'; return getComputedStyle(document.body).color; }"
    )
    assert set(fills) == {page.evaluate(probe)}


# Outside the book


def test_elsewhere_a_still_is_shown_with_words_and_a_link_to_where_it_moves() -> None:
    published = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]["ogp_site_url"]
    assert published == live.PUBLISHED
    for name, figure in live.FIGURES.items():
        output = display(name)
        assert (STATIC / f"figure_{name}.js").exists() and (ROOT / f"{figure.page}.py").exists()
        picture = Image.open(BytesIO(base64.b64decode(output.data["image/png"])))
        assert picture.width > 600
        page = BeautifulSoup(output.data["text/html"], "html.parser")
        assert page.img["src"].endswith(output.data["image/png"])
        assert page.img["alt"] == figure.alt and len(figure.alt) > 40
        assert page.a["href"] == f"{published}{figure.page}.html#live-{name.replace('_', '-')}"
        assert figure.caption in page.figcaption.get_text()
        for words in (figure.caption, figure.alt, page.a["href"]):
            assert words in output.data["text/plain"]


def test_a_still_leaves_no_open_figure_and_the_notebooks_style_as_it_was() -> None:
    import matplotlib.pyplot as plt

    before, style = plt.get_fignums(), dict(plt.rcParams)
    display("softmax")
    assert plt.get_fignums() == before and dict(plt.rcParams) == style


def test_a_figure_that_is_not_there_is_an_error_with_a_hint() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'softmax'"):
        live.show("soft_max")


def test_a_figure_takes_the_numbers_that_it_asks_for_and_no_others() -> None:
    assert display("running_logit").metadata[live.VALUES]["start"] == -3
    with pytest.raises(ConfigurationError, match=r"takes \['ink', 'votes', 'start'\], found \['ink'\]"):
        live.show("running_logit", ink=INK)
    with pytest.raises(ConfigurationError, match="takes no values, found"):
        live.show("softmax", start=1)


# In the book


def notebook_with(name: str) -> str:
    output = display(name)
    cell = {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": {},
        "source": f'live.show("{name}")',
        "outputs": [{"output_type": "display_data", "data": output.data, "metadata": output.metadata}],
    }
    title = {"cell_type": "markdown", "metadata": {}, "source": "# A page"}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": [title, cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 4})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A tiny book with the figure on its own page, on another and on none; and what Sphinx warned of."""
    folder = tmp_path_factory.mktemp("book")
    home = live.FIGURES["softmax"].page
    for page in (home, "notebooks/start/01_read_digits"):
        (folder / f"{page}.ipynb").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{page}.ipynb").write_text(notebook_with("softmax"))
    numbers = live.FIGURES["running_logit"].page
    (folder / f"{numbers}.ipynb").parent.mkdir(parents=True, exist_ok=True)
    (folder / f"{numbers}.ipynb").write_text(notebook_with("running_logit"))
    (folder / "index.md").write_text("# Home\n\n```{toctree}\n:glob:\nnotebooks/**\n```\n")
    settings = {
        "extensions": ["myst_nb", "live_figures"],
        "nb_execution_mode": "off",
        "numfig": True,
        "html_theme": "basic",
        "html_static_path": [str(STATIC)],
    }
    conf = "".join(f"{key} = {value!r}\n" for key, value in settings.items())
    (folder / "conf.py").write_text(conf)
    app = SphinxTestApp("html", srcdir=folder, builddir=folder / "build")
    try:
        app.build()
        yield folder / "build" / "html", app.warning.getvalue()
    finally:
        app.cleanup()


def test_the_book_makes_stills_numbered_figures_and_loads_their_scripts(site: tuple[Path, str]) -> None:
    folder, warnings = site
    home = live.FIGURES["softmax"].page
    assert not warnings.strip()
    anchors = {home: "live-softmax", "notebooks/start/01_read_digits": "live-softmax-start-01-read-digits"}
    for name, anchor in anchors.items():
        page = BeautifulSoup((folder / f"{name}.html").read_text(), "html.parser")
        (figure,) = page.find_all("figure")
        assert figure["id"] == anchor and {"live-figure", "live-softmax"} <= set(figure["class"])
        assert figure.img["alt"] == live.FIGURES["softmax"].alt
        assert not figure.img["src"].startswith("data:")
        assert re.match(r"Fig\. \d", figure.figcaption.get_text().strip())
        assert not page.find_all("a", string="In the book you can move it.")
        loaded = [
            script["src"].split("/")[-1].split("?")[0] for script in page.find_all("script", defer=True)
        ]
        assert loaded == ["softmax.js", "figures.js", "figure_softmax.js"]
        assert page.find("link", href=re.compile("figures.css"))
    assert "figures.js" not in (folder / "index.html").read_text()

    page = BeautifulSoup((folder / f"{live.FIGURES['running_logit'].page}.html").read_text(), "html.parser")
    assert len(page.find_all("figure")) == 1
    handed = page.find("script", type="application/json", id="live-values-running_logit")
    assert handed and json.loads(handed.string or "") == display("running_logit").metadata[live.VALUES]


@pytest.mark.book
def test_stills_of_the_built_book_have_their_scripts() -> None:
    """Nothing when no chapter shows one."""
    for path in HTML.glob("notebooks/*/*.html"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'class="[^"]*live-figure live-(\w+)', text):
            assert f"figure_{name}.js" in text, path.name
