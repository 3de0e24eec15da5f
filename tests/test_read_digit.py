"""Pictures of digits: what is read, what is refused, and that Python and the page prepare the same pixels."""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from built_book import ROOT
from PIL import Image
from playwright.sync_api import Browser, Page

from tutorial_utils.data.datasets import LoadedDataset
from tutorial_utils.exceptions import DataError
from tutorial_utils.lessons import read_digit as module
from tutorial_utils.lessons.read_digit import prepare, read_digit, read_ink

SHARED = {
    "Digits": ("SIDE", "BOX", "MIDDLE"),
    "Scans": ("PAGE", "LONGEST", "MOST_PIXELS", "LEAST_CONTRAST", "FAINT", "FULL", "SPECK"),
}
READ = """([sent, width, height]) => {
    const rgba = Uint8Array.from(atob(sent), letter => letter.charCodeAt(0));
    try {
        const {ink, width: columns} = Scans.read(rgba, width, height);
        return [...Digits.prepare(ink, columns).pixels];
    } catch (error) {
        return error.message;
    }
}"""


@pytest.fixture(scope="module")
def scripts(browser: Browser) -> Iterator[Page]:
    """An empty page with nothing but the preparation."""
    page = browser.new_page()
    for name in ("digits", "scans"):
        page.add_script_tag(path=ROOT / "book" / "_static" / f"{name}.js")
    yield page
    page.close()


def page_reads(page: Page, rgb: np.ndarray) -> np.ndarray | str:
    """What the page makes of a picture: 28 x 28 pixels, or why it does not."""
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    sent = base64.b64encode(rgba.tobytes()).decode()
    answer = page.evaluate(READ, [sent, rgb.shape[1], rgb.shape[0]])
    return answer if isinstance(answer, str) else np.array(answer).reshape(28, 28)


def enlarge(digit: np.ndarray, side: int) -> np.ndarray:
    """Ink from 0 to 1 of a test image, smooth, with the paper around it."""
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(large, float) / 255


def photograph(digit: np.ndarray, seed: int, *, dark_ink: bool = True) -> np.ndarray:
    """A digit on coloured paper, off the middle, lit from one side, with noise and dust; uint8, in colour."""
    generator = np.random.default_rng(seed)
    height, width = generator.integers(500, 1500, 2)
    side = int(min(height, width) * generator.uniform(0.4, 0.8))
    top, left = (generator.integers(20, length - side - 20) for length in (height, width))
    ink = np.zeros((height, width))
    ink[top : top + side, left : left + side] = enlarge(digit, side)
    for y, x in generator.integers(5, min(height, width) - 5, (6, 2)):
        ink[y : y + 3, x : x + 3] = 1
    light = 1 - 0.3 * np.linspace(0, 1, width) - 0.1 * np.linspace(0, 1, height)[:, None]
    paper, pen = (235, 60) if dark_ink else (60, 240)
    grey = (paper + (pen - paper) * ink) * light + generator.normal(0, 4, ink.shape)
    return np.clip(grey[..., None] * [1, 0.97, 0.9], 0, 255).astype(np.uint8)


@pytest.mark.book
def test_python_and_the_page_share_their_constants(scripts: Page) -> None:
    for script, names in SHARED.items():
        for name in names:
            assert scripts.evaluate(f"{script}.{name}") == getattr(module, name), name


@pytest.mark.book
@pytest.mark.parametrize("seed", range(8))
def test_python_and_the_page_prepare_the_same_pixels(scripts: Page, mnist: LoadedDataset, seed: int) -> None:
    digit = mnist.test.images[seed, 0].numpy()
    photo = photograph(digit, seed, dark_ink=seed % 4 != 0)
    assert np.array_equal(page_reads(scripts, photo), prepare(read_ink(photo)))
    drawing = np.repeat((255 * (1 - enlarge(digit, 280))).astype(np.uint8)[..., None], 3, axis=2)
    assert np.array_equal(page_reads(scripts, drawing), prepare(read_ink(drawing)))


def as_png(rgb: np.ndarray, path: Path) -> None:
    Image.fromarray(rgb).save(path)


def as_jpeg_on_its_side(rgb: np.ndarray, path: Path) -> None:
    """As phones save what they took upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(rgb)).save(path, "JPEG", quality=85, exif=exif)


def as_grey_of_16_bits(rgb: np.ndarray, path: Path) -> None:
    Image.fromarray(np.asarray(Image.fromarray(rgb).convert("L")).astype(np.uint16) * 257).save(path)


def as_ink_without_paper(rgb: np.ndarray, path: Path) -> None:
    """As drawing programs save it: black, more or less opaque."""
    grey = np.asarray(Image.fromarray(rgb).convert("L"))
    picture = np.dstack([np.zeros_like(rgb), 255 - grey])
    Image.fromarray(picture, "RGBA").save(path)


@pytest.mark.parametrize("save", [as_png, as_jpeg_on_its_side, as_grey_of_16_bits, as_ink_without_paper])
def test_photos_and_scans_become_the_digits_they_show(
    tmp_path: Path, mnist: LoadedDataset, save: Callable[[np.ndarray, Path], None]
) -> None:
    """Beside the test images themselves, which MNIST's authors prepared."""
    apart = []
    for number in range(6):
        original = mnist.test.images[number, 0].numpy()
        save(photograph(original, number), tmp_path / "photo.png")
        pixels = read_digit(tmp_path / "photo.png")
        assert pixels.shape == (1, 28, 28) and pixels.dtype == mnist.test.images.dtype
        apart.append(np.abs(pixels[0].numpy().astype(float) - original).mean() / original.mean())
    assert np.mean(apart) < 0.35, apart


def test_chalk_on_a_blackboard_is_read_as_ink_on_paper(mnist: LoadedDataset) -> None:
    digit = mnist.test.images[1, 0].numpy()
    dark, bright = (photograph(digit, 7, dark_ink=dark_ink) for dark_ink in (True, False))
    apart = prepare(read_ink(dark)).astype(float) - prepare(read_ink(bright))
    assert np.abs(apart).mean() < 3


def gradient() -> np.ndarray:
    ramp = np.linspace(180, 250, 400).astype(np.uint8)
    return np.broadcast_to(ramp[None, :, None], (300, 400, 3)).copy()


def blank_drawing() -> np.ndarray:
    return np.full((280, 280, 3), 255, np.uint8)


def half_dark() -> np.ndarray:
    picture = np.full((300, 400, 3), 240, np.uint8)
    picture[:, :150] = 30
    return picture


REFUSED = {
    "lit paper without ink": (gradient, "shows no ink"),
    "one colour": (lambda: np.full((90, 80, 3), 200, np.uint8), "shows no ink"),
    "a drawing saved blank": (blank_drawing, "is blank"),
    "the paper's end": (half_dark, "touches the edge"),
}


@pytest.mark.book
@pytest.mark.parametrize("what", REFUSED)
def test_what_shows_no_digit_is_refused_in_the_same_words(scripts: Page, tmp_path: Path, what: str) -> None:
    make, words = REFUSED[what]
    as_png(make(), tmp_path / "my.png")
    with pytest.raises(DataError, match=re.escape(words)) as refused:
        read_digit(tmp_path / "my.png")
    said = str(refused.value)
    assert said == f"{tmp_path / 'my.png'} cannot be read as a digit. {page_reads(scripts, make())}"
    assert re.search(r"(Draw|crop|Crop|Write) ", said), "it does not say what to do"


def test_a_file_that_is_no_picture_or_too_large_is_refused(tmp_path: Path) -> None:
    def refuse(path: Path) -> str:
        with pytest.raises(DataError) as refused:
            read_digit(path)
        return str(refused.value)

    assert "there is no file" in refuse(tmp_path / "none.png")
    assert "cannot be opened as a picture" in refuse(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    as_png(blank_drawing(), tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:90])
    for name in ("text.png", "empty.png", "half.png"):
        assert "PNG or JPEG" in refuse(tmp_path / name)
    Image.new("1", (10_000, 6_000), 1).save(tmp_path / "large.png")
    assert "60 megapixels, at most 50" in refuse(tmp_path / "large.png")
    as_png(np.zeros((2000, 2, 3), np.uint8), tmp_path / "line.png")
    assert "mere line" in refuse(tmp_path / "line.png")
