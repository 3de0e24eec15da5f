"""Chapters on a card, of which a stand-in is enough: they end, and give the same numbers."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import stand_in_card
import torch

from tutorial_utils.evaluation.predictions import predict
from tutorial_utils.files import EVERY_VARIABLE
from tutorial_utils.runs import chapters, kernel, reruns
from tutorial_utils.training import replicas
from tutorial_utils.training.config import TrainingConfig
from tutorial_utils.training.models import make_model
from tutorial_utils.training.trainer import Trainer

TESTS = Path(__file__).parent
CHAPTERS = sorted(
    f"{path.parent.name}/{path.stem}"
    for path in TESTS.parent.glob("notebooks/*/*.py")
    if path.stem != "03_timing"
)
BY_DAY = ("mnist/02_model", "cifar10/02_model", "foundations/02_gradients")
TOLERANCE = 1e-3
"""How far a number may lie apart, relative to its size: sums are taken in another order there."""

PLUG_IN = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
import stand_in_card
card = stand_in_card.plugged_in()
card.__enter__()
"""


def metrics(name: str, *opening: str) -> dict[str, Any]:
    """Execute a chapter as for a preview, after some code of ours, and return what it measured."""
    chapter = chapters.find(TESTS.parent / "notebooks" / name)
    notebook = nbformat.reads(chapter.text, as_version=4)
    notebook.cells[:0] = [nbformat.v4.new_code_cell(code) for code in opening]
    values = {key: value for key, value in reruns.PREVIEW.items() if key in chapter.parameters}
    environment = {EVERY_VARIABLE: reruns.PREVIEW_EVERY}
    executed = kernel.execute(
        nbformat.writes(notebook), name, values, root=chapter.root, environment=environment
    )
    assert executed.error == ""
    return dict(json.loads(executed.results)["metrics"])


def numbers(measured: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number in what a chapter measured, with its place."""
    if isinstance(measured, dict | list):
        pairs = measured.items() if isinstance(measured, dict) else enumerate(measured)
        for key, value in pairs:
            yield from numbers(value, f"{path}/{key}")
    elif isinstance(measured, float):
        yield path, measured


@pytest.mark.data
@pytest.mark.fault(69, 70)
@pytest.mark.parametrize(
    "name", [name if name in BY_DAY else pytest.param(name, marks=pytest.mark.nightly) for name in CHAPTERS]
)
def test_a_chapter_on_a_card_measures_what_it_measures_on_the_cpu(name: str) -> None:
    here, there = (dict(numbers(metrics(name, *opening))) for opening in ((), (PLUG_IN,)))
    assert here.keys() == there.keys()
    apart = {
        place: (here[place], there[place])
        for place in here
        if not math.isclose(here[place], there[place], rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    }
    assert apart == {}


@pytest.mark.fault(69, 70)
def test_what_is_fed_to_a_model_follows_it_onto_the_card_and_results_come_back() -> None:
    images, labels = torch.zeros(10, 1, 28, 28), torch.arange(10)
    batches = [(images, labels)]  # not moved all at once, as `Batches` are
    with stand_in_card.plugged_in():
        config = TrainingConfig(num_epochs=1)
        model = make_model(config)
        assert model.linear.weight.device.type == "cuda"
        Trainer(config, show_progress=False).fit(model, batches, batches)
        (replica,) = replicas.train([config], batches, batches, show_progress=False)
        assert replica.model.linear.weight.device.type == "cuda"
        assert predict(model, images).probabilities.device.type == "cpu"


@pytest.mark.fault(72)
def test_the_book_is_computed_on_the_cpu_whatever_is_there(tmp_path: Path) -> None:
    part = tmp_path / "notebooks" / "part"
    part.mkdir(parents=True)
    cells = [
        "seed: int = 0  # any seed, 0 or more",
        PLUG_IN,
        "from tutorial_utils.report import results\n"
        "from tutorial_utils.reproducibility import available_devices, choose_device\n"
        "found = {'is': str(choose_device()), 'first': available_devices()[0]}\n"
        "results.write('part/one', parameters={}, metrics=found, data_hash='')",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.cells[0].metadata["tags"] = ["parameters"]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, part / "one.ipynb")
    measured = reruns.execute_chapter(str(part / "one"), tmp_path / "_build")
    assert measured.metrics == {"is": "cpu", "first": "cuda"}
    assert reruns.run(part / "one", output=tmp_path / "run.ipynb").results.metrics["is"] == "cuda"
