"""The live page's second model, on small pieces of an upright digit, beside PyTorch and beside the first."""

import base64
import json
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from built_book import each_look, find_barriers
from conftest import OpenPage
from PIL import Image
from playwright.sync_api import Page, expect
from test_demo import A_THREE, PROBABILITIES, decode, draw, stored
from torch import Tensor

from tutorial_utils.data import exploration
from tutorial_utils.data.datasets import LoadedDataset

pytestmark = pytest.mark.book

DATA = "mnist_features_model"
EXPLAIN = """k => {
    const {probabilities, ...model} = Pad.unpack(MEASURED.mnist_features_model);
    const parts = Features.explain(Demo.latest().upright, model, k);
    return [[...parts.places], parts.bias];
}"""


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    """What the chapter on better features wrote, arrays as doubles."""
    values = stored(DATA)
    return {name: decode(v).double() if isinstance(v, dict) else v for name, v in values.items()}


@pytest.fixture
def demo(open_page: OpenPage) -> Page:
    """The page with the second model chosen."""
    page = open_page("book/demo")
    page.get_by_label("small pieces").check()
    return page


def answer(images: Tensor, model: dict[str, Any]) -> Tensor:
    """PyTorch's answers of all filters at all places, by a convolution, shape (n, count, 12, 12)."""
    images = images.double() / 255
    mean, square = (F.avg_pool2d(each, 6, stride=2) for each in (images, images**2))
    products = F.conv2d(images, model["filters"], stride=2)
    contrast = (square - mean**2 + model["contrast_floor"]).sqrt()
    return (products / contrast - model["offsets"].view(-1, 1, 1)).relu()


def score(images: Tensor, model: dict[str, Any]) -> Tensor:
    """PyTorch's logits of upright images."""
    features = F.adaptive_avg_pool2d(answer(images, model), model["grid"]).flatten(1)
    return F.linear(features, model["weight"], model["bias"])


def standing(page: Page) -> Tensor:
    """The upright digit that the page shows, uint8, shape (1, 1, 28, 28)."""
    return torch.tensor(page.evaluate("[...Demo.latest().upright]"), dtype=torch.uint8).view(1, 1, 28, 28)


def test_a_hundred_test_images_get_pytorchs_probabilities(
    demo: Page, mnist: LoadedDataset, model: dict[str, Any]
) -> None:
    images = mnist.test.images[:100]
    taken = demo.locator("#demo-tests button").evaluate_all(
        """all => all.map(button => {
            button.click();
            const {upright, logits, probabilities} = Demo.latest();
            return [[...upright], [...logits], [...probabilities]];
        })"""
    )
    upright, logits, probabilities = (torch.tensor(each) for each in zip(*taken, strict=True))
    upright = upright.view(images.shape)
    # A pixel that lies between two grey levels may be rounded to either.
    assert (upright - exploration.deskew(images).int()).abs().max() <= 1
    torch.testing.assert_close(logits.double(), score(upright, model), rtol=0, atol=1e-4)
    torch.testing.assert_close(probabilities.double(), model["probabilities"], rtol=0, atol=2e-3)
    expect(demo.locator("#demo-check")).to_contain_text("on 100 test images this page and PyTorch agree")
    said, labels = model["probabilities"].argmax(1), mnist.test.labels[:100]
    wrong = (said != labels).sum() or "none"
    expect(demo.locator("#demo-tests-note")).to_contain_text(f"misreads {wrong} of them")
    names = demo.locator("#demo-tests button").evaluate_all("all => all.map(b => b.ariaLabel)")
    assert [int(name[-1]) for name in names] == said.tolist()


@pytest.mark.parametrize("lean", [-0.5, 0, 0.4])
def test_a_drawing_is_set_upright_as_by_python(demo: Page, model: dict[str, Any], lean: float) -> None:
    draw(demo, [(x + lean * (140 - y), y) for x, y in A_THREE])
    pixels = torch.tensor(demo.evaluate("[...Demo.latest().pixels]"), dtype=torch.uint8).view(1, 1, 28, 28)
    assert (standing(demo).int() - exploration.deskew(pixels).int()).abs().max() <= 1
    steps = demo.locator("#demo-steps").inner_text().replace("−", "-")  # noqa: RUF001
    leaned = re.search(r"leaned ([+-]?\d\.\d\d) pixels", steps)
    assert leaned and float(leaned[1]) == pytest.approx(exploration.slant(pixels).item(), abs=0.006)
    assert demo.evaluate(PROBABILITIES) == pytest.approx(
        score(standing(demo), model).softmax(1)[0].tolist(), abs=1e-9
    )


def test_what_has_no_slant_stays_as_it_is(demo: Page) -> None:
    row = [255 if 392 <= i < 412 else 0 for i in range(784)]
    for pixels in (row, [0] * 784):
        assert demo.evaluate("pixels => [...Features.upright(pixels)]", pixels) == pixels


def test_what_spoke_for_a_class_adds_up_to_its_lead_and_is_marked_where_it_is(
    demo: Page, model: dict[str, Any]
) -> None:
    demo.locator("#demo-tests button").nth(8).click()
    upright = standing(demo)
    answers, logits = answer(upright, model)[0], score(upright, model)[0]
    ink = F.max_pool2d(upright.double(), 6, stride=2).flatten() > 0
    weight = model["weight"].view(10, -1, 3, 3)
    for k in range(10):
        others = [other for other in range(10) if other != k]
        apart = (weight[k] - weight[others].mean(0)).repeat_interleave(4, 1).repeat_interleave(4, 2)
        expected = (answers * apart).sum(0).flatten() / 16
        places, bias = demo.evaluate(EXPLAIN, k)
        lead = (logits[k] - logits[others].mean()).item()
        assert places == pytest.approx(expected.tolist(), abs=1e-9)
        assert sum(places) + bias == pytest.approx(lead, abs=1e-9)

        demo.locator("#demo-bars button").nth(k).click()
        cells = [
            [float(text.replace("−", "-")) for text in row.locator("td").all_inner_texts()]  # noqa: RUF001
            for row in demo.locator("#demo-rows tr").all()
        ]
        inked = [expected[ink].clamp(min=0).sum().item(), expected[ink].clamp(max=0).sum().item()]
        assert cells[0][:2] == pytest.approx(inked, abs=0.006)
        assert cells[1] == [0, 0, 0], "empty pieces say nothing"
        assert sum(row[2] for row in cells) == pytest.approx(lead, abs=0.016)

    expect(demo.locator("#demo-why-title")).to_have_text("Which places spoke")
    expect(demo.locator("#demo-map")).to_have_attribute("aria-label", re.compile("12 by 12 places"))
    drawing = demo.locator("#demo-map").evaluate("canvas => canvas.toDataURL().split(',')[1]")
    picture = np.array(Image.open(BytesIO(base64.b64decode(drawing))).convert("RGB")).astype(int)
    for place, part in enumerate(expected.tolist()):
        share = abs(part) / expected.abs().max().item()
        if share < 0.1:
            continue
        # A pixel of the digit is 20 wide here, and the first piece's middle lies three pixels inside.
        y, x = (20 * (3 + 2 * at) for at in divmod(place, 12))
        colour = (0, 0x72, 0xB2) if part > 0 else (0xD5, 0x5E, 0)
        cell = picture[y - 20 : y + 20, x - 20 : x + 20]
        assert tuple(picture[y, x]) == colour
        area = np.all(np.abs(cell - colour) < 60, axis=-1).mean()
        assert area == pytest.approx(share * (1 if part > 0 else np.pi / 4), abs=0.12)


def test_the_other_opinion_is_seen_and_heard_and_the_keyboard_changes_sides(open_page: OpenPage) -> None:
    page = open_page("book/demo")
    other, status = page.locator("#demo-other"), page.locator("#demo-status")
    expect(other).to_be_empty()
    page.locator("#demo-tests button").nth(8).click()  # on which they disagree

    def top() -> str:
        digit, *share = page.locator(".demo-top").inner_text().split()
        return f"{digit} ({' '.join(share)})"

    def said() -> str:
        return other.inner_text().replace("\xa0", " ")

    first, second = top(), said()
    assert first[0] != second.split(": ")[1][0]
    page.locator("#demo-bars button").nth(5).click()
    page.get_by_label("pixels", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_label("small pieces")).to_be_checked()
    assert second == f"Small pieces disagree: {top()}."
    assert said() == f"Pixels disagree: {first}."
    expect(status).to_contain_text(re.compile(r"Opinion of small pieces\. .*Pixels disagree"))
    expect(page.locator("#demo-explained")).to_have_text("Explained: 5, chosen by you.")
    page.keyboard.press("ArrowLeft")
    assert (top(), said()) == (first, second)
    page.keyboard.press("ArrowLeft")
    page.locator("#demo-tests button").nth(0).click()
    assert re.fullmatch(r"Pixels agree: 7 \(.*\)\.", said())
    page.get_by_role("button", name="Clear").click()
    expect(other).to_be_empty()
    draw(page)
    drawn = top()
    draw(page, [(30, 250), (250, 250)])
    page.get_by_role("button", name="Undo").click()
    assert top() == drawn


def replaced(change: Callable[[dict[str, Any]], None]) -> Callable[[Page], None]:
    values = stored(DATA)
    change(values)
    script = f"(globalThis.MEASURED ??= {{}}).{DATA} = {json.dumps(values)};"
    return lambda page: page.route(f"**/{DATA}.js", lambda route: route.fulfill(body=script))


@pytest.mark.parametrize(("damage", "at_once"), [(0.1, False), (float("nan"), True)])
def test_a_second_model_that_is_not_the_one_in_pytorch_is_reported(
    open_page: OpenPage, damage: float, at_once: bool
) -> None:
    """A fault that a few images show, while the page loads; a small one when the model is chosen."""

    def spoil(values: dict[str, Any]) -> None:
        offsets = decode(values["offsets"]) + damage
        values["offsets"]["base64"] = base64.b64encode(offsets.numpy().tobytes()).decode()

    page = open_page("book/demo", before=replaced(spoil))
    if not at_once:
        page.get_by_label("small pieces").check()
    said = page.locator("#demo-check")
    expect(said).to_contain_text("This page fails its own check")
    expect(said).to_contain_text("from small pieces")
    expect(said).to_have_class(re.compile("demo-failed"))


@pytest.mark.parametrize("name", [DATA, "features"])
def test_without_the_second_model_the_first_works_and_the_page_says_so(
    open_page: OpenPage, name: str
) -> None:
    page = open_page(
        "book/demo", before=lambda page: page.route(f"**/{name}.js", lambda route: route.fulfill(body=""))
    )
    expect(page.locator("#demo-second")).to_contain_text("The second model, on small pieces, did not arrive")
    expect(page.locator("#demo-opinions")).to_be_hidden()
    expect(page.locator("#demo-check")).to_contain_text("Checked just now")
    draw(page)
    assert page.locator(".demo-top").inner_text().startswith("3")
    expect(page.locator("#demo-other")).to_be_empty()


def test_the_landing_page_does_not_load_the_second_model(open_page: OpenPage) -> None:
    page = open_page("book/intro")
    loaded = page.evaluate("[...document.scripts].map(script => script.src)")
    assert any("mnist_model" in each for each in loaded)
    assert not [each for each in loaded if "features" in each]


def test_axe_finds_nothing_and_nothing_overflows_in_any_look(demo: Page) -> None:
    draw(demo)
    for look in each_look(demo):
        width = demo.evaluate("document.documentElement.scrollWidth")
        assert width <= demo.evaluate("document.documentElement.clientWidth"), look
        assert not find_barriers(demo, "#demo"), look
