"""A figure is shown once, with its words, and closed."""

import base64
import io
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from PIL import Image

from tutorial_utils.exceptions import ConfigurationError
from tutorial_utils.lessons.show import FURTHEST, METADATA, show, with_palette

CAPTION, ALT = 'Loss of `fit` & "more" <b>.', 'Two "falling" lines & a <b>dot</b>.'


@pytest.mark.parametrize("pick", ["figure", "axes", "one", "list"])
def test_jupyter_gets_picture_alt_text_and_caption_and_the_figure_is_closed(pick: str) -> None:
    InteractiveShell.instance()
    figure, axes = plt.subplots(ncols=2)
    drawn = {"figure": figure, "axes": axes, "one": axes[1], "list": list(axes)}[pick]
    with capture_output() as said:
        show(drawn, caption=CAPTION, alt=ALT, name="fig-loss")
    (output,) = said.outputs
    page = BeautifulSoup(output.data["text/html"], "html.parser")
    assert page.img is not None and page.figcaption is not None
    assert page.img["alt"] == ALT and page.find("b") is None
    assert str(page.figcaption.code) == "<code>fit</code>"
    assert page.figcaption.get_text() == 'Loss of fit & "more" <b>.'
    picture = base64.b64decode(output.data["image/png"])
    assert page.img["src"] == f"data:image/png;base64,{output.data['image/png']}"
    assert Image.open(io.BytesIO(picture)).width > 100
    assert output.metadata[METADATA] == {"caption": CAPTION, "alt": ALT, "name": "fig-loss"}
    assert not plt.fignum_exists(figure.number)


@pytest.mark.parametrize(
    ("drawn", "caption", "alt"),
    [
        ("axes", "", ALT),
        ("axes", "A loss.", "lines"),
        ("axes", ALT, ALT),
        ("none", CAPTION, ALT),
        ("two", CAPTION, ALT),
    ],
)
def test_a_figure_without_words_and_words_without_one_figure_are_refused(
    drawn: Any, caption: str, alt: str
) -> None:
    made = {"axes": plt.subplots()[1], "none": [], "two": [plt.subplots()[1], plt.subplots()[1]]}[drawn]
    with pytest.raises(ConfigurationError):
        show(made, caption=caption, alt=alt)
    plt.close("all")


def test_a_drawing_is_stored_at_half_the_size_and_nobody_sees_it_and_photos_stay_as_they_are() -> None:
    figure, ax = plt.subplots()
    for line in range(4):
        ax.plot(np.linspace(0, line, 50) ** 2, label=f"line {line}")
    ax.legend()
    drawing, photo = io.BytesIO(), io.BytesIO()
    figure.savefig(drawing, format="png")
    plt.close(figure)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)).save(photo, "png")
    small = with_palette(drawing.getvalue())
    assert len(small) < 0.6 * len(drawing.getvalue())
    levels = [
        np.asarray(Image.open(io.BytesIO(each)).convert("RGB"), dtype=int)
        for each in (drawing.getvalue(), small)
    ]
    assert np.quantile(np.abs(levels[0] - levels[1]), 0.999) <= FURTHEST
    assert with_palette(photo.getvalue()) == photo.getvalue()
