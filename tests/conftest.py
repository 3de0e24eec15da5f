"""What several test files share."""

import os

# Before anything draws or shows progress.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("TUTORIAL_QUIET", "1")

import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from built_book import WIDE, path_of
from fault_table import FaultTable
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

if TYPE_CHECKING:
    from tutorial_utils.data.datasets import LoadedDataset

# A shell's background jobs ignore Ctrl-C, and so would the processes that tests start to interrupt them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

OpenPage = Callable[..., Page]
AT_MOST = 300_000
"""Milliseconds until a page that never does what is waited for fails a test; no measure of its speed."""
expect.set_options(timeout=AT_MOST)

LONGEST = (
    *("test_browser", "test_sweeps", "test_playground", "test_demo", "test_jupyterlab", "test_security"),
    *("test_build", "test_repeat", "test_colab", "test_reruns"),
)
"""Files that start first: of two processes, neither is left with a long one at the end."""

CHEAP_CHAPTERS = {"chapter_to_run": "foundations/02_gradients", "chapter_to_repeat": "mnist/02_model"}
"""By fixture; the last one trains."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--chapters",
        help='chapters to run in JupyterLab, as on Colab and again: "part/name ..." or "all"; by default one',
    )
    parser.addoption("--nightly", action="store_true", help="run the long and random tests, too")
    parser.addoption("--fault-table", action="store_true", help="print which rows of faults.md hold")


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis draws the same few cases each time; at night many, at random. A busy machine is no bug."""
    common = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
    settings.register_profile("usual", **common, derandomize=True, max_examples=30)
    settings.register_profile("nightly", **common, max_examples=300)
    settings.load_profile("nightly" if config.getoption("--nightly") else "usual")
    config.pluginmanager.register(FaultTable(show=config.getoption("--fault-table")))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is long or random, which the summary says, unless it is asked for. Put long files first."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONGEST)))
    if not config.getoption("--nightly"):
        for item in items:
            if item.get_closest_marker("nightly"):
                item.add_marker(pytest.mark.skip(reason="long or random: make nightly runs it"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Name the chapters that are executed: a cheap one, those asked for, or all, first those that train."""
    folder = Path(__file__).parents[1] / "notebooks"
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.glob("*/*.ipynb")]
    asked = (metafunc.config.getoption("--chapters") or "").split()
    if wrong := set(asked) - {*names, "all"}:
        raise pytest.UsageError(
            f"there is no chapter {', '.join(wrong)}; there are {', '.join(sorted(names))}"
        )
    for fixture in CHEAP_CHAPTERS.keys() & set(metafunc.fixturenames):
        every = sorted(names, key=lambda name: (not name.endswith("03_training"), name))
        metafunc.parametrize(fixture, every if "all" in asked else asked or [CHEAP_CHAPTERS[fixture]])


def find_chromium() -> str:
    """The system's Chromium; without one the test is skipped, but never where CI runs it."""
    found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    path = next(found, None)
    if path is None:
        assert os.environ.get("CI") != "true", "CI must have Chromium: apt-get install chromium"
        pytest.skip("no Chromium here: apt-get install chromium")
    return path


@pytest.fixture(scope="module")  # no longer: its event loop would be in the way of other modules' kernels
def browser() -> Iterator[Browser]:
    """A real browser; each test opens pages of its own."""
    path = find_chromium()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()


class Visit:
    """Opens pages from their files as a reader without a network does, and notes what must not be.

    Attributes:
        elsewhere: Addresses at other hosts that pages asked for. They got no answer.
        complaints: What their scripts threw, or told the console.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.contexts: list[BrowserContext] = []
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []

    def open(
        self, name: str, after: str = "", *, before: Callable[[Page], None] | None = None, **settings: Any
    ) -> Page:
        """`after` follows the address, as "?q=word" does; `before` prepares the empty page."""
        context = self.browser.new_context(**{"viewport": WIDE, "offline": True} | settings)
        context.set_default_timeout(AT_MOST)
        self.contexts.append(context)
        page = context.new_page()
        page.on("request", lambda asked: self._note(asked.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None,
        )
        if before:
            before(page)
        page.goto(path_of(name).as_uri() + after)
        return page

    def _note(self, address: str) -> None:
        if not address.startswith(("file:", "data:", "blob:")):
            self.elsewhere.append(address)

    def close(self) -> None:
        """Close every page, which stops its scripts."""
        for context in self.contexts:
            context.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens a page from its file. At the end, nothing went to another host and no script complained."""
    visit = Visit(browser)
    yield visit.open
    visit.close()
    assert not visit.elsewhere, "the page asked another host"
    assert not visit.complaints


@pytest.fixture(scope="session")
def mnist() -> "LoadedDataset":
    """The real data set, fetched when the cache is cold; parallel test processes wait for each other."""
    from tutorial_utils.data import datasets

    return datasets.load("mnist")


@pytest.fixture(scope="session")
def cifar10() -> "LoadedDataset":
    """The real CIFAR-10; see `mnist`."""
    from tutorial_utils.data import datasets

    return datasets.load("cifar10")
