"""The playground in a real browser, from file://: training against PyTorch, controls, promises."""

import re
from itertools import chain, pairwise
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from built_book import LOOKS, NARROW, ROOT, each_look, find_barriers
from conftest import OpenPage
from playwright.sync_api import Page, expect
from test_demo import decode, stored
from test_page_data import run_script

from tutorial_utils.data import catalogue

pytestmark = pytest.mark.book

PAGE = "book/playground"
STATIC = ROOT / "book" / "_static"
DEFAULTS = {
    "dataset": "three_blobs",
    "learning_rate": 0.1,
    "batch_size": 16,
    "momentum": 0,
    "initialisation": "zero",
    "seed": 0,
    "steps": 0,
}
CURVES = "(({batchLosses, epochs, weight}) => ({batchLosses, epochs, weight: [...weight]}))(Playground.run)"


@pytest.fixture
def playground(open_page: OpenPage) -> OpenPage:
    """Opens the page with settings, and waits until all is drawn."""

    def open_playground(text: str = "", *, script: str = "", **settings: Any) -> Page:
        page = open_page(
            PAGE, f"#{text}" if text else "", before=lambda page: page.add_init_script(script), **settings
        )
        wait_until_paused(page)
        return page

    return open_playground


def wait_until_paused(page: Page) -> None:
    page.wait_for_function("Playground.state().mode === 'paused'")


def state(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("Playground.state()")
    return found


def settings_of(page: Page) -> dict[str, Any]:
    return {name: value for name, value in state(page).items() if name in DEFAULTS}


def write(**settings: Any) -> str:
    return urlencode(settings)


CONTROLS = ["dataset", "learning_rate", "batch_size", "momentum", "initialisation", "seed"]
SHOWN = """names => names.map(name => {
    const [control, value] = ["", "-value"].map(end => document.getElementById(`playground-${name}${end}`));
    return control.selectedOptions?.[0].text ?? value?.innerText ?? control.value;
})"""


def wait_for_address(page: Page, **settings: Any) -> dict[str, str]:
    """Wait until the address says so; browsers want it changed seldom, so it comes a moment later."""
    page.wait_for_function(
        "wanted => wanted.every(part => location.hash.slice(1).split('&').includes(part))",
        arg=[write(**{name: value}) for name, value in settings.items()],
    )
    return {name: values[0] for name, values in parse_qs(page.url.partition("#")[2]).items()}


def press(page: Page, name: str) -> None:
    """Press a button as a keyboard does."""
    page.get_by_role("button", name=name, exact=True).focus()
    page.keyboard.press("Enter")


def train(page: Page, text: str, epochs: int) -> dict[str, Any]:
    """Train with the page's own code, without its pace; losses and accuracies after every epoch."""
    found: dict[str, Any] = page.evaluate(
        """([text, epochs]) => {
            const run = new Training.Run(Training.parse(text).settings);
            const norms = [run.norm];
            while (run.epochs.length <= epochs) {
                run.step();
                if (run.atEpoch) norms.push(run.norm);
            }
            return {epochs: run.epochs, norms, worse: run.worse, weight: [...run.weight], bias: [...run.bias],
                batch: run.batchLosses, steps: run.stepsPerEpoch, now: run.now};
        }""",
        [text, epochs],
    )
    return found


def column(found: dict[str, Any], name: str) -> list[float]:
    return [epoch[name] for epoch in found["epochs"]]


def page_data(page: Page, dataset: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A set's training inputs and labels: points as the page has them, images as the chapter stored them."""
    if dataset != "mnist":
        found = page.evaluate(
            "(({inputs, labels}) => ({inputs: [...inputs], labels: [...labels]}))(Playground.run.data.train)"
        )
        return torch.tensor(found["inputs"], dtype=torch.float64).view(-1, 2), torch.tensor(found["labels"])
    sample, description = stored("mnist_sample"), catalogue.describe("mnist")
    pixels = decode(sample["images"]).double().flatten(1) / 255
    return (pixels - description.mean[0]) / description.std[0], decode(sample["labels"]).long()


def parameters(page: Page) -> tuple[torch.Tensor, torch.Tensor]:
    found = page.evaluate("[[...Playground.run.weight], [...Playground.run.bias]]")
    weight, bias = (torch.tensor(values, dtype=torch.float64) for values in found)
    return weight.view(len(bias), -1), bias


# Training, against PyTorch


@pytest.mark.parametrize(
    ("dataset", "steps", "size"), [("three_blobs", 75, 16), ("moons", 25, 100), ("mnist", 40, 64)]
)
def test_steps_are_those_of_torchs_sgd_fed_with_the_same_batches(
    playground: OpenPage, dataset: str, steps: int, size: int
) -> None:
    rates = {"learning_rate": 0.02, "momentum": 0.9}
    page = playground(write(dataset=dataset, batch_size=size, initialisation="large", seed=5, **rates))
    inputs, labels = page_data(page, dataset)
    weight, bias = (values.requires_grad_() for values in parameters(page))
    optimiser = torch.optim.SGD([weight, bias], lr=0.02, momentum=0.9)
    batches = page.evaluate(
        """([steps, size]) => Array.from({length: steps}, () => {
            const {run} = Playground;
            const first = run.steps % run.stepsPerEpoch * size;
            run.step();
            return [...run.order.subarray(first, first + size)];
        })""",
        [steps, size],
    )
    losses = []
    for batch in batches:
        optimiser.zero_grad()
        loss = F.cross_entropy(F.linear(inputs[batch], weight, bias), labels[batch])
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    found_weight, found_bias = parameters(page)
    assert torch.allclose(found_weight, weight.detach(), rtol=0, atol=1e-5)
    assert torch.allclose(found_bias, bias.detach(), rtol=0, atol=1e-5)
    assert page.evaluate("Playground.run.batchLosses") == pytest.approx(losses, rel=0, abs=1e-5)
    with torch.no_grad():
        logits = F.linear(inputs, weight, bias)
    now = page.evaluate("Playground.run.now")
    assert now["loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), abs=1e-5)
    assert now["accuracy"] == (logits.argmax(1) == labels).double().mean().item()
    per_epoch = -(-len(labels) // size)
    epochs = [list(chain(*batches[start : start + per_epoch])) for start in range(0, steps, per_epoch)]
    whole = [epoch for epoch in epochs if len(epoch) == len(labels)]
    assert len(whole) >= 2
    assert all(sorted(epoch) == list(range(len(labels))) for epoch in whole)
    assert whole[0] != whole[1] and whole[0] != sorted(whole[0])


def test_node_trains_as_the_page_does(playground: OpenPage) -> None:
    """What computes needs no page: CONTRIBUTING.md says how to run it."""
    script = f"""{(STATIC / "playground_training.js").read_text()}
        const run = new Training.Run(Training.parse("dataset=moons&momentum=0.9").settings);
        while (run.epochs.length <= 5) run.step();
    """
    found = train(playground(), "dataset=moons&momentum=0.9", 5)["epochs"]
    assert run_script(script, "run.epochs") == [pytest.approx(epoch, rel=1e-9) for epoch in found]


def test_every_order_of_a_shuffle_is_equally_likely(playground: OpenPage) -> None:
    page = playground()
    orders = page.evaluate(
        """Array.from({length: 400}, (_, seed) => {
            const run = new Training.Run(Training.parse(`seed=${seed}`).settings);
            run.step();
            return [...run.order];
        })"""
    )
    orders = np.array(orders)
    counts, _ = np.histogram(orders[:, 0], bins=12, range=(0, 240))
    assert ((counts - 400 / 12) ** 2 / (400 / 12)).sum() < 31.3  # 0.999 quantile, 11 degrees of freedom
    stayed = (orders == np.arange(240)).sum()  # one of each order is expected where it was
    assert abs(stayed - 400) < 4 * 400**0.5


def test_weights_start_as_named_and_the_bias_at_zero(playground: OpenPage) -> None:
    page = playground()
    for initialisation, times in (("zero", 0), ("xavier_uniform", 1), ("large", 10)):
        page.evaluate(
            "text => Playground.open(text)", write(dataset="mnist", initialisation=initialisation, seed=1)
        )
        weight, bias = parameters(page)
        bound = times * (6 / (784 + 10)) ** 0.5
        assert not bias.any()
        assert 0.99 * bound <= weight.abs().max() <= bound
        assert weight.mean().abs() <= 4 * bound / (3 * weight.numel()) ** 0.5


def test_seeds_make_data_that_hold_what_their_names_promise(playground: OpenPage) -> None:
    page = playground()
    points = "s => [...new Training.Run(Training.parse(s).settings).data.train.inputs]"

    def draw(text: str) -> np.ndarray[Any, Any]:
        return np.array(page.evaluate(points, text)).reshape(-1, 2)

    plain, stretched = (draw(f"dataset={name}&seed=4") for name in ("overlapping_blobs", "stretched_blobs"))
    assert np.allclose(stretched / plain, [1, 30])
    rings = np.linalg.norm(draw("dataset=rings&seed=4"), axis=1)
    assert rings[::2].max() < rings[1::2].min()  # labels alternate
    for seed in range(20):
        blobs = draw(f"dataset=two_blobs&seed={seed}") @ [1.5, 1]
        assert blobs[::2].max() < blobs[1::2].min()


# The address


@pytest.mark.parametrize("dataset", ["three_blobs", "mnist"])
def test_reloading_the_address_reproduces_the_curve_exactly(playground: OpenPage, dataset: str) -> None:
    between = {"learning_rate": 0.0123, "batch_size": 7, "momentum": 0.85}  # the stops of the sliders
    settings = {"dataset": dataset, **between, "initialisation": "large", "seed": 9}
    page = playground(write(**settings))
    assert settings_of(page) == {**settings, "steps": 0}
    press(page, "Play")  # at the browser's own pace
    page.wait_for_function("Playground.run.epochs.length > 2")
    press(page, "Pause")
    press(page, "One step")
    wait_for_address(page, steps=state(page)["steps"])
    curves = page.evaluate(CURVES)
    assert len(curves["batchLosses"]) == state(page)["steps"] > 0
    again = playground(page.url.partition("#")[2])
    assert again.evaluate(CURVES) == curves
    other = playground(page.url.partition("#")[2].replace("seed=9", "seed=10"))
    assert other.evaluate(CURVES) != curves


CHANGES = [
    ("Data", "dataset", "ArrowDown", "overlapping_blobs"),
    ("Learning rate", "learning_rate", "ArrowRight", "0.15"),
    ("Batch size", "batch_size", "End", "240"),
    ("Momentum", "momentum", "ArrowRight", "0.1"),
    ("Initialisation", "initialisation", "ArrowDown", "xavier_uniform"),
    ("Seed", "seed", "ArrowUp", "1"),
]


def test_every_control_works_by_keyboard_changes_the_address_and_is_set_by_it(playground: OpenPage) -> None:
    page, again = playground(write(steps=20)), playground()
    for label, name, key, value in CHANGES:
        page.evaluate("text => Playground.open(text)", write(**DEFAULTS))
        control = page.get_by_label(label)
        control.focus()
        page.keyboard.press(key)
        page.keyboard.press("Tab")  # a number field speaks when it is left
        found = wait_for_address(page, **DEFAULTS | {name: value})
        assert found == {**{key: str(text) for key, text in DEFAULTS.items()}, name: value}
        again.evaluate("text => { location.hash = text; }", page.url.partition("#")[2])
        expect(again.get_by_label(label)).to_have_value(control.input_value())
        assert str(state(again)[name]) == value
        if control.get_attribute("type") == "range":
            for each in (page, again):
                expect(each.locator(f"#playground-{name}-value")).to_contain_text(value)
                assert str(each.get_by_label(label).get_attribute("aria-valuetext")).startswith(value)


def test_an_address_that_changes_is_followed_and_a_section_is_not_settings(playground: OpenPage) -> None:
    page = playground()
    assert page.evaluate("location.hash") == ""  # opening the page does not change its address
    page.evaluate("location.hash = 'dataset=moons&seed=2&steps=30'")
    page.wait_for_function("Playground.state().steps === 30")
    wait_until_paused(page)
    assert settings_of(page) == {**DEFAULTS, "dataset": "moons", "seed": 2, "steps": 30}
    page.evaluate("location.hash = 'playground-experiments'")
    page.wait_for_timeout(400)
    assert state(page)["steps"] == 30
    assert page.locator("#playground-refused").inner_text() == ""
    page.go_back()
    page.wait_for_function("location.hash.includes('dataset=moons')")


REFUSED = [
    ("dataset", "digits", "choose one of two_blobs, three_blobs,"),
    ("learning_rate", "0", "give a number from 0.0001 to 100"),
    ("learning_rate", "fast", "give a number from 0.0001 to 100"),
    ("learning_rate", "0x1", "give a number"),
    ("batch_size", "241", "give a whole number from 1 to 240"),
    ("batch_size", "1.5", "give a whole number"),
    ("momentum", "1", "give a number from 0 to 0.99"),
    ("initialisation", "constructor", "choose one of zero, xavier_uniform, large"),
    ("seed", "-1", "give a whole number from 0 to 4294967295"),
    ("steps", "15001", "give a whole number from 0 to 15000"),
]


def test_a_value_that_is_not_allowed_is_refused_in_words(playground: OpenPage) -> None:
    page = playground()
    message = page.get_by_role("alert").filter(has_text="not allowed")
    for name, text, allowed in REFUSED:
        page.evaluate("text => { location.hash = text; }", write(**{name: text}))
        expect(message).to_contain_text(f"{name}={text} is not allowed: {allowed}")
        expect(message).to_contain_text(f"It is {DEFAULTS[name]} instead.")
        assert settings_of(page) == DEFAULTS
    press(page, "One step")
    assert state(page)["steps"] == 1
    page.get_by_label("Seed").fill("2.5")
    page.keyboard.press("Tab")
    expect(message).to_contain_text("seed=2.5 is not allowed: give a whole number")
    expect(page.get_by_label("Seed")).to_have_value("0")


def test_what_is_right_in_an_address_counts_and_every_problem_is_named(playground: OpenPage) -> None:
    page = playground("learning_rate=2&colour=red&momentum=2&seed=1&seed=2&__proto__=1")
    assert settings_of(page) == {**DEFAULTS, "learning_rate": 2}
    lines = page.locator("#playground-refused").inner_text().splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("colour is not a setting; the settings are dataset, learning_rate,")
    assert "seed=1 is not allowed: it is given more than once." in "\n".join(lines)
    page.evaluate("location.hash = 'seed=1'")
    expect(page.locator("#playground-refused")).to_have_text("")


def test_nothing_from_the_address_becomes_markup(playground: OpenPage) -> None:
    attack = quote("<img src=x onerror=document.title=1>")
    before = playground()
    for text in (f"dataset={attack}", f"{attack}=1", f"seed={attack}"):
        page = playground(text)
        assert "<img src=x" in page.locator("#playground-refused").inner_text()
        for count in ("#playground-root img", "#playground-root *"):
            assert page.locator(count).count() == before.locator(count).count()
        assert page.title() == before.title()


def test_the_batch_size_fits_each_data_set_and_all_stays_all(playground: OpenPage) -> None:
    page = playground(write(batch_size=240))
    page.get_by_label("Data").select_option("mnist")
    assert state(page)["batch_size"] == 800
    expect(page.locator("#playground-batch_size-value")).to_have_text("800 (all)")
    page.get_by_label("Batch size").press("ArrowLeft")
    assert state(page)["batch_size"] == 512
    page.get_by_label("Data").select_option("rings")
    assert state(page)["batch_size"] == 240


def test_the_link_is_copied_or_offered(playground: OpenPage) -> None:
    copying = """Object.defineProperty(navigator, 'clipboard', {value: {writeText: (text) => {
        window.copied = text; return %s; }}});"""
    page = playground(write(seed=3), script=copying % "Promise.resolve()")
    press(page, "One step")
    press(page, "Copy link")
    expect(page.locator("#playground-status")).to_contain_text("The link is copied")
    assert page.evaluate("window.copied") == page.url
    assert page.url.endswith("seed=3&steps=1")
    expect(page.get_by_label("Link to this point")).to_be_hidden()
    refused = playground(write(seed=3), script=copying % "Promise.reject(new Error('no'))")
    press(refused, "Copy link")
    expect(refused.get_by_label("Link to this point")).to_have_value(refused.url)
    expect(refused.locator("#playground-status")).to_contain_text("Copy the link from the field")


# Running


def test_step_epoch_play_pause_and_reset_work_by_keyboard(playground: OpenPage) -> None:
    page = playground()
    page.get_by_label("Data").focus()
    seen = []
    for _ in range(10):  # the order in which Tab goes through everything
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id.replace('playground-', '')"))
        outline = page.evaluate(
            "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])(getComputedStyle(document.activeElement))"
        )
        assert outline == ["solid", 3]
    assert seen == [
        *("learning_rate", "batch_size", "momentum", "initialisation", "seed"),
        *("play", "step", "epoch-step", "reset", "copy"),
    ]
    press(page, "One step")
    assert state(page)["steps"] == 1
    expect(page.locator("#playground-status")).to_contain_text("Paused: epoch 0, step 1. Training loss ")
    press(page, "One epoch")
    assert (state(page)["steps"], state(page)["epoch"]) == (15, 1)
    press(page, "One epoch")
    assert (state(page)["steps"], state(page)["epoch"]) == (30, 2)
    press(page, "Play")
    page.wait_for_function("Playground.state().steps > 60")
    page.keyboard.press("Space")  # the same button now pauses
    stopped = state(page)
    assert stopped["mode"] == "paused"
    page.wait_for_timeout(300)
    assert state(page) == stopped
    wait_for_address(page, steps=stopped["steps"])
    expect(page.locator("#playground-steps")).to_have_text(str(stopped["steps"]))
    expect(page.locator("#playground-accuracy")).to_have_text(f"{100 * stopped['accuracy']:.1f} %")
    press(page, "Reset")
    wait_for_address(page, steps=0)
    assert page.evaluate("Playground.run.batchLosses") == []


def test_a_changed_setting_starts_anew_and_goes_on_playing(playground: OpenPage) -> None:
    page = playground()
    press(page, "Play")
    page.wait_for_function("Playground.state().steps > 50")
    page.get_by_label("Learning rate").press("ArrowRight")
    assert state(page)["mode"] == "playing"
    assert state(page)["learning_rate"] == 0.15
    page.wait_for_function("Playground.state().steps > 50")
    assert page.evaluate("Playground.run.settings.learning_rate") == 0.15


def test_training_ends_after_the_last_epoch_in_words(playground: OpenPage) -> None:
    page = playground(write(batch_size=240, steps=1000))
    expect(page.locator("#playground-warning")).to_have_text("This page trains 1000 epochs at most.")
    for name in ("Play", "One step", "One epoch"):
        press(page, name)
        wait_until_paused(page)
        assert state(page)["steps"] == 1000
    assert page.evaluate("document.activeElement.id") == "playground-epoch-step"


def test_numbers_that_are_none_stop_training_in_words_and_reset_helps(playground: OpenPage) -> None:
    page = playground()
    page.evaluate("Playground.run.weight.fill(1e308)")
    press(page, "Play")
    wait_until_paused(page)
    expect(page.locator("#playground-warning")).to_contain_text("no longer a finite number")
    expect(page.locator("#playground-warning")).to_contain_text("smaller learning rate")
    expect(page.locator("#playground-loss")).to_have_text("not a finite number")
    press(page, "One step")
    assert state(page)["steps"] == 1  # the first, and no more
    press(page, "Reset")
    press(page, "One epoch")
    expect(page.locator("#playground-warning")).to_have_text("")
    assert state(page)["epoch"] == 1


@pytest.mark.parametrize(("milliseconds", "longest"), [(3, 9), (40, 40)])
def test_a_frame_trains_within_its_budget_or_one_step_so_that_the_page_can_react(
    playground: OpenPage, milliseconds: int, longest: int
) -> None:
    """Ten milliseconds a frame, on a clock that only steps and frames move: no machine is too slow."""
    spent = playground(write(dataset="mnist")).evaluate(
        """cost => {
            let [time, goOn] = [1e6, null];
            performance.now = () => time;
            requestAnimationFrame = callback => { goOn = callback; };
            const step = Training.Run.prototype.step;
            Training.Run.prototype.step = function () { time += cost; step.call(this); };
            document.getElementById("playground-play").click();
            return Array.from({length: 60}, () => {
                const begun = time += 16;
                goOn();
                return time - begun;
            });
        }""",
        milliseconds,
    )
    assert max(spent) == longest and min(spent) >= 0


COUNT_DRAWINGS = """window.drawings = 0; const clear = CanvasRenderingContext2D.prototype.clearRect;
    CanvasRenderingContext2D.prototype.clearRect = function (...area) {
        if (this.canvas.id === 'playground-curves') window.drawings++;
        return clear.apply(this, area);
    };"""


def test_reduced_motion_is_honoured(playground: OpenPage) -> None:
    drawings, steps = {}, {}
    for preference in ("no-preference", "reduce"):
        page = playground(write(seed=1), script=COUNT_DRAWINGS, reduced_motion=preference)
        page.clock.install()
        press(page, "Play")
        page.clock.pause_at(page.evaluate("Date.now()") + 1000)
        before = page.evaluate("window.drawings")
        page.clock.run_for(2500)
        drawings[preference] = page.evaluate("window.drawings") - before
        steps[preference] = state(page)["steps"]
    assert drawings["reduce"] in (2, 3)
    assert drawings["no-preference"] > 100
    assert steps["reduce"] > 100


# What is drawn


def test_pictures_change_as_training_goes_on_and_with_the_colour_scheme(playground: OpenPage) -> None:
    picture = "id => document.getElementById(id).toDataURL()"
    for dataset, first in (("three_blobs", "playground-plane"), ("mnist", "playground-templates")):
        page = playground(write(dataset=dataset, learning_rate=0.01))
        for name in (first, "playground-curves"):
            expect(page.locator(f"#{name}")).to_be_visible()
            label = page.locator(f"#{name}").get_attribute("aria-label")
            assert label is not None and len(label) > 30
        before = [page.evaluate(picture, name) for name in (first, "playground-curves")]
        press(page, "One epoch")
        after = [page.evaluate(picture, name) for name in (first, "playground-curves")]
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        page.wait_for_function(
            "([id, old]) => document.getElementById(id).toDataURL() !== old", arg=[first, after[0]]
        )
        assert all(old != new for old, new in zip(before, after, strict=True))
    assert page.locator("#playground-plane").is_hidden()


def test_the_lines_lie_where_two_classes_score_highest_and_equal(playground: OpenPage) -> None:
    page = playground()
    generator = np.random.default_rng(0)
    found_one = 0
    for _ in range(40):
        weight, bias = generator.normal(size=(3, 2)), generator.normal(size=3)
        model = {"weight": weight.ravel().tolist(), "bias": bias.tolist()}
        for a, b in ((0, 1), (0, 2), (1, 2)):
            ends = page.evaluate("([m, a, b]) => Pictures.findBoundary(m, a, b, 50)", [model, a, b])
            if ends is None:
                continue
            found_one += 1
            for share in (0.001, 0.5, 0.999):
                point = np.array(ends[0]) * (1 - share) + np.array(ends[1]) * share
                scores = weight @ point + bias
                assert scores[a] == pytest.approx(scores[b], abs=1e-6)
                assert max(scores) == pytest.approx(scores[a], abs=1e-6)
    assert found_one > 80  # three half-lines meet in one point unless a class never wins


def test_batches_are_gathered_by_pixel_and_their_mean_runs_over_an_epoch(playground: OpenPage) -> None:
    losses = np.random.default_rng(0).exponential(size=500)
    columns = playground().evaluate(
        "batchLosses => Pictures.gather({batchLosses, stepsPerEpoch: 60}, step => 7 + step / 4)",
        losses.tolist(),
    )
    pixels = np.floor(7.5 + np.arange(500) / 4).astype(int)
    assert [column["x"] for column in columns] == sorted(set(pixels.tolist()))
    for column in columns:
        here = np.flatnonzero(pixels == column["x"])
        assert (column["low"], column["high"]) == (losses[here].min(), losses[here].max())
        assert column["mean"] == pytest.approx(losses[max(0, here[-1] - 59) : here[-1] + 1].mean())


def test_labels_of_a_logarithmic_axis_keep_their_distance(playground: OpenPage) -> None:
    page = playground()
    generator = np.random.default_rng(0)
    for length in [90, 167, 260] * 60:
        low = 10 ** generator.uniform(-9, 1)
        high = low * 10 ** generator.uniform(1.3, 12)
        ticks = np.array(page.evaluate("area => Pictures.logTicks(...area)", [low, high, length]))
        assert len(ticks) >= 2
        assert low <= ticks.min() and ticks.max() <= high
        gaps = np.diff(np.log10(ticks)) / np.log10(high / low) * length
        assert gaps.min() >= 20 - 1e-6, (low, high, ticks)


def test_the_page_is_accessible_and_fits_in_every_look(playground: OpenPage) -> None:
    for text, looks in {"dataset=mnist": LOOKS[1:3], "learning_rate=fast&dataset=rings": LOOKS[::3]}.items():
        page = playground(text)
        for look in each_look(page, looks):
            assert not find_barriers(page, ".bd-article", slight=True), look
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= page.evaluate("document.documentElement.clientWidth"), look
            controls = page.locator("#playground-root").locator("button, input:visible, select")
            sizes = controls.evaluate_all(
                "all => all.map(e => e.getBoundingClientRect()).map(box => [box.width, box.height])"
            )
            assert np.min(sizes) >= 44, look


# The guided experiments


def links_of(page: Page) -> dict[str, tuple[str, int]]:
    """Settings and epochs of every experiment, by the link's words."""
    found = page.eval_on_selector_all(
        "a[data-settings]", "all => all.map(a => [a.textContent, a.hash.slice(1), Number(a.dataset.epochs)])"
    )
    return {text: (settings, epochs) for text, settings, epochs in found}


def test_every_experiment_sets_what_it_says_and_plays(playground: OpenPage) -> None:
    page = playground()
    links = page.locator("a[data-settings]")
    assert links.count() == 15
    for link in links.all():
        said = parse_qs(str(link.get_attribute("data-settings")))
        press(page, "Reset")  # the experiment before is still playing, and a click's address is read later
        link.click()
        page.wait_for_function("Playground.state().mode === 'playing' && Playground.state().steps > 0")
        found = settings_of(page)
        assert {**DEFAULTS, **{name: values[0] for name, values in said.items()}} == pytest.approx(
            {name: str(found[name]) if name in said else DEFAULTS[name] for name in found}
        )
        assert page.evaluate("document.activeElement.id") == "playground-play"
        expect(page.locator("#playground-play")).to_be_in_viewport()
        told = page.locator("#playground-set").inner_text()
        for name, shown in zip(CONTROLS, page.evaluate(SHOWN, CONTROLS), strict=True):
            assert f"{'Set:' if name == 'dataset' else name.replace('_', ' ')} {shown}" in told
        assert told.endswith(f". It trains {link.get_attribute('data-epochs')} epochs.")
    page.get_by_label("Momentum").press("ArrowRight")  # what was set is no longer what is
    expect(page.locator("#playground-set")).to_have_text("")


@pytest.mark.parametrize(
    ("settings", "motion"), [("learning_rate=20", "no-preference"), ("dataset=mnist", "reduce")]
)
def test_on_a_phone_an_experiment_brings_its_pictures_into_view(
    playground: OpenPage, settings: str, motion: Any
) -> None:
    page = playground(viewport=NARROW, reduced_motion=motion)
    page.locator(f"a[data-settings*='{settings}']").first.click()
    page.wait_for_function(
        """() => {
            const places = [...document.querySelectorAll('#playground-pictures canvas')]
                .map(e => e.getBoundingClientRect()).filter(place => place.height);
            return places.length === 2 && places.every(({top, bottom}) => top > 0 && bottom < innerHeight);
        }"""
    )
    for name in ("play", "set"):
        expect(page.locator(f"#playground-{name}")).to_be_in_viewport(ratio=1)
    assert page.locator("#playground-set").get_attribute("role") == "status"


def test_every_name_in_a_menu_and_beside_a_slider_fits(playground: OpenPage) -> None:
    page = playground(write(dataset="mnist", batch_size=800))
    for look in each_look(page, LOOKS[::2]):
        too_long = page.evaluate(
            """() => [...document.querySelectorAll('#playground-root select')].flatMap(menu => {
                const pen = document.createElement('canvas').getContext('2d');
                const style = getComputedStyle(menu);
                pen.font = `${style.fontSize} ${style.fontFamily}`;
                const room = menu.clientWidth - parseFloat(style.paddingLeft) - 24;  // the arrow takes some
                return [...menu.options].map(option => option.text)
                    .filter(text => pen.measureText(text).width > room);
            })"""
        )
        assert too_long == [], look
        labels = page.locator("#playground-root label").evaluate_all(
            "all => all.map(e => [e.offsetHeight, e.scrollWidth - e.clientWidth])"
        )
        assert len({height for height, _ in labels}) == 1, "a label takes two lines"
        assert all(excess <= 0 for _, excess in labels), look


def test_with_reduced_motion_an_experiment_waits_for_play_ends_by_itself_and_can_be_tried_twice(
    playground: OpenPage,
) -> None:
    page = playground(reduced_motion="reduce")
    link = page.get_by_role("link", name="all examples at once")
    for _ in range(2):
        link.click()
        page.wait_for_function("Playground.state().batch_size === 240 && Playground.state().steps === 0")
        page.wait_for_timeout(300)
        assert (state(page)["mode"], state(page)["steps"]) == ("paused", 0)
        page.keyboard.press("Enter")  # Play has the focus
        page.wait_for_function("Playground.state().mode === 'playing'")
        wait_until_paused(page)
        assert state(page)["epoch"] == int(str(link.get_attribute("data-epochs")))


def test_experiments_show_what_they_claim(playground: OpenPage) -> None:
    page = playground()
    links = links_of(page)

    def run(name: str) -> dict[str, Any]:
        return train(page, *links[name])

    slow = run("Try a small rate")
    losses = column(slow, "loss")
    falls = -np.diff(losses)
    assert column(slow, "accuracy")[-1] > 0.9 and losses[-1] > 0.6 * losses[0]
    assert falls.min() > 0.4 * falls.max()  # almost a straight line

    large = column(run("Try a large rate"), "loss")
    assert max(large[1:]) > 1.05 * large[0] and max(large) < 100

    plain, heavy, heavier = (
        column(run(name), "loss")
        for name in ("Try it without momentum", "with momentum", "still more momentum")
    )
    assert heavy[5] < plain[5]  # faster
    assert max(heavy[8:30]) > min(heavy[:20]) + 0.01  # rises again
    assert heavy[-1] < min(heavy[:20]) and all(b <= a for a, b in pairwise(plain))
    assert np.ptp(heavier[-100:]) > 20 * np.ptp(heavy[-50:])

    single, whole = run("Try batches of one"), run("all examples at once")
    assert np.std(single["batch"][-500:]) > 0.2
    assert np.ptp(column(single, "loss")[-10:]) > 10 * np.ptp(column(whole, "loss")[-10:])
    assert column(single, "loss")[1] < column(whole, "loss")[20]

    unlucky = train(page, "dataset=rings", 100)
    assert 0.35 < unlucky["now"]["accuracy"] < 0.65 and 0.35 < unlucky["now"]["validationAccuracy"] < 0.65
    assert unlucky["now"]["loss"] > 0.95 * np.log(2)
    ends = [train(page, f"dataset=rings&seed={seed}", 100)["now"] for seed in range(12)]
    leads = [now["accuracy"] - now["validationAccuracy"] for now in ends]
    assert np.mean(leads) > 0 and sum(lead > 0 for lead in leads) > 6 and min(leads) < 0
    assert run("Try the moons")["now"]["accuracy"] > 0.8

    growing = page.get_by_role("heading", name=re.compile("^Weights that")).locator("..")
    ever = train(page, str(growing.locator("a[data-settings]").get_attribute("href"))[1:], 1000)
    assert ever["now"]["accuracy"] == 1 and ever["now"]["loss"] < 0.001
    norms = ever["norms"]
    assert norms[10] < norms[100] < norms[1000] and norms[1000] - norms[900] < norms[100] - norms[1]

    zero, far = run("Try it from zero"), run("from large weights")
    assert far["epochs"][0]["loss"] > 2 * zero["epochs"][0]["loss"]
    assert far["now"]["loss"] == pytest.approx(zero["now"]["loss"], abs=1e-5)
    gap = [np.diff(np.reshape(found["weight"], (2, 2)), axis=0) for found in (zero, far)]
    assert np.allclose(*gap, atol=0.01)  # the same line
    assert far["norms"][-1] > 2 * zero["norms"][-1]

    bouncing, creeping = run("Try stretched data"), run("A rate small enough")
    fine = train(page, "dataset=overlapping_blobs&batch_size=240&learning_rate=0.1", 100)
    assert bouncing["worse"] and not creeping["worse"] and not fine["worse"]
    assert fine["now"]["loss"] + 0.05 < creeping["now"]["loss"] < creeping["epochs"][0]["loss"]

    digits = run("Try MNIST")
    held_out = column(digits, "validationLoss")
    assert digits["now"]["loss"] < 0.01 and held_out[-1] > min(held_out) + 0.1
    assert digits["now"]["accuracy"] == 1 and digits["now"]["validationAccuracy"] < 0.95


def test_a_loss_above_its_start_is_reported_with_what_to_try(playground: OpenPage) -> None:
    page = playground()
    settings = links_of(page)["Try a large rate"][0].replace("steps=0", "steps=75")
    warning = page.locator("#playground-warning")
    assert warning.inner_text() == ""
    page.evaluate("text => Playground.open(text)", settings)
    expect(warning).to_contain_text("higher than it was at the start")
    expect(warning).to_contain_text("smaller learning rate")
    page.evaluate("text => Playground.open(text)", settings.replace("rate=20", "rate=0.1"))
    expect(warning).to_have_text("")
