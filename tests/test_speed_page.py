"""The page on speed shows what results.json holds, and says so when it holds nothing."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from matplotlib.figure import Figure
from measured import speed
from test_extensions import Site, real_page, rows_of

ROOT = Path(__file__).parents[1]
LOOPS = ("by_hand", "package", "bare", "skorch", "lightning", "loader_0", "loader_2")


def timed(median: float) -> dict[str, Any]:
    return {"median": median, "low": median / 2, "high": 2 * median, "rounds": [median] * 3}


def epochs(scale: float) -> dict[str, Any]:
    """Each loop takes one unit more than the one before it; the package two."""
    return {
        "seconds": {loop: timed(scale * unit) for unit, loop in enumerate(LOOPS, start=1)},
        "ratios": {loop: unit / 2 for unit, loop in enumerate(LOOPS, start=1)},
        "validation_loss": {loop: 0.3 * (1 + 1e-6 * (loop == "by_hand")) for loop in LOOPS},
    }


def make_results() -> dict[str, Any]:
    """What the repository keeps, but for numbers that nobody measured."""
    results: dict[str, Any] = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    for dataset in ("mnist", "cifar10"):
        memory = {loop: unit * 2**20 for unit, loop in enumerate(LOOPS, start=11)}
        threads = {"threads_1": epochs(0.1), "threads_2": epochs(0.01)}
        results["epoch"][dataset] = {**threads, "memory_bytes": memory}
    machine = {"cpu": "Abacus & <b>Sons</b>", "cores": 3, "python": "3.99", "versions": {"torch": "9.8.7"}}
    results["epoch"]["machine"] |= {**machine, "date": "2031-02-03T04:05:06+00:00"}
    solvers = results["solvers"]
    solvers["passes"] |= {"lbfgs": 14, "sgd": None}
    solvers["validation_loss"]["sgd"] = 0.361
    for threads in ("threads_1", "threads_2"):
        solvers[threads] |= {"best_solver": "lbfgs", "ratio_to_best_solver": 0.4}
        solvers[threads]["seconds"]["lbfgs"] = timed(1.25)
    results["imports"]["seconds"]["torch"] = timed(2.5)
    results["features"]["mnist"] = {
        "seconds": {"package": timed(0.5), "bare": timed(0.25)},
        "speed": 0.51,
        "num_images": 5_000,
    }
    results["features"]["head"] |= {"test_accuracy": 0.75, "num_features": 3_600, "seconds": 41.2}
    results["targets"] = [
        {"title": "a ratio", "value": 12.34, "bound": 10, "at_least": True, "unit": "times", "met": True},
        {"title": "a time", "value": 0.75, "bound": 0.5, "at_least": False, "unit": "s", "met": False},
        {"title": "a power", "value": 1.04, "bound": 1.1, "at_least": False, "unit": "", "met": True},
    ]
    return results


def write(folder: Path, results: dict[str, Any]) -> None:
    (folder / "new.json").write_text(json.dumps(results))
    (folder / "new.json").replace(folder / "results.json")


def make_site(folder: Path) -> Site:
    """A book with the page, and the made-up results beside it."""
    write(folder, make_results())
    return Site(folder, {"book/speed": real_page("speed")}, measured_speed="../results.json")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = make_site(tmp_path_factory.mktemp("speed"))
    assert site.build() == ""
    return site


def text_of(site: Site) -> str:
    return " ".join(site.page("book/speed").get_text(" ").split())


def tables_of(site: Site) -> list[list[list[str]]]:
    """Promises, two data sets' epochs, solvers, features, imports."""
    return [rows_of(table) for table in site.page("book/speed").select("table.measured")]


def test_the_machine_is_named_with_its_date_and_versions(shown: Site) -> None:
    text = text_of(shown)
    said = (
        "2031-02-03",
        "of Abacus & <b>Sons</b> (",
        "Python 3.99, with torch 9.8.7.",
        "Each loop ran 3 times",
    )
    assert [words for words in said if words not in text] == []


def test_a_promise_is_shown_with_its_outcome(shown: Site) -> None:
    assert tables_of(shown)[0] == [
        ["a ratio", "12.3 times", "at least 10 times", "yes"],
        ["a time", "0.750 s", "at most 0.5 s", "no"],
        ["a power", "1.04", "at most 1.1", "yes"],
    ]


def test_every_way_has_its_seconds_ratio_and_memory_for_both_data_sets(shown: Site) -> None:
    _, rows, others, *_ = tables_of(shown)
    one, two = "0.200 [0.100, 0.400]", "0.0200 [0.0100, 0.0400]"
    assert rows[1] == ["this package", one, "1.00", two, "1.00", "12"]
    assert rows[-1][0] == "DataLoader, 2 workers"
    assert rows == others and len(rows) == len(LOOPS)
    assert "at most 1e-06 of their size" in text_of(shown)


def test_a_solver_that_never_reached_the_loss_is_no_winner(shown: Site) -> None:
    rows = {row[0]: row[1:] for row in tables_of(shown)[3]}
    assert rows["lbfgs"] == ["1.25 [0.625, 2.50]", "1.25 [0.625, 2.50]", "14 passes"]
    assert rows["SGDClassifier"] == ["not reached", "", "best 0.361 nats"]
    said = "takes 0.400 times as long as the quickest solver, lbfgs, to a validation loss of 0.32 nats"
    assert said in text_of(shown)


def test_features_stand_beside_their_convolution_and_what_is_learnt_from_them(shown: Site) -> None:
    span = "0.250 [0.125, 0.500]"
    assert tables_of(shown)[4][0] == ["MNIST", "5,000", "0.500 [0.250, 1.00]", span, "0.510"]
    assert "3,600 features, it has 75.00 % of the test images right after 41 s of one core" in text_of(shown)


def test_each_import_has_its_seconds_and_ratio(shown: Site) -> None:
    rows = tables_of(shown)[5]
    assert rows[0] == ["torch", "2.50 [1.25, 5.00]", "1.00"]
    assert [row[0] for row in rows[1:]] == [
        "the trainer",
        "all that MNIST\u2019s training chapter imports",
    ]


def test_replicas_and_growth_are_told_in_sentences(shown: Site) -> None:
    text, results = text_of(shown), make_results()
    growth, replicas = results["growth"], results["replicas"]
    images, mapped, line = growth["images"], growth["mapped"], growth["replicas"]["time_line"]
    law, memory, points = images["time"], images["memory_line"], growth["points"]["time_line"]
    for said in (
        f"{replicas['replicas']} learning rates, one epoch each, with one thread: ",
        f"the power {law['exponent']:.2f} (standard error {law['standard_error']:.2f}) of their number",
        f"explains {images['time_line']['r_squared']:.4f} of the variance",
        f"takes {memory['each']:.0f} bytes (standard error {memory['standard_error']:.0f}); its pixels",
        f"make {images['predicted_bytes'][-1] / images['sizes'][-1]:.0f}.",
        f"one more takes {1000 * line['each']:.0f} ms of an epoch, beside {1000 * line['at_zero']:.0f} ms",
        f"one more point takes {points['each']:.1f} s (standard error {points['standard_error']:.1f} s)",
        f"with {mapped['size']:,} images in a file",
        f"{mapped['bytes'] / 2**20:,.0f} MiB instead of {images['bytes'][-1] / 2**20:,.0f}.",
    ):
        assert said in text


@pytest.mark.parametrize("name", ["fig-speed-epochs", "fig-speed-growth"])
def test_a_figure_is_a_file_with_words_for_those_who_do_not_see_it(shown: Site, name: str) -> None:
    (figure,) = shown.page("book/speed").select(f"figure#{name}")
    image, caption = figure.img, figure.figcaption
    assert image is not None and " panels" in str(image["alt"])
    drawn = (shown.folder / "build" / "html" / "book" / str(image["src"])).resolve()
    assert drawn.read_bytes().startswith(b"\x89PNG")
    assert caption is not None and len(caption.get_text()) > 30


@pytest.mark.parametrize("two_threads", [0.01, 0.04, 0.1])
def test_numbers_along_the_axis_do_not_lie_on_each_other(
    two_threads: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = make_results()
    for dataset in ("mnist", "cifar10"):
        for threads, scale in ((1, 0.1), (2, two_threads)):
            results["epoch"][dataset][f"threads_{threads}"] = epochs(scale)
            for each in results["epoch"][dataset][f"threads_{threads}"]["seconds"].values():
                each["low"] = each["high"] = each["median"]

    def draw_here(env: None, name: str, draw: Callable[[Any], None], **layout: Any) -> Figure:
        figure, axes = plt.subplots(1, layout["columns"], figsize=layout["size"])
        draw(list(axes))
        figure.canvas.draw()
        return figure

    monkeypatch.setattr(speed, "draw_figure", draw_here)
    figure = speed.draw_epochs(None, results)
    for ax in figure.axes:
        labels = [tick for tick in ax.get_xticklabels(which="both") if tick.get_text() and tick.get_visible()]
        low, high = ax.get_xlim()
        boxes = sorted(
            (tick.get_window_extent().x0, tick.get_window_extent().x1)
            for tick in labels
            if low <= tick.get_position()[0] <= high
        )
        assert len(boxes) >= 2
        assert all(one[1] < next_one[0] for one, next_one in itertools.pairwise(boxes))
    plt.close(figure)


def test_new_results_make_a_new_page_and_what_was_not_measured_is_a_warning(tmp_path: Path) -> None:
    site, results = make_site(tmp_path), make_results()
    assert site.build() == ""
    results["targets"][0]["value"] = 98.7
    write(tmp_path, results)
    assert site.build() == ""
    assert tables_of(site)[0][0][1] == "98.7 times"
    del results["growth"]["points"]
    write(tmp_path, results)
    warning = site.build()
    assert re.search(r"speed\.md:\d+: WARNING: KeyError: 'points'.* `make bench`", warning)
    (tmp_path / "results.json").unlink()
    assert re.search(r"speed\.md:\d+: WARNING: .*No such file.* `make bench`", site.build())
