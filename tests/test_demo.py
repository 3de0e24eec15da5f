"""The live model in a real browser: drawing, preparation, probabilities, reasons, and access to them."""

import base64
import functools
import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from built_book import BUILD, LOOKS, ROOT, each_look, find_barriers
from conftest import OpenPage
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from scipy import ndimage
from test_read_digit import as_ink_without_paper, as_jpeg_on_its_side, as_png, photograph

from tutorial_utils.data import catalogue, datasets
from tutorial_utils.data.datasets import LoadedDataset
from tutorial_utils.evaluation import predictions
from tutorial_utils.lessons.read_digit import read_digit

pytestmark = pytest.mark.book

PAGE = "book/demo"
PAPER = 280
SEED = 20260
A_THREE = [(75, 70), (140, 55), (185, 85), (130, 135), (185, 170), (165, 215), (80, 205)]
PROBABILITIES = "[...Demo.latest().probabilities]"
EXPLAIN = """k => {
    const [{weight, bias}, {input, pixels}] = [MEASURED.mnist_model, Demo.latest()];
    const parts = Digits.explain(input, Softmax.decode(weight), Softmax.decode(bias), k);
    return {places: [...parts.places], bias: parts.bias, sums: Digits.addUp(pixels, parts)};
}"""


@pytest.fixture
def open_demo(open_page: OpenPage) -> OpenPage:
    return functools.partial(open_page, PAGE)


@pytest.fixture
def demo(open_demo: OpenPage) -> Page:
    return open_demo()


@pytest.fixture
def phone(open_demo: OpenPage) -> Page:
    return open_demo(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True)


@pytest.fixture(scope="module")
def digits(browser: Browser) -> Iterator[Page]:
    """An empty page with nothing but the preparation."""
    page = browser.new_page()
    page.add_script_tag(path=ROOT / "book" / "_static" / "digits.js")
    yield page
    page.close()


def point(page: Page, x: float, y: float) -> tuple[float, float]:
    """A place on the paper, in the window's coordinates."""
    paper = page.locator("#demo-paper")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    assert box
    border = (box["width"] - paper.evaluate("e => e.clientWidth")) / 2
    factor = (box["width"] - 2 * border) / PAPER
    return box["x"] + border + x * factor, box["y"] + border + y * factor


def draw(page: Page, points: list[tuple[float, float]] = A_THREE, steps: int = 5) -> None:
    page.mouse.move(*point(page, *points[0]))
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(*point(page, x, y), steps=steps)
    page.mouse.up()


def prepare(page: Page, ink: np.ndarray) -> np.ndarray:
    """What the page makes of ink, 28 x 28."""
    sent = base64.b64encode(ink.astype("<f8").tobytes()).decode()
    values = page.evaluate(
        """([sent, width]) => {
            const bytes = Uint8Array.from(atob(sent), letter => letter.charCodeAt(0));
            return [...Digits.prepare(new Float64Array(bytes.buffer), width).pixels];
        }""",
        [sent, ink.shape[1]],
    )
    return np.array(values, float).reshape(28, 28)


def drawn(page: Page) -> np.ndarray:
    return np.array(page.evaluate("[...Demo.latest().pixels]")).reshape(28, 28)


def stored(name: str) -> dict[str, Any]:
    """What a chapter wrote for pages."""
    text = (BUILD / "page_data" / f"{name}.js").read_text()
    return dict(json.loads(text.split(" = ", 1)[1].rstrip(";\n")))


def decode(value: dict[str, Any]) -> torch.Tensor:
    bytes_ = bytearray(base64.b64decode(value["base64"]))
    return torch.frombuffer(bytes_, dtype=getattr(torch, value["dtype"])).reshape(value["shape"])


@pytest.fixture(scope="module")
def linear() -> tuple[torch.Tensor, torch.Tensor]:
    """The trained model's weight and bias, as doubles."""
    model = stored("mnist_model")
    return decode(model["weight"]).double(), decode(model["bias"]).double()


def scores(mnist: LoadedDataset, linear: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """PyTorch's logits of the first 100 test images, from the data set's own files."""
    images = datasets.standardise(mnist.test)[:100].double()
    return torch.nn.functional.linear(images.flatten(1), *linear)


# The model


def test_a_hundred_test_images_get_pytorchs_probabilities(
    demo: Page, mnist: LoadedDataset, linear: tuple[torch.Tensor, torch.Tensor]
) -> None:
    computed = scores(mnist, linear).softmax(1)
    exported = decode(stored("mnist_test_images")["probabilities"]).double()
    taken = demo.locator("#demo-tests button").evaluate_all(
        """all => all.map(button => {
            button.click();
            const {pixels, probabilities} = Demo.latest();
            return [[...pixels], [...probabilities]];
        })"""
    )
    shown = torch.tensor([probabilities for _, probabilities in taken], dtype=torch.float64)
    assert np.array_equal([pixels for pixels, _ in taken], mnist.test.images[:100].flatten(1).numpy())
    torch.testing.assert_close(shown, computed, rtol=0, atol=1e-5)
    torch.testing.assert_close(shown, exported, rtol=0, atol=1e-5)
    torch.testing.assert_close(shown.sum(1), torch.ones(100).double(), rtol=0, atol=1e-12)


def test_the_page_says_how_closely_it_agrees_with_pytorch(demo: Page) -> None:
    said = demo.locator("#demo-check").inner_text()
    match = re.fullmatch(
        r"Checked just now: on 100 test images this page and PyTorch agree to within "
        r"(\d)\u00a0×\u00a010⁻(\d) in every probability\.",  # noqa: RUF001
        said.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")),
    )
    assert match, said
    bound, difference = float(f"{match[1]}e-{match[2]}"), demo.evaluate("Demo.compare()")
    assert 0 < difference <= bound <= 1e-5
    assert bound - difference < 1.001 * 10 ** -int(match[2])


@pytest.mark.parametrize("damage", [1e-3, float("nan")])
def test_a_model_that_is_not_the_one_in_pytorch_is_reported(open_demo: OpenPage, damage: float) -> None:
    def replace(page: Page) -> None:
        model = stored("mnist_model")
        bias = decode(model["bias"])
        bias[0] += damage
        model["bias"]["base64"] = base64.b64encode(bias.numpy().tobytes()).decode()
        script = f"(globalThis.MEASURED ??= {{}}).mnist_model = {json.dumps(model)};"
        page.route("**/mnist_model.js", lambda route: route.fulfill(body=script))

    page = open_demo(before=replace)
    expect(page.locator("#demo-check")).to_contain_text("This page fails its own check")
    expect(page.locator("#demo-check")).to_contain_text("open an issue")
    expect(page.locator("#demo-check")).to_have_class(re.compile("demo-failed"))


@pytest.mark.parametrize("name", ["mnist_model", "softmax"])
def test_a_missing_script_is_reported(open_demo: OpenPage, name: str) -> None:
    page = open_demo(before=lambda page: page.route(f"**/{name}.js", lambda route: route.fulfill(body="")))
    expect(page.locator("#demo-check")).to_contain_text("The model did not arrive")
    expect(page.locator("#demo")).to_be_hidden()


def test_without_scripts_the_page_says_what_is_missing(open_demo: OpenPage) -> None:
    page = open_demo(java_script_enabled=False)
    expect(page.locator("noscript .demo-message")).to_be_visible()
    expect(page.locator("#demo")).to_be_hidden()
    expect(page.get_by_role("heading", name="Things to try")).to_be_visible()


# The preparation


def blot(seed: int) -> np.ndarray:
    """A smooth random shape somewhere on a random paper, its edges grey."""
    generator = np.random.default_rng(seed)
    height, width = generator.integers(12, 90, 2)
    noise = ndimage.gaussian_filter(generator.normal(size=(height, width)), 2.5)
    shape = np.clip(noise / noise.std(), 0, 1)
    return np.pad(shape, [tuple(pair) for pair in generator.integers(0, 40, (2, 2))])


def area_means(ink: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Exact means over equal areas: differences of the integral along one axis, then along the other."""

    def along_rows(ink: np.ndarray, parts: int) -> np.ndarray:
        integrals = np.cumsum(np.insert(ink, 0, 0, axis=1), axis=1)
        edges = np.linspace(0, ink.shape[1], parts + 1)
        at_edges = [np.interp(edges, np.arange(len(line)), line) for line in integrals]
        return np.diff(at_edges, axis=1) * parts / ink.shape[1]

    return along_rows(along_rows(ink, columns).T, rows).T


@pytest.mark.parametrize("seed", range(12))
def test_ink_is_fitted_smoothed_and_centred_as_in_mnist(digits: Page, seed: int) -> None:
    ink = blot(seed)
    left, top, right, bottom = Image.fromarray(ink > 0).getbbox()
    assert digits.evaluate(
        "([ink, width]) => Digits.findBox(ink, width)", [ink.ravel().tolist(), ink.shape[1]]
    ) == {"left": left, "top": top, "width": right - left, "height": bottom - top}
    factor = 20 / max(right - left, bottom - top)
    size = (int((bottom - top) * factor + 0.5), int((right - left) * factor + 0.5))
    assert max(size) == 20
    expected = area_means(ink[top:bottom, left:right], *size)
    centre = digits.evaluate(
        "([ink, width]) => Digits.centreOfMass(ink, width)", [expected.ravel().tolist(), expected.shape[1]]
    )
    assert (centre["row"], centre["column"]) == pytest.approx(ndimage.center_of_mass(expected))

    pixels = prepare(digits, ink)
    rows, columns = (np.flatnonzero(pixels.any(axis)) for axis in (1, 0))
    at = [int(np.floor(14 - middle + 0.5)) for middle in ndimage.center_of_mass(expected)]
    assert rows[0] >= at[0] and rows[-1] < at[0] + size[0]
    assert columns[0] >= at[1] and columns[-1] < at[1] + size[1]
    placed = pixels[at[0] : at[0] + size[0], at[1] : at[1] + size[1]]
    assert np.abs(placed - 255 * expected).max() <= 0.5 + 1e-6
    assert np.abs(np.array(ndimage.center_of_mass(pixels)) - 14).max() < 0.51


def test_nothing_is_cut_off_when_the_mass_lies_at_one_end(digits: Page) -> None:
    ink = np.zeros((60, 200))
    ink[:, :60] = 1
    ink[28:32, 60:] = 1
    expected = area_means(ink, 6, 20)
    assert 14 - ndimage.center_of_mass(expected)[1] + 20 > 28  # it would be
    pixels = prepare(digits, ink)
    assert pixels.sum() == pytest.approx(255 * expected.sum(), abs=0.5 * expected.size)
    assert np.flatnonzero(pixels.any(0)).tolist() == list(range(8, 28))


def test_a_hair_line_and_a_single_point_become_pictures(digits: Page) -> None:
    line, dot = np.zeros((200, 50)), np.zeros((30, 30))
    line[:, 7] = 1
    dot[29, 29] = 0.6
    assert (prepare(digits, line) > 0).sum() == 20
    assert (prepare(digits, dot) == 153).sum() == 400
    assert digits.evaluate("Digits.prepare(new Float64Array(900), 30)") is None


def test_a_drawing_looks_the_same_to_the_model_wherever_it_stands(demo: Page) -> None:
    seen = []
    for right, down in ((0, 0), (-60, -40), (60, 50), (10, -30)):
        draw(demo, [(x + right, y + down) for x, y in A_THREE])
        seen.append(drawn(demo).astype(float))
        assert demo.locator(".demo-top").inner_text().startswith("3")
        demo.locator("#demo-clear").click()
    assert np.abs(np.subtract(seen, seen[0])).max() <= 16


def test_test_images_that_were_enlarged_and_moved_keep_their_class(
    digits: Page, mnist: LoadedDataset, linear: tuple[torch.Tensor, torch.Tensor]
) -> None:
    generator = np.random.default_rng(SEED)
    originals, again = mnist.test.images[:40, 0].numpy(), []
    for original in originals:
        digit = original[np.ix_(original.any(1), original.any(0))]
        factor = generator.uniform(4, 12)
        size = [round(length * factor) for length in digit.shape[::-1]]
        large = np.array(Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC)) / 255
        ink = np.zeros((PAPER, PAPER))
        top, left = (generator.integers(0, PAPER - length + 1) for length in large.shape)
        ink[top : top + large.shape[0], left : left + large.shape[1]] = large
        again.append(prepare(digits, ink))
    pixels = torch.tensor(np.array(again)).flatten(1) / 255
    said = torch.nn.functional.linear((pixels - 0.1307) / 0.3081, *linear).argmax(1)
    kept = (said == scores(mnist, linear)[:40].argmax(1)).sum()
    distance = np.abs(np.array(again) - originals).mean() / originals.mean()
    assert kept >= 38
    assert distance < 0.15


# Drawing


def test_probabilities_move_with_the_pen_and_sum_to_one(demo: Page) -> None:
    demo.mouse.move(*point(demo, *A_THREE[0]))
    demo.mouse.down()
    seen = []
    for x, y in A_THREE[1:]:
        demo.mouse.move(*point(demo, x, y), steps=3)
        seen.append(demo.evaluate(PROBABILITIES))
        shares = demo.locator("#demo-bars button").evaluate_all(
            "all => all.map(button => Number(button.style.getPropertyValue('--share')))"
        )
        assert shares == pytest.approx(seen[-1])
        texts = demo.locator("#demo-bars .demo-value").all_inner_texts()
        for text, p in zip(texts, seen[-1], strict=True):
            rounded = "< 0.1" if p < 0.0005 else "> 99.9" if p > 0.9995 else f"{100 * p:.1f}"
            assert text.replace("\xa0", " ") == f"{rounded} %"
    demo.mouse.up()
    assert [sum(p) for p in seen] == pytest.approx([1] * len(seen), abs=1e-12)
    assert len({tuple(p) for p in seen}) == len(seen)
    assert demo.locator("#demo-verdict").inner_text().startswith(f"Most probable: {np.argmax(seen[-1])} (")


def expect_blank(page: Page) -> None:
    expect(page.locator("#demo-verdict")).to_contain_text("Draw a digit from 0 to 9.")
    expect(page.locator("#demo-bars .demo-value")).to_have_text(["–"] * 10)  # noqa: RUF001
    expect(page.locator("#demo-bars button:disabled")).to_have_count(10)
    expect(page.locator("#demo-sums")).to_be_hidden()
    assert page.evaluate("Demo.latest()") is None


def test_blank_paper_is_not_judged_but_said_to_be_blank(
    demo: Page, linear: tuple[torch.Tensor, torch.Tensor]
) -> None:
    expect_blank(demo)
    weight, bias = linear
    blank = (weight @ torch.full((784,), -0.1307 / 0.3081, dtype=torch.float64) + bias).softmax(0)
    said = f"would call it a {blank.argmax()} ({100 * blank.max():.1f} %)"
    assert said in demo.locator("#demo-verdict").inner_text().replace("\xa0", " ")


def test_undo_and_clear_take_ink_away(demo: Page) -> None:
    draw(demo)
    first = demo.evaluate(PROBABILITIES)
    draw(demo, [(30, 250), (250, 250)])
    assert demo.evaluate(PROBABILITIES) != first
    demo.get_by_role("button", name="Undo").click()
    assert demo.evaluate(PROBABILITIES) == first
    demo.get_by_role("button", name="Undo").click()
    expect_blank(demo)
    expect(demo.get_by_role("button", name="Undo")).to_be_disabled()
    draw(demo)
    demo.get_by_role("button", name="Clear").click()
    expect_blank(demo)
    draw(demo)
    assert demo.evaluate(PROBABILITIES) == first


def test_the_pen_has_three_widths(demo: Page) -> None:
    ink = []
    for width in ("thin", "medium", "thick"):
        demo.locator("#demo-pen").select_option(label=width)
        draw(demo)
        ink.append(drawn(demo).sum())
        demo.locator("#demo-clear").click()
    assert ink[0] < 0.75 * ink[1] < 0.75**2 * ink[2]


def test_a_drawing_makes_room_for_a_test_image_and_comes_back(demo: Page, mnist: LoadedDataset) -> None:
    draw(demo)
    first = demo.evaluate(PROBABILITIES)
    demo.locator("#demo-tests button").nth(4).click()
    assert np.array_equal(drawn(demo), mnist.test.images[4, 0].numpy())
    expect(demo.locator("#demo-tests [aria-pressed=true]")).to_have_count(1)
    demo.get_by_role("button", name="Undo").click()
    assert demo.evaluate(PROBABILITIES) == first
    demo.locator("#demo-tests button").nth(4).click()
    draw(demo, [(140, 50), (140, 220)])  # on fresh paper
    assert np.flatnonzero(drawn(demo).any(1)).size == 20
    assert np.flatnonzero(drawn(demo).any(0)).size <= 4
    expect(demo.locator("#demo-tests [aria-pressed=true]")).to_have_count(0)


def test_on_a_phone_the_verdict_on_a_test_image_is_seen_beside_it(phone: Page) -> None:
    brief = phone.locator("#demo-brief")
    for number, words in ((0, "rightly"), (8, "but labelled 5")):
        button = phone.locator("#demo-tests button").nth(number)
        button.scroll_into_view_if_needed()
        button.tap()
        expect(brief).to_be_in_viewport(ratio=1)
        digit, *share = phone.locator(".demo-top").inner_text().split()
        said, other = re.split(r"(?<=\.) (?=Small)", brief.inner_text().replace("\xa0", " "))
        assert said == f"Read as {digit} ({' '.join(share)}), {words}."
        assert other == phone.locator("#demo-other").inner_text().replace("\xa0", " ")
    expect(phone.locator("#demo-tests button").nth(8)).to_be_in_viewport(ratio=1)
    draw(phone)
    assert brief.inner_text() == ""


def test_no_test_image_is_empty_when_the_page_appears(open_demo: OpenPage) -> None:
    page = open_demo()
    strip = page.locator("#demo-tests")
    strip.scroll_into_view_if_needed()
    taken = np.array(Image.open(BytesIO(page.screenshot())).convert("L"))
    box = strip.bounding_box()
    seen = 0
    for button in strip.locator("button").all():
        place = button.bounding_box()
        assert box and place
        if place["y"] < box["y"] or place["y"] + place["height"] > min(box["y"] + box["height"], 900):
            continue
        left, top = round(place["x"]) + 4, round(place["y"]) + 4
        assert taken[top : top + 32, left : left + 32].min() < 100
        seen += 1
    assert seen >= 20


def test_a_test_image_under_the_mouse_or_in_focus_is_marked(demo: Page) -> None:
    button = demo.locator("#demo-tests button").nth(3)
    style = "e => [getComputedStyle(e).borderColor, getComputedStyle(e).boxShadow]"
    for look in each_look(demo, LOOKS[:2]):
        demo.evaluate("document.activeElement.blur()")
        plain = button.evaluate(style)
        button.hover()
        hovered = button.evaluate(style)
        demo.mouse.move(0, 0)
        assert button.evaluate(style) == plain, look
        demo.locator("#demo-tests button").first.focus()
        for _ in range(3):
            demo.keyboard.press("ArrowRight")
        assert all(now != before for now, before in zip(hovered, plain, strict=True)), look
        assert button.evaluate(style) == hovered, look


def test_a_test_image_at_random(demo: Page) -> None:
    pictures = set()
    for _ in range(8):
        demo.get_by_role("button", name="at random").click()
        pictures.add(tuple(drawn(demo).ravel().tolist()))
        expect(demo.locator("#demo-tests [aria-pressed=true]")).to_have_count(1)
    assert len(pictures) > 2


def test_one_can_draw_with_the_keyboard_alone(demo: Page) -> None:
    keyboard, paper = demo.keyboard, demo.locator("#demo-paper")
    paper.focus()
    keyboard.press("ArrowUp", delay=1)
    expect_blank(demo)  # the pen is lifted
    for _ in range(6):
        keyboard.press("ArrowUp")
    keyboard.press("Space")
    for _ in range(15):
        keyboard.press("ArrowDown")
    one = demo.evaluate(PROBABILITIES)
    assert demo.locator(".demo-top").inner_text().startswith("1")
    keyboard.press("Space")
    for _ in range(5):
        keyboard.press("ArrowLeft")
    assert demo.evaluate(PROBABILITIES) == one
    keyboard.press("Space")
    keyboard.press("Shift+ArrowLeft")
    keyboard.press("Escape")
    assert demo.evaluate(PROBABILITIES) != one
    keyboard.press("Control+z")
    assert demo.evaluate(PROBABILITIES) == one
    keyboard.press("Delete")
    expect_blank(demo)
    assert demo.evaluate("document.activeElement.id") == "demo-paper"
    keyboard.press("Tab")
    assert demo.evaluate("document.activeElement.id") != "demo-paper"


def test_the_pens_keys_do_not_scroll_the_page_nor_repeat_and_others_keep_their_meaning(demo: Page) -> None:
    demo.evaluate(
        """() => { globalThis.taken = []; window.addEventListener('keydown', event => {
            if (event.defaultPrevented) taken.push(event.key); }); }"""
    )
    demo.locator("#demo-paper").focus()
    ours = ["ArrowUp", "ArrowLeft", " ", "Delete", "Backspace"]
    for key in [*ours, "PageDown", "a", "Alt+ArrowUp", "Control+ArrowDown", "Tab"]:
        demo.keyboard.press(key)
    assert demo.evaluate("taken") == ours
    demo.locator("#demo-paper").focus()
    for _ in range(4):
        demo.keyboard.down("Space")  # held down: the second and later ones repeat
    demo.keyboard.up("Space")
    dot = drawn(demo).sum()
    demo.keyboard.press("ArrowRight")
    demo.keyboard.press("ArrowRight")
    assert (drawn(demo) > 0).any(0).sum() == 20 and drawn(demo).sum() < dot  # drawn on, now wider than tall


def test_the_keyboards_pen_is_shown_and_a_mouse_hides_it(demo: Page) -> None:
    paper = demo.locator("#demo-paper")
    # Browsers complain of canvases that are read often, unless they were made for it.
    count = """canvas => {
        const copy = new OffscreenCanvas(280, 280).getContext("2d", {willReadFrequently: true});
        copy.drawImage(canvas, 0, 0);
        return copy.getImageData(0, 0, 280, 280).data
            .reduce((n, value, i, all) => n + (i % 4 == 0 && value > 150 && all[i + 2] < 100), 0);
    }"""
    assert paper.evaluate(count) == 0
    demo.keyboard.press("Tab")
    paper.focus()
    demo.keyboard.press("ArrowLeft")
    lifted = paper.evaluate(count)
    demo.keyboard.press("Space")
    assert lifted > paper.evaluate(count) > 50
    demo.keyboard.press("Space")
    draw(demo)
    assert paper.evaluate(count) == 0


def test_a_finger_draws_and_does_not_scroll_the_page(phone: Page) -> None:
    places = [point(phone, x, y) for x, y in A_THREE]
    scrolled = phone.evaluate("scrollY")
    session = phone.context.new_cdp_session(phone)

    def touch(kind: str, *fingers: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(fingers)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", places[0])
    for place in places[1:]:
        touch("touchMove", place)
    touch("touchStart", places[-1], point(phone, 250, 30))  # a second finger changes nothing
    touch("touchMove", places[-1], point(phone, 250, 250))
    touch("touchEnd")
    assert phone.evaluate("scrollY") == scrolled
    assert phone.locator(".demo-top").inner_text().startswith("3")
    finger = drawn(phone).astype(float)
    phone.locator("#demo-clear").tap()
    draw(phone)
    assert np.abs(finger - drawn(phone)).mean() < 2


# Pictures


def read_and_judge(path: Path, linear: tuple[torch.Tensor, torch.Tensor]) -> tuple[np.ndarray, list[float]]:
    """What Python makes of a picture file: its pixels, and the probabilities of the page's model."""
    digit = read_digit(path)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    with torch.no_grad():
        for parameter, values in zip(model.parameters(), linear, strict=True):
            parameter.copy_(values)
    description = catalogue.describe("mnist")
    images = datasets.standardise_pixels(digit[None], description.mean, description.std)
    return digit[0].numpy(), predictions.predict(model, images).probabilities[0].tolist()


@pytest.mark.parametrize("pen", ["thin", "thick"])
def test_a_saved_drawing_is_read_by_python_and_by_the_page_as_it_was_drawn(
    demo: Page, tmp_path: Path, linear: tuple[torch.Tensor, torch.Tensor], pen: str
) -> None:
    save = demo.get_by_role("button", name="Save picture")
    expect(save).to_be_disabled()  # blank paper
    demo.locator("#demo-pen").select_option(label=pen)
    draw(demo)
    pixels, probabilities = drawn(demo), demo.evaluate(PROBABILITIES)
    save.focus()
    with demo.expect_download() as downloading:
        demo.keyboard.press("Enter")
    assert downloading.value.suggested_filename == "my_digit.png"
    downloading.value.save_as(tmp_path / "my_digit.png")

    read, judged = read_and_judge(tmp_path / "my_digit.png", linear)
    assert np.array_equal(read, pixels)
    assert judged == pytest.approx(probabilities, abs=1e-4)
    demo.get_by_role("button", name="Clear").click()
    demo.locator("#demo-file").set_input_files(tmp_path / "my_digit.png")
    expect(demo.locator("#demo-seen")).to_have_attribute("aria-label", re.compile("my_digit.png, scaled"))
    assert demo.evaluate(PROBABILITIES) == probabilities
    expect(save).to_be_disabled()


def drop(page: Page, path: Path) -> None:
    sent = base64.b64encode(path.read_bytes()).decode()
    page.evaluate(
        """([sent, name]) => {
            const files = new DataTransfer();
            const bytes = Uint8Array.from(atob(sent), letter => letter.charCodeAt(0));
            files.items.add(new File([bytes], name));
            const event = {dataTransfer: files, bubbles: true, cancelable: true};
            const paper = document.getElementById("demo-paper");
            for (const type of ["dragover", "drop"]) {
                if (paper.dispatchEvent(new DragEvent(type, event))) throw Error(`not taken: ${type}`);
            }
        }""",
        [sent, path.name],
    )


@pytest.mark.parametrize("save", [as_png, as_jpeg_on_its_side, as_ink_without_paper])
def test_a_dropped_photo_is_prepared_as_by_python(
    demo: Page,
    tmp_path: Path,
    mnist: LoadedDataset,
    linear: tuple[torch.Tensor, torch.Tensor],
    save: Callable[[np.ndarray, Path], None],
) -> None:
    draw(demo)
    before = demo.evaluate(PROBABILITIES)
    photo = tmp_path / "photo.jpg" if save is as_jpeg_on_its_side else tmp_path / "photo.png"
    save(photograph(mnist.test.images[0, 0].numpy(), 3), photo)
    drop(demo, photo)
    expect(demo.locator("#demo-steps")).to_contain_text("of the picture")
    expect(demo.locator("#demo-verdict")).to_contain_text("Most probable: 7")
    read, judged = read_and_judge(photo, linear)
    # Two programs may open what is compressed or transparent with a grey level between them.
    assert np.abs(drawn(demo) - read.astype(float)).max() <= (0 if save is as_png else 2)
    assert demo.evaluate(PROBABILITIES) == pytest.approx(judged, abs=1e-4 if save is as_png else 5e-3)
    demo.get_by_role("button", name="Undo").click()
    assert demo.evaluate(PROBABILITIES) == before


def test_a_file_that_shows_no_digit_is_refused_and_the_drawing_stays(demo: Page, tmp_path: Path) -> None:
    draw(demo)
    before, refused = demo.evaluate(PROBABILITIES), demo.locator("#demo-refused")
    as_png(np.full((90, 90, 3), 200, np.uint8), tmp_path / "grey.png")
    Image.new("1", (10_000, 6_000), 1).save(tmp_path / "large.png")
    as_png(np.zeros((2000, 2, 3), np.uint8), tmp_path / "line.png")
    (tmp_path / "<b>.png").write_text("no picture")
    words = {"grey": "shows no ink", "large": "60 megapixels", "line": "mere line", "<b>": "Save it as PNG"}
    for name, said in words.items():
        demo.locator("#demo-file").set_input_files(tmp_path / f"{name}.png")
        expect(refused).to_contain_text(f"The picture {name}.png was not taken.")
        expect(refused).to_contain_text(said)
        assert demo.evaluate(PROBABILITIES) == before
    assert refused.get_attribute("role") == "alert"
    draw(demo)
    expect(refused).to_be_hidden()


COMPACT = """() => {
    const pad = document.createElement("div");
    pad.dataset.pad = "compact";
    document.getElementById("demo").replaceWith(pad);
}"""


@pytest.mark.parametrize("viewport", [{"width": 375, "height": 812}, {"width": 1280, "height": 800}])
def test_the_landing_page_reads_a_digit_in_its_first_screen(
    open_page: OpenPage, viewport: dict[str, int]
) -> None:
    page = open_page("book/intro", viewport=viewport)
    for part in ("#demo-paper", "#demo-verdict", "#demo-bars"):
        box = page.locator(part).bounding_box()
        assert box
        assert box["y"] + box["height"] <= viewport["height"], f"{part} is below the first screen"
    draw(page)
    assert page.evaluate("scrollY") == 0
    expect(page.locator("#demo-verdict")).to_contain_text("Most probable: 3")


def test_a_compact_pad_needs_no_more_than_a_container_and_the_model(open_demo: OpenPage) -> None:
    def reduce(page: Page) -> None:
        page.add_init_script(f"document.addEventListener('readystatechange', {COMPACT}, {{once: true}})")
        for name in ("mnist_test_images", "demo"):
            page.route(f"**/{name}.js", lambda route: route.fulfill(body=""))

    page = open_demo(before=reduce)
    draw(page)
    assert page.locator(".demo-top").inner_text().startswith("3")
    expect(page.locator("[data-pad] button")).to_have_text(["Clear", "Undo", "Save picture"])
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save picture").click()
    assert saved.value.suggested_filename == "my_digit.png"
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#demo-verdict")).to_contain_text("Draw a digit")
    for look in each_look(page):
        assert not find_barriers(page, "[data-pad]", slight=True), look


# Reasons


def test_what_spoke_for_a_class_adds_up_to_its_lead(
    demo: Page, mnist: LoadedDataset, linear: tuple[torch.Tensor, torch.Tensor]
) -> None:
    number = 8  # which the model misreads
    logits = scores(mnist, linear)[number]
    image = datasets.standardise(mnist.test)[number].flatten().double()
    demo.locator("#demo-tests button").nth(number).click()
    for k in range(10):
        others = [other for other in range(10) if other != k]
        apart = linear[0][k] - linear[0][others].mean(0)
        parts = demo.evaluate(EXPLAIN, k)
        assert parts["places"] == pytest.approx((apart * image).tolist(), abs=1e-6)
        lead = (logits[k] - logits[others].mean()).item()
        assert sum(parts["places"]) + parts["bias"] == pytest.approx(lead, abs=1e-5)
        sums = parts["sums"]
        assert sums["total"] == pytest.approx(lead, abs=1e-5)
        assert sum(sums["ink"]) + sum(sums["paper"]) + parts["bias"] == pytest.approx(lead, abs=1e-5)
        ink = mnist.test.images[number].flatten() > 0
        for name, where in (("ink", ink), ("paper", ~ink)):
            here = (apart * image)[where]
            assert sums[name] == pytest.approx(
                [here.clamp(min=0).sum().item(), here.clamp(max=0).sum().item()], abs=1e-5
            )

        demo.locator("#demo-bars button").nth(k).click()
        rows = demo.locator("#demo-rows tr").all()
        cells = [
            [float(text.replace("−", "-")) for text in row.locator("td").all_inner_texts()]  # noqa: RUF001
            for row in rows
        ]
        assert cells[0][:2] == pytest.approx(sums["ink"], abs=0.006)
        assert cells[1][:2] == pytest.approx(sums["paper"], abs=0.006)
        assert all(row[0] + row[1] == pytest.approx(row[2], abs=0.011) for row in cells)
        total = demo.locator("#demo-total").inner_text().replace("−", "-")  # noqa: RUF001
        shown = [float(value) for value in re.findall(r"[+-]\d+\.\d\d", total)]
        assert shown[0] == pytest.approx(sum(row[2] for row in cells), abs=0.02)
        assert shown == pytest.approx([lead, logits[k].item(), logits[others].mean().item()], abs=0.006)


def explained(page: Page) -> Locator:
    return page.locator("#demo-bars [aria-pressed=true]")


def test_the_top_class_is_explained_until_another_is_chosen_and_pictures_are_described(demo: Page) -> None:
    draw(demo)
    expect(explained(demo)).to_contain_text("3")
    expect(demo.locator("#demo-seen")).to_have_attribute("aria-label", re.compile("your drawing"))
    expect(demo.locator("#demo-map")).to_have_attribute("aria-label", re.compile("for and against 3"))
    expect(demo.get_by_role("button", name="Explain the most probable")).to_be_disabled()
    bar = demo.get_by_role("button", name=re.compile("^8 "))
    bar.focus()
    demo.keyboard.press("Enter")
    expect(explained(demo)).to_have_count(1)
    assert explained(demo).inner_text().startswith("8")
    expect(demo.locator("#demo-explained")).to_have_text("Explained: 8, chosen by you.")
    draw(demo, [(80, 80), (80, 200)])  # the choice stays while one draws
    assert explained(demo).inner_text().startswith("8")
    demo.get_by_role("button", name="Explain the most probable").click()
    assert explained(demo).inner_text() == demo.locator(".demo-top").inner_text()
    assert demo.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"


def test_marks_tell_for_from_against_by_colour_and_by_shape(demo: Page) -> None:
    demo.locator("#demo-tests button").nth(0).click()
    k = int(explained(demo).inner_text()[0])
    parts = demo.evaluate(EXPLAIN, k)["places"]
    drawing = demo.locator("#demo-map").evaluate("canvas => canvas.toDataURL().split(',')[1]")
    picture = np.array(Image.open(BytesIO(base64.b64decode(drawing))).convert("RGBA"))
    cells = picture.reshape(28, 20, 28, 20, 4).swapaxes(1, 2).reshape(784, 20, 20, 4)
    largest = max(map(abs, parts))
    expect(demo.locator("#demo-largest")).to_have_text(f"The largest stands for {largest:.2f} logits.")
    expect(demo.locator("#demo-sums th").first).to_contain_text("in logits")
    seen = set()
    for part, cell in zip(parts, cells, strict=True):
        share = abs(part) / largest
        if share < 0.1:
            continue
        colour = (0, 0x72, 0xB2) if part > 0 else (0xD5, 0x5E, 0)
        assert tuple(cell[10, 10, :3]) == colour
        area = np.all(np.abs(cell[..., :3].astype(int) - colour) < 60, axis=-1).mean()
        assert area == pytest.approx(share * (1 if part > 0 else np.pi / 4), abs=0.12)
        seen.add(part > 0)
    assert seen == {True, False}


# Access


def test_screen_readers_hear_the_verdict_once_when_the_stroke_has_ended(demo: Page) -> None:
    status = demo.locator("#demo-status")
    demo.evaluate(
        """() => { globalThis.spoken = []; const status = document.getElementById('demo-status');
        new MutationObserver(() => spoken.push(status.textContent)).observe(status, {childList: true}); }"""
    )
    demo.clock.install()
    demo.clock.pause_at(demo.evaluate("Date.now()") + 1000)  # it is told when nothing happens for a while
    draw(demo, steps=20)
    assert demo.evaluate("spoken") == []
    demo.clock.run_for(1000)
    expect(status).to_contain_text("Most probable: 3")
    assert status.get_attribute("role") == "status"
    demo.locator("#demo-paper").focus()
    for _ in range(5):
        demo.keyboard.press("ArrowRight")
    demo.clock.run_for(1000)
    expect(status).to_have_text(re.compile(r"^Pen lifted, 68 % from the left, 50 % from the top\.\s*$"))
    assert len(demo.evaluate("spoken")) == 2


def test_test_images_are_one_stop_for_tab_and_arrow_keys_reach_all(demo: Page) -> None:
    buttons = demo.locator("#demo-tests button")
    expect(demo.locator("#demo-tests button[tabindex='0']")).to_have_count(1)
    buttons.first.focus()
    at = "[...document.querySelectorAll('#demo-tests button')].indexOf(document.activeElement)"
    row = buttons.evaluate_all("all => all.filter(b => b.offsetTop == all[0].offsetTop).length")
    expected = {"ArrowLeft": 0, "ArrowRight": 1, "ArrowDown": 1 + row, "ArrowUp": 1, "End": 99}
    for key, number in expected.items():
        demo.keyboard.press(key)
        assert demo.evaluate(at) == number
    demo.keyboard.press("ArrowRight")
    assert demo.evaluate(at) == 99
    demo.keyboard.press("Enter")
    expect(buttons.nth(99)).to_have_attribute("aria-pressed", "true")
    expect(demo.locator("#demo-tests button[tabindex='0']")).to_have_count(1)
    demo.keyboard.press("Home")
    assert demo.evaluate(at) == 0


def test_test_images_are_named_and_the_misread_ones_are_marked(
    demo: Page, mnist: LoadedDataset, linear: tuple[torch.Tensor, torch.Tensor]
) -> None:
    said, labels = scores(mnist, linear).argmax(1).tolist(), mnist.test.labels[:100].tolist()
    names = [
        f"Test image {i + 1}: a {label}" + (f", read as a {guess}" if guess != label else "")
        for i, (label, guess) in enumerate(zip(labels, said, strict=True))
    ]
    assert demo.locator("#demo-tests button").evaluate_all("all => all.map(b => b.ariaLabel)") == names
    wrong = [i for i in range(100) if said[i] != labels[i]]
    expect(demo.locator("#demo-tests .demo-wrong")).to_have_count(len(wrong))
    expect(demo.locator("#demo-tests-note")).to_contain_text(f"misreads {len(wrong)} of them")
    demo.locator("#demo-tests button").nth(wrong[0]).click()
    expect(demo.locator("#demo-verdict")).to_contain_text(f"but its label is {labels[wrong[0]]}")


def test_axe_finds_nothing_serious_and_nothing_overflows_in_any_look_after_a_drawing(demo: Page) -> None:
    draw(demo)
    for look in each_look(demo):
        width = demo.evaluate("document.documentElement.scrollWidth")
        assert width <= demo.evaluate("document.documentElement.clientWidth"), look
        assert not find_barriers(demo, "article"), look


@pytest.mark.parametrize(("touch_screen", "least"), [(False, 24), (True, 44)])
def test_targets_are_large_enough(open_demo: OpenPage, touch_screen: bool, least: int) -> None:
    page = open_demo(viewport={"width": 375, "height": 800}, has_touch=touch_screen, is_mobile=touch_screen)
    draw(page)
    label = page.get_by_label("Or a photo or scan of one digit").bounding_box()
    assert label and label["height"] >= least
    sizes = page.locator("#demo button, #demo select, #demo input").evaluate_all(
        "all => all.map(e => [e.id || e.ariaLabel || e.textContent, e.offsetWidth, e.offsetHeight])"
    )
    assert len(sizes) == 119
    assert not [size for size in sizes if min(size[1:]) < least]


def test_focus_is_visible_and_nothing_moves_by_itself(open_demo: OpenPage) -> None:
    demo = open_demo(reduced_motion="reduce")
    draw(demo)
    assert demo.evaluate("document.getElementById('demo').getAnimations({subtree: true}).length") == 0
    lengths = "all => all.map(e => parseFloat(getComputedStyle(e).transitionDuration))"
    assert max(demo.locator("#demo *").evaluate_all(lengths)) <= 1e-5
    demo.keyboard.press("Tab")
    ours = ("paper", "clear", "pen", "save", "opinions input", "file", "bars button", "tests button")
    for selector in [f"#demo-{name}" for name in ours]:
        element = demo.locator(selector).first
        element.focus()
        style = element.evaluate("e => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth]")
        assert style == ["solid", "3px"], selector
